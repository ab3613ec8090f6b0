// SPDX-License-Identifier: MIT
// The heartbeat's part of Mesh (gossipsub v1.0 "Heartbeat", v1.1 "Outbound Mesh Quotas" and
// "Opportunistic Grafting"), fan-out and whom an own message goes to.
#include <algorithm>

#include "plugins/routers/gossipsub/mesh.h"

namespace kith::gossip {

namespace {

constexpr std::uint64_t kBeatsPerBetter = 60;  // opportunistic grafting
constexpr std::size_t kBetterPeers = 2;
constexpr double kBetterThreshold = 1;

bool any_peer(const PeerState&) { return true; }

std::size_t count_dialed(const std::vector<MeshLink>& mesh) {
  return static_cast<std::size_t>(std::count_if(
      mesh.begin(), mesh.end(), [](const MeshLink& link) { return link.peer->dialed; }));
}

}  // namespace

void Mesh::beat() {
  ++beats_;
  const std::uint64_t now = core_.now();
  for (auto at = topics_.begin(); at != topics_.end();) {
    auto& [name, topic] = *at;
    std::erase_if(topic.backoff, [&](const auto& entry) {
      return entry.second + 2 * core_.options.heartbeat_us <= now;
    });
    if (topic.joined)
      maintain(name, topic);
    else
      maintain_fanout(topic);
    const bool unused = !topic.joined && topic.subscribers.empty() && topic.backoff.empty();
    at = unused ? topics_.erase(at) : std::next(at);
  }
}

void Mesh::maintain(std::string_view name, Topic& topic) {
  const Options& options = core_.options;
  judge_probes(name, topic);
  const auto before = topic.mesh;
  for (const MeshLink& link : before)
    if (link.peer->score->value < 0) prune_one(name, topic, *link.peer);
  if (topic.mesh.size() < options.d_low)
    graft_some(name, topic, options.d - topic.mesh.size(), any_peer);
  if (topic.mesh.size() > options.d_high) prune_excess(name, topic);
  const std::size_t dialed = count_dialed(topic.mesh);
  if (topic.mesh.size() >= options.d_low && dialed < options.d_out)
    graft_some(name, topic, options.d_out - dialed,
               [](const PeerState& peer) { return peer.dialed; });
  if (beats_ % kBeatsPerBetter == 0 && topic.mesh.size() > 1) graft_better(name, topic);
}

void Mesh::graft_some(std::string_view name, Topic& topic, std::size_t n, auto&& fits) {
  for (PeerState* peer : candidates(topic)) {
    if (n == 0) return;
    if (!fits(*peer)) continue;
    add_link(name, topic, *peer);
    send_graft(*peer, name);
    --n;
  }
}

void Mesh::prune_one(std::string_view name, Topic& topic, PeerState& peer) {
  remove_link(name, topic, peer);
  back_off(topic, peer.id, core_.options.prune_backoff_us);
  send_prune(peer, name, core_.options.prune_backoff_us);
}

// Keeps the d_score best, then by chance up to d; of these d_out that we dialed, where there are
// that many.
void Mesh::prune_excess(std::string_view name, Topic& topic) {
  const Options& options = core_.options;
  std::vector<PeerState*> order;
  for (const MeshLink& link : topic.mesh) order.push_back(link.peer);
  core_.shuffle(order);
  std::stable_sort(order.begin(), order.end(), [](const PeerState* a, const PeerState* b) {
    return a->score->value > b->score->value;
  });
  std::vector<PeerState*> rest(order.begin() + static_cast<std::ptrdiff_t>(options.d_score),
                               order.end());
  core_.shuffle(rest);
  std::copy(rest.begin(), rest.end(), order.begin() + static_cast<std::ptrdiff_t>(options.d_score));
  const auto cut = order.begin() + static_cast<std::ptrdiff_t>(options.d);
  const auto dialed = [](const PeerState* peer) { return peer->dialed; };
  auto have = static_cast<std::size_t>(std::count_if(order.begin(), cut, dialed));
  auto place = cut;
  for (auto at = cut; at != order.end() && have < options.d_out; ++at) {
    if (!dialed(*at)) continue;
    do --place;
    while (dialed(*place));
    std::iter_swap(at, place);
    ++have;
  }
  for (auto at = cut; at != order.end(); ++at) prune_one(name, topic, **at);
}

void Mesh::graft_better(std::string_view name, Topic& topic) {
  std::vector<double> scores;
  for (const MeshLink& link : topic.mesh) scores.push_back(link.peer->score->value);
  std::sort(scores.begin(), scores.end());
  const double median = scores[scores.size() / 2];
  if (median >= kBetterThreshold) return;
  graft_some(name, topic, kBetterPeers,
             [median](const PeerState& peer) { return peer.score->value > median; });
}

void Mesh::judge_probes(std::string_view name, Topic& topic) {
  const std::uint64_t now = core_.now();
  for (MeshLink& link : topic.mesh) {
    if (link.probe == 0 || link.probe_until_us == 0 || now < link.probe_until_us) continue;
    link.probe = 0;
    core_.scores.missed_probe(*link.peer->score, name, now);
  }
}

void Mesh::maintain_fanout(Topic& topic) {
  if (topic.fanout.empty()) return;
  if (core_.now() >= topic.published_us + core_.options.fanout_ttl_us) {
    topic.fanout.clear();
    return;
  }
  std::erase_if(topic.fanout, [this](const PeerState* peer) {
    return peer->score->value < core_.options.publish_threshold || !peer->outbox.is_open();
  });
}

std::vector<PeerState*> Mesh::publish_to(std::string_view name) {
  Topic* topic = find(name);
  if (!topic) return {};
  const auto fit = [this](const PeerState& peer) {
    return peer.outbox.is_open() && peer.score->value >= core_.options.publish_threshold;
  };
  std::vector<PeerState*> to;
  const bool all = core_.options.flood_publish;
  for (PeerState* peer : topic->subscribers)
    if (fit(*peer) && (all || !peer->can_mesh())) to.push_back(peer);
  if (all) return to;
  if (topic->joined) {
    for (const MeshLink& link : topic->mesh) to.push_back(link.peer);
    if (topic->mesh.size() >= core_.options.d_low) return to;
  }
  // Fan-out (v1.0), which also fills up a mesh that is still thin.
  auto& fanout = topic->fanout;
  topic->published_us = core_.now();
  auto more = candidates(*topic);
  for (PeerState* peer : more) {
    if (fanout.size() + (topic->joined ? topic->mesh.size() : 0) >= core_.options.d) break;
    if (fit(*peer) && std::find(fanout.begin(), fanout.end(), peer) == fanout.end())
      fanout.push_back(peer);
  }
  for (PeerState* peer : fanout)
    if (std::find(to.begin(), to.end(), peer) == to.end()) to.push_back(peer);
  if (topic->joined) fanout.clear();
  return to;
}

}  // namespace kith::gossip

// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/score.h"

#include <algorithm>
#include <cmath>

#include "plugins/routers/gossipsub/limits.h"

namespace kith::gossip {

namespace {

// A mesh peer of ten minutes that delivers is worth 10 a topic, as is the cap over all topics; one
// invalid message takes that away, three are the graylist.
constexpr double kMeshMinuteWeight = 0.5, kMeshMinutesMax = 10;
constexpr double kFirstWeight = 0.1, kFirstMax = 50, kFirstDecay = 0.97;
constexpr double kMissedTolerance = 2, kMissedDecay = 0.98;
constexpr double kFailureDecay = 0.99;
constexpr double kInvalidWeight = 10, kInvalidDecay = 0.97;
constexpr double kTopicsCap = 10;
constexpr double kIpWeight = 5;
constexpr std::size_t kIpTolerance = 10;
constexpr double kBehaviourTolerance = 2, kBehaviourWeight = 5, kBehaviourDecay = 0.95;
constexpr double kZero = 0.01;
constexpr std::uint64_t kRetainUs = 600'000'000;

double square(double value) { return value * value; }
double deficit(const TopicScore& topic) { return std::max(0.0, topic.missed - kMissedTolerance); }

double value_of(const TopicScore& topic, std::uint64_t now_us) {
  double value = 0;
  if (topic.in_mesh) {
    const double minutes = static_cast<double>(now_us - topic.grafted_us) / 60e6;
    value += std::min(minutes, kMeshMinutesMax) * kMeshMinuteWeight;
    value -= square(deficit(topic));
  }
  return value + topic.first * kFirstWeight - topic.failure -
         square(topic.invalid) * kInvalidWeight;
}

void decay(double& counter, double factor, double seconds) {
  if (counter == 0) return;
  counter *= std::pow(factor, seconds);
  if (counter < kZero) counter = 0;
}

// Whether nothing is left to remember.
bool decay(TopicScore& topic, double seconds) {
  decay(topic.first, kFirstDecay, seconds);
  decay(topic.missed, kMissedDecay, seconds);
  decay(topic.failure, kFailureDecay, seconds);
  decay(topic.invalid, kInvalidDecay, seconds);
  return !topic.in_mesh && topic.first + topic.missed + topic.failure + topic.invalid == 0;
}

}  // namespace

ScoreBook::Record& ScoreBook::arrive(const wire::PeerId& id) {
  const auto [found, fresh] = records_.try_emplace(id);
  Record& record = found->second;
  if (!fresh && !record.connected) --gone_;
  record.connected = true;
  return record;
}

void ScoreBook::leave(const wire::PeerId& id, std::uint64_t now_us) {
  const auto found = records_.find(id);
  if (found == records_.end() || !found->second.connected) return;
  Record& record = found->second;
  for (auto& [topic, score] : record.topics)
    if (score.in_mesh) prune(record, topic, now_us);
  place(record, wire::Multiaddr());
  refresh(record, now_us);
  record.connected = false;
  record.until_us = now_us + kRetainUs;
  if (++gone_ > limits::kGonePeersMax) drop_gone();
}

void ScoreBook::place(Record& record, const wire::Multiaddr& address) {
  if (const auto old = per_ip_.find(record.ip); old != per_ip_.end() && --old->second == 0)
    per_ip_.erase(old);
  const bool counts = !address.empty() && !address.is_private() && !address.is_loopback() &&
                      !address.host_is_name() && !address.has("p2p-circuit");
  record.ip = counts ? address.host() : std::string();
  if (!record.ip.empty()) ++per_ip_[record.ip];
}

void ScoreBook::set_app(Record& record, double app, std::uint64_t now_us) {
  record.app = std::isfinite(app) ? app : 0;
  refresh(record, now_us);
}

void ScoreBook::graft(Record& record, std::string_view topic, std::uint64_t now_us) {
  TopicScore& score = record.topics[std::string(topic)];
  score.in_mesh = true;
  score.grafted_us = now_us;
}

void ScoreBook::prune(Record& record, std::string_view topic, std::uint64_t now_us) {
  const auto found = record.topics.find(topic);
  if (found == record.topics.end() || !found->second.in_mesh) return;
  found->second.failure += square(deficit(found->second));
  found->second.in_mesh = false;
  refresh(record, now_us);
}

void ScoreBook::first_delivery(Record& record, std::string_view topic) {
  const auto found = record.topics.find(topic);
  TopicScore& score =
      found != record.topics.end() ? found->second : record.topics[std::string(topic)];
  score.first = std::min(score.first + 1, kFirstMax);
  score.missed = 0;
}

void ScoreBook::delivery(Record& record, std::string_view topic) {
  const auto found = record.topics.find(topic);
  if (found != record.topics.end()) found->second.missed = 0;
}

void ScoreBook::missed_probe(Record& record, std::string_view topic, std::uint64_t now_us) {
  const auto found = record.topics.find(topic);
  if (found == record.topics.end()) return;
  ++found->second.missed;
  refresh(record, now_us);
}

void ScoreBook::invalid(Record& record, std::string_view topic, std::uint64_t now_us) {
  ++record.topics[std::string(topic)].invalid;
  refresh(record, now_us);
}

void ScoreBook::penalty(Record& record, double weight, std::uint64_t now_us) {
  record.behaviour += weight;
  refresh(record, now_us);
}

void ScoreBook::refresh(Record& record, std::uint64_t now_us) const {
  double value = 0;
  for (const auto& [name, topic] : record.topics) value += value_of(topic, now_us);
  value = std::min(value, kTopicsCap);
  value += record.app;
  if (const auto found = per_ip_.find(record.ip); found != per_ip_.end()) {
    if (found->second > kIpTolerance)
      value -= square(static_cast<double>(found->second - kIpTolerance)) * kIpWeight;
  }
  value -= square(std::max(0.0, record.behaviour - kBehaviourTolerance)) * kBehaviourWeight;
  record.value = value;
}

void ScoreBook::beat(std::uint64_t now_us, double seconds) {
  for (auto at = records_.begin(); at != records_.end();) {
    Record& record = at->second;
    if (!record.connected) {
      const bool over = record.until_us <= now_us;
      gone_ -= over ? 1 : 0;
      at = over ? records_.erase(at) : std::next(at);
      continue;
    }
    decay(record.behaviour, kBehaviourDecay, seconds);
    for (auto topic = record.topics.begin(); topic != record.topics.end();)
      topic = decay(topic->second, seconds) ? record.topics.erase(topic) : std::next(topic);
    refresh(record, now_us);
    ++at;
  }
}

void ScoreBook::drop_gone() {
  auto first = records_.end();
  for (auto at = records_.begin(); at != records_.end(); ++at)
    if (!at->second.connected &&
        (first == records_.end() || at->second.until_us < first->second.until_us))
      first = at;
  if (first == records_.end()) return;
  records_.erase(first);
  --gone_;
}

}  // namespace kith::gossip

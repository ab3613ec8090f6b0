// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/core.h"

namespace kith::gossip {

namespace {

Fingerprints draw_fingerprints(const Host& host) {
  std::array<std::uint64_t, 2> key{};
  host.crypto().entropy(host.raw(), key.data(), sizeof key);
  return Fingerprints(key);
}

// An id that ends leaves its author's seqno behind, so that a replay is known even then.
void raise_floor(Replay& replay, const Seen::Entry& ended) {
  if (ended.author != 0) replay.raise(ended.author, ended.seqno);
}

}  // namespace

PeerState* Roster::find(const wire::PeerId& id) const {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : found->second.get();
}

PeerState& Roster::add(std::unique_ptr<PeerState> peer) {
  const wire::PeerId id = peer->id;
  return *peers_.emplace(id, std::move(peer)).first->second;
}

void Roster::retire(const wire::PeerId& id) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  retired_.push_back(std::move(found->second));
  peers_.erase(found);
}

Core::Core(const Host& given)
    : host(given),
      fingerprints(draw_fingerprints(given)),
      seen(options.seen_ttl_us, limits::kSeenMax),
      replay(limits::kAuthorsMax),
      cache(options.history_length, limits::kCacheBytesMax) {}

void Core::see(const Stored& stored) {
  Seen::Entry entry{stored.fingerprint, 0, 0, 0};
  if (options.sign) {
    entry.author = fingerprints.of(stored.message.from);
    entry.seqno = seqno_of(stored.message.seqno);
    replay.observe(entry.author, entry.seqno);
  }
  expire_seen();
  seen.insert(entry, now(), [this](const Seen::Entry& old) { raise_floor(replay, old); });
}

void Core::expire_seen() {
  seen.expire(now(), [this](const Seen::Entry& old) { raise_floor(replay, old); });
}

Fingerprint Core::fingerprint_of(Bytes id) const {
  if (!options.sign) return fingerprints.of(id);
  const ReadId read = read_id(id);
  return fingerprints.of(read.id);
}

void Core::learn_form(PeerState& peer, Bytes id) const {
  if (!options.sign || options.id_form) return;
  const ReadId read = read_id(id);
  if (!read.known) return;
  peer.form = read.form;
  peer.form_seen = true;
}

Bytes Core::id_for(const PeerState& peer, const Stored& stored,
                   std::deque<ByteVector>& kept) const {
  const IdForm form = options.id_form.value_or(peer.form);
  if (!options.sign || form == IdForm::kSpec) return stored.id;
  kept.push_back(id_in_form(stored.message, form));
  return kept.back();
}

std::size_t Core::below(std::size_t n) const {
  return static_cast<std::size_t>(host.random_u64() % n);
}

}  // namespace kith::gossip

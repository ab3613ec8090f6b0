// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/intake.h"

#include <algorithm>

namespace kith::gossip {

namespace {

constexpr double kBadFramePenalty = 1;
constexpr double kHugeFramePenalty = 3;

}  // namespace

void Intake::on_frame(PeerState& peer, Bytes frame) {
  peer.spoke = true;
  if (peer.score->value < core_.options.graylist_threshold) return;
  if (!decode_rpc(frame, rpc_)) return core_.charge(peer, kBadFramePenalty);
  mesh_.on_subscriptions(peer, rpc_);
  for (const MessageView& message : rpc_.messages) receive(peer, message);
  offers_.on_ihave(peer, rpc_);
  offers_.on_iwant(peer, rpc_);
  mesh_.on_graft(peer, rpc_);
  mesh_.on_prune(peer, rpc_);
  offers_.on_idontwant(peer, rpc_);
}

void Intake::on_stream_end(PeerState& peer, int why) {
  if (why == KITH_LIMIT) core_.charge(peer, kHugeFramePenalty);
}

bool Intake::may_read(PeerState& peer) {
  if (pending_bytes_ < limits::kPendingBytesMax) return true;
  paused_.push_back(peer.id);
  return false;
}

void Intake::resume_paused() {
  if (pending_bytes_ > limits::kPendingBytesMax / 2) return;
  for (const wire::PeerId& id : std::exchange(paused_, {}))
    if (PeerState* peer = core_.peers.find(id)) peer->reader.resume();
}

void Intake::receive(PeerState& peer, const MessageView& message) {
  const std::string_view topic = as_text(message.topic);
  if (!mesh_.joined(topic)) return;
  if (message.data.size() > core_.options.message_bytes_max || !conforms(message))
    return reject(peer, topic);
  if (core_.options.sign && equal(message.from, core_.host.self())) return;  // ours, come back
  const ByteVector id = id_of(message);
  const Fingerprint print = core_.fingerprints.of(id);
  if (is_known(peer, message, print)) return;
  arrived_.push_back(store_message(message, id, peer.id.bytes(), print));
  const Stored& stored = arrived_.back();
  if (core_.options.sign) {
    proving_.try_emplace(print, stored.frame);
  } else {
    core_.see(stored);
  }
}

// pubsub/README "Message Signing": StrictSign and StrictNoSign.
bool Intake::conforms(const MessageView& message) const {
  using View = MessageView;
  if (!core_.options.sign)
    return (message.present & (View::kFrom | View::kSeqno | View::kSignature | View::kKey)) == 0;
  return message.seqno.size() == kSeqnoBytes && !message.signature.empty() &&
         wire::PeerId::from_bytes(message.from);
}

ByteVector Intake::id_of(const MessageView& message) const {
  if (core_.options.sign) return spec_id(message);
  ByteVector made(32);
  core_.host.crypto().sha256(core_.host.raw(), c_bytes(message.data), made.data());
  return made;
}

bool Intake::is_known(PeerState& peer, const MessageView& message, Fingerprint id) {
  if (core_.seen.contains(id)) {
    relay_.delivered(as_text(message.topic), id, peer);
    return true;
  }
  if (!core_.options.sign) return false;
  const Fingerprint author = core_.fingerprints.of(message.from);
  if (core_.replay.is_old(author, seqno_of(message.seqno))) return true;
  const auto found = proving_.find(id);
  if (found == proving_.end()) return false;
  ByteVector copy;
  append_message(copy, message, kAllFields);
  if (!equal(found->second.bytes().last(std::min(copy.size(), found->second.bytes().size())), copy))
    return false;
  relay_.delivered(as_text(message.topic), id, peer);
  return true;
}

void Intake::reject(PeerState& peer, std::string_view topic) {
  core_.scores.invalid(*peer.score, topic, core_.now());
}

void Intake::on_wake_end(PeerState& peer) {
  if (arrived_.empty()) return;
  std::vector<Stored> messages = std::exchange(arrived_, {});
  const wire::PeerId via = peer.id;
  if (!core_.options.sign) return judge(via, messages);
  for (std::size_t at = 0; at < messages.size(); at += limits::kBatchMax) {
    const std::size_t end = std::min(messages.size(), at + limits::kBatchMax);
    prove(via, {std::make_move_iterator(messages.begin() + static_cast<std::ptrdiff_t>(at)),
                std::make_move_iterator(messages.begin() + static_cast<std::ptrdiff_t>(end))});
  }
}

void Intake::prove(const wire::PeerId& via, std::vector<Stored> messages) {
  batches_.push_back({this, {}, via, std::move(messages), {}, 0, {}});
  Batch& batch = batches_.back();
  batch.self = std::prev(batches_.end());
  for (const Stored& stored : batch.messages) {
    const MessageView& message = stored.message;
    batch.bytes += stored.bytes();
    batch.claims.push_back({c_bytes(message.from), c_bytes(message.key), kSignDomain,
                            c_bytes(stored.signed_part), c_bytes(message.signature),
                            stored.frame.get()});
  }
  pending_bytes_ += batch.bytes;
  const kith_done done{&Intake::proven, &batch};
  batch.op = core_.host.own(
      core_.host.crypto().verify(core_.host.raw(), batch.claims.data(), batch.claims.size(), done));
  if (batch.op) return;
  // The node takes no more work: as if these had never come. Gossip will offer them again.
  for (const Stored& stored : batch.messages) proving_.erase(stored.fingerprint);
  pending_bytes_ -= batch.bytes;
  batches_.pop_back();
}

void Intake::proven(void* ctx, std::int64_t r, const void* result) {
  auto& batch = *static_cast<Batch*>(ctx);
  Intake& intake = *batch.owner;
  batch.op.forget();
  const auto* holds = static_cast<const std::int8_t*>(result);
  const wire::PeerId via = batch.via;
  PeerState* peer = intake.core_.peers.find(via);
  std::vector<Stored> valid;
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    Stored& stored = batch.messages[i];
    intake.proving_.erase(stored.fingerprint);
    if (r < 0) continue;
    if (holds[i] != 1) {
      if (peer) intake.reject(*peer, stored.topic());
    } else if (!intake.core_.seen.contains(stored.fingerprint)) {
      intake.core_.see(stored);
      valid.push_back(std::move(stored));
    }
  }
  intake.pending_bytes_ -= batch.bytes;
  intake.batches_.erase(batch.self);
  intake.judge(via, valid);
  intake.resume_paused();
}

void Intake::judge(const wire::PeerId& via, const std::vector<Stored>& messages) {
  if (messages.empty()) return;
  std::vector<kith_message> told;
  std::vector<std::uint64_t> tickets;
  std::vector<int> verdicts(messages.size(), KITH_PASS);
  for (const Stored& stored : messages) {
    PeerState* peer = core_.peers.find(via);
    relay_.arrived(stored, peer);
    if (peer) relay_.delivered(stored.topic(), stored.fingerprint, *peer);
    told.push_back(message_of(stored));
    tickets.push_back(next_ticket_++);
  }
  core_.host.topics().deliver(core_.host.raw(), told.data(), tickets.data(), verdicts.data(),
                              told.size());
  for (std::size_t i = 0; i < messages.size(); ++i)
    settle(via, messages[i], verdicts[i], tickets[i]);
}

bool Intake::keep_waiting(const wire::PeerId& via, const Stored& stored, std::uint64_t ticket) {
  if (waiting_.size() == limits::kWaitingMax) return false;
  if (waiting_bytes_ + stored.bytes() > limits::kPendingBytesMax) return false;
  waiting_bytes_ += stored.bytes();
  waiting_.emplace(ticket, Waiting{stored, via, core_.now() + limits::kVerdictUs});
  return true;
}

void Intake::settle(const wire::PeerId& via, const Stored& stored, int v, std::uint64_t ticket) {
  if (v == KITH_AGAIN && keep_waiting(via, stored, ticket)) return;
  PeerState* peer = core_.peers.find(via);
  if (v == KITH_PASS) {
    if (peer) core_.scores.first_delivery(*peer->score, stored.topic());
    core_.cache.put(stored);
    relay_.forward(stored, peer);
    return;
  }
  relay_.drop(stored);
  if (v == KITH_REJECT && peer) reject(*peer, stored.topic());
}

kith_message Intake::message_of(const Stored& stored) const {
  kith_message made{};
  made.size = sizeof made;
  made.topic = c_bytes(stored.message.topic);
  made.id = c_bytes(stored.id);
  made.data = c_bytes(stored.message.data);
  made.from = c_bytes(stored.message.from);
  made.via = c_bytes(stored.via);
  made.seqno = core_.options.sign ? seqno_of(stored.message.seqno) : 0;
  made.received_us = core_.host.wall_us();
  made.hold = stored.frame.get();
  return made;
}

void Intake::verdict(std::uint64_t ticket, int v) {
  const auto found = waiting_.find(ticket);
  if (found == waiting_.end() || v == KITH_AGAIN) return;
  const Waiting held = std::move(found->second);
  waiting_.erase(found);
  waiting_bytes_ -= held.stored.bytes();
  settle(held.via, held.stored, v, ticket);
}

void Intake::beat() {
  const std::uint64_t now = core_.now();
  std::erase_if(waiting_, [&](const auto& entry) {
    if (now < entry.second.until_us) return false;
    waiting_bytes_ -= entry.second.stored.bytes();
    relay_.drop(entry.second.stored);
    return true;
  });
}

}  // namespace kith::gossip

// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/cache.h"

#include "engine/wire/varint.h"
#include "plugins/routers/gossipsub/limits.h"

namespace kith::gossip {

namespace {

constexpr std::uint8_t kMessagesTag = 2 << 3 | 2;  // RPC.messages

// Moves a view of the source over to where the same field now stands.
void rebase(Bytes& field, const std::uint8_t*& at) {
  at += 1 + wire::varint_size(field.size());
  field = Bytes(at, field.size());
  at += field.size();
}

}  // namespace

Stored store_message(const MessageView& message, Bytes id, Bytes via, Fingerprint fingerprint) {
  const std::size_t size = message_size(message, kAllFields);
  const std::size_t body = 1 + wire::varint_size(size) + size;
  ByteVector bytes;
  bytes.reserve(wire::kVarintMax + body + id.size() + via.size());
  wire::append_varint(bytes, body);
  bytes.push_back(kMessagesTag);
  wire::append_varint(bytes, size);
  const std::size_t start = bytes.size();
  append_message(bytes, message, kAllFields);
  const std::size_t frame_bytes = bytes.size();
  append(bytes, id);
  append(bytes, via);

  Stored made;
  made.frame = Buffer::take(std::move(bytes));
  const Bytes all = made.frame.bytes();
  made.frame.get()->b.n = frame_bytes;
  made.message = message;
  const std::uint8_t* at = all.data() + start;
  Bytes* const places[] = {&made.message.from,  &made.message.data,      &made.message.seqno,
                           &made.message.topic, &made.message.signature, &made.message.key};
  for (unsigned i = 0; i < 6; ++i)
    if (message.present & 1u << i) rebase(*places[i], at);
  made.signed_part = Bytes(all.data() + start, message_size(message, kSignedFields));
  made.id = all.subspan(frame_bytes, id.size());
  made.via = all.subspan(frame_bytes + id.size(), via.size());
  made.fingerprint = fingerprint;
  return made;
}

void Cache::put(const Stored& stored) {
  if (kept_.contains(stored.fingerprint)) return;
  bytes_ += stored.bytes();
  kept_.emplace(stored.fingerprint, Kept{stored, {}});
  order_.push_back({stored.fingerprint, window_});
  topics_[std::string(stored.topic())].push_back(order_.back());
  while (bytes_ > bytes_max_) drop_oldest();
}

const Stored* Cache::find(Fingerprint id) const {
  const auto found = kept_.find(id);
  return found == kept_.end() ? nullptr : &found->second.stored;
}

bool Cache::count_answer(Fingerprint id, std::uint64_t asker, unsigned most) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return false;
  auto& answers = found->second.answers;
  for (Answers& given : answers)
    if (given.asker == asker) return given.count < most && ++given.count > 0;
  if (answers.size() == limits::kCacheAskersMax) return false;
  answers.push_back({asker, 1});
  return true;
}

void Cache::shift() {
  ++window_;
  while (!order_.empty() && order_.front().window + windows_ <= window_) drop_oldest();
}

void Cache::drop_oldest() {
  const auto found = kept_.find(order_.front().id);
  const Stored& stored = found->second.stored;
  bytes_ -= stored.bytes();
  const auto topic = topics_.find(stored.topic());
  topic->second.pop_front();
  if (topic->second.empty()) topics_.erase(topic);
  kept_.erase(found);
  order_.pop_front();
}

}  // namespace kith::gossip

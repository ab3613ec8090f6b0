// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/rpc.h"

#include "engine/wire/varint.h"
#include "plugins/routers/gossipsub/limits.h"

namespace kith::gossip {

namespace {

enum Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// Walks the fields of one protobuf message in place. Varints may be padded, as protobuf allows.
class Fields {
 public:
  explicit Fields(Bytes from) : at_(from.data()), end_(from.data() + from.size()) {}

  // False at the end, and once something was malformed.
  bool next() {
    if (at_ == end_ || bad_) return false;
    std::uint64_t tag = 0;
    if (!varint(tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return fail();
    number = static_cast<std::uint32_t>(tag >> 3);
    wire = static_cast<std::uint8_t>(tag & 7);
    switch (wire) {
      case kVarint: return varint(value) || fail();
      case kFixed64: return skip(8);
      case kFixed32: return skip(4);
      case kLength: {
        std::uint64_t size = 0;
        if (!varint(size) || size > static_cast<std::uint64_t>(end_ - at_)) return fail();
        bytes = Bytes(at_, static_cast<std::size_t>(size));
        at_ += size;
        return true;
      }
      default: return fail();
    }
  }
  // A field that we know, in the wire type that it must have; another type is malformed.
  bool is(std::uint32_t wanted, Wire kind) {
    if (number != wanted) return false;
    if (wire != kind) fail();
    return !bad_;
  }
  bool bad() const { return bad_; }

  std::uint32_t number = 0;
  std::uint8_t wire = 0;
  std::uint64_t value = 0;
  Bytes bytes;

 private:
  bool varint(std::uint64_t& to) {
    to = 0;
    for (unsigned shift = 0; shift < 70 && at_ != end_; shift += 7) {
      const std::uint8_t byte = *at_++;
      if (shift == 63 && byte > 1) return false;
      to |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool skip(std::ptrdiff_t size) {
    if (end_ - at_ < size) return fail();
    at_ += size;
    return true;
  }
  bool fail() {
    bad_ = true;
    return false;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool bad_ = false;
};

enum class Outcome { kOk, kMalformed, kOverLimit };

Outcome outcome(const Fields& fields) { return fields.bad() ? Outcome::kMalformed : Outcome::kOk; }

Outcome read_subscription(Bytes from, Rpc& rpc) {
  if (rpc.subscriptions.size() == limits::kSubscriptionsMax) return Outcome::kOverLimit;
  Rpc::Subscription read{false, {}};
  Fields fields(from);
  while (fields.next()) {
    if (fields.is(1, kVarint))
      read.subscribe = fields.value != 0;
    else if (fields.is(2, kLength))
      read.topic = as_text(fields.bytes);
  }
  rpc.subscriptions.push_back(read);
  return outcome(fields);
}

Outcome read_message(Bytes from, Rpc& rpc) {
  if (rpc.messages.size() == limits::kMessagesMax) return Outcome::kOverLimit;
  MessageView read;
  Bytes* const places[] = {&read.from,  &read.data,      &read.seqno,
                           &read.topic, &read.signature, &read.key};
  Fields fields(from);
  while (fields.next()) {
    if (fields.number > 6 || !fields.is(fields.number, kLength)) continue;
    *places[fields.number - 1] = fields.bytes;
    read.present = static_cast<std::uint8_t>(read.present | 1u << (fields.number - 1));
  }
  rpc.messages.push_back(read);
  return outcome(fields);
}

Outcome read_ids(Bytes from, Rpc& rpc, std::vector<Rpc::IdList>& kind, std::uint32_t ids_field,
                 std::size_t ids_max) {
  rpc.open(kind);
  Fields fields(from);
  while (fields.next()) {
    if (fields.is(ids_field, kLength)) {
      if (rpc.ids.size() == ids_max || fields.bytes.size() > limits::kIdBytesMax)
        return Outcome::kOverLimit;
      rpc.add_id(kind, fields.bytes);
    } else if (ids_field == 2 && fields.is(1, kLength)) {
      kind.back().topic = as_text(fields.bytes);
    }
  }
  return outcome(fields);
}

Outcome read_graft(Bytes from, Rpc& rpc) {
  std::string_view topic;
  Fields fields(from);
  while (fields.next())
    if (fields.is(1, kLength)) topic = as_text(fields.bytes);
  rpc.graft.push_back(topic);
  return outcome(fields);
}

// Peer exchange (field 2) is read past: this router takes no peers from strangers.
Outcome read_prune(Bytes from, Rpc& rpc) {
  Rpc::Prune read{{}, 0};
  Fields fields(from);
  while (fields.next()) {
    if (fields.is(1, kLength))
      read.topic = as_text(fields.bytes);
    else if (fields.is(3, kVarint))
      read.backoff_s = fields.value;
  }
  rpc.prune.push_back(read);
  return outcome(fields);
}

std::size_t count_ids(const std::vector<Rpc::IdList>& lists) {
  std::size_t sum = 0;
  for (const auto& list : lists) sum += list.count;
  return sum;
}

Outcome read_control(Bytes from, Rpc& rpc) {
  Fields fields(from);
  while (fields.next()) {
    if (fields.number > 5 || !fields.is(fields.number, kLength)) continue;
    if (rpc.ihave.size() + rpc.iwant.size() + rpc.idontwant.size() + rpc.graft.size() +
            rpc.prune.size() ==
        limits::kControlsMax)
      return Outcome::kOverLimit;
    const std::size_t unwanted = count_ids(rpc.idontwant);
    Outcome read = Outcome::kOk;
    switch (fields.number) {
      case 1: read = read_ids(fields.bytes, rpc, rpc.ihave, 2, limits::kIdsMax + unwanted); break;
      case 2: read = read_ids(fields.bytes, rpc, rpc.iwant, 1, limits::kIdsMax + unwanted); break;
      case 3: read = read_graft(fields.bytes, rpc); break;
      case 4: read = read_prune(fields.bytes, rpc); break;
      case 5:
        read = read_ids(fields.bytes, rpc, rpc.idontwant, 1,
                        rpc.ids.size() + limits::kUnwantedIdsMax - unwanted);
        break;
      default: break;
    }
    if (read != Outcome::kOk) return read;
  }
  return outcome(fields);
}

Outcome read_rpc(Bytes from, Rpc& rpc) {
  Fields fields(from);
  while (fields.next()) {
    Outcome read = Outcome::kOk;
    if (fields.is(1, kLength))
      read = read_subscription(fields.bytes, rpc);
    else if (fields.is(2, kLength))
      read = read_message(fields.bytes, rpc);
    else if (fields.is(3, kLength))
      read = read_control(fields.bytes, rpc);
    if (read != Outcome::kOk) return read;
  }
  return outcome(fields);
}

// ---- Writing.

void append_field(ByteVector& to, std::uint8_t number, Bytes bytes) {
  to.push_back(static_cast<std::uint8_t>(number << 3 | kLength));
  wire::append_prefixed(to, bytes);
}
void append_field(ByteVector& to, std::uint8_t number, std::string_view text) {
  append_field(to, number, as_bytes(text));
}
std::size_t field_size(std::size_t bytes) { return 1 + wire::varint_size(bytes) + bytes; }

void append_ids(ByteVector& to, std::uint8_t number, const Rpc& rpc, const Rpc::IdList& list,
                std::uint8_t ids_field) {
  std::size_t size = ids_field == 2 ? field_size(list.topic.size()) : 0;
  for (const Bytes id : rpc.ids_of(list)) size += field_size(id.size());
  to.push_back(static_cast<std::uint8_t>(number << 3 | kLength));
  wire::append_varint(to, size);
  if (ids_field == 2) append_field(to, 1, list.topic);
  for (const Bytes id : rpc.ids_of(list)) append_field(to, ids_field, id);
}

void append_prune(ByteVector& to, const Rpc::Prune& prune) {
  ByteVector body;
  append_field(body, 1, prune.topic);
  if (prune.backoff_s > 0) {
    body.push_back(3 << 3 | kVarint);
    // protobuf's uint64 has ten bytes where multiformats' varint has nine: backoffs stay below.
    wire::append_varint(body, std::min<std::uint64_t>(prune.backoff_s, INT64_MAX));
  }
  append_field(to, 4, body);
}

ByteVector control_of(const Rpc& rpc) {
  ByteVector made;
  for (const auto& list : rpc.ihave) append_ids(made, 1, rpc, list, 2);
  for (const auto& list : rpc.iwant) append_ids(made, 2, rpc, list, 1);
  for (const auto& topic : rpc.graft) {
    ByteVector body;
    append_field(body, 1, topic);
    append_field(made, 3, body);
  }
  for (const auto& prune : rpc.prune) append_prune(made, prune);
  for (const auto& list : rpc.idontwant) append_ids(made, 5, rpc, list, 1);
  return made;
}

Bytes field_of(const MessageView& message, unsigned number) {
  switch (number) {
    case 1: return message.from;
    case 2: return message.data;
    case 3: return message.seqno;
    case 4: return message.topic;
    case 5: return message.signature;
    default: return message.key;
  }
}

}  // namespace

const char* describe(rpc_error error) {
  switch (error) {
    case rpc_error::malformed: return "malformed RPC";
    case rpc_error::over_limit: return "RPC over a limit";
  }
  return "unknown RPC error";
}

void Rpc::clear() {
  subscriptions.clear();
  messages.clear();
  ids.clear();
  ihave.clear();
  iwant.clear();
  idontwant.clear();
  graft.clear();
  prune.clear();
}

bool Rpc::empty() const {
  return subscriptions.empty() && messages.empty() && ihave.empty() && iwant.empty() &&
         idontwant.empty() && graft.empty() && prune.empty();
}

Result<void> decode_rpc(Bytes from, Rpc& rpc) {
  rpc.clear();
  const Outcome read = read_rpc(from, rpc);
  if (read == Outcome::kOk) return {};
  rpc.clear();
  return read == Outcome::kOverLimit ? rpc_error::over_limit : rpc_error::malformed;
}

std::size_t message_size(const MessageView& message, std::uint8_t fields) {
  std::size_t size = 0;
  for (unsigned number = 1; number <= 6; ++number)
    if (message.present & fields & 1u << (number - 1))
      size += field_size(field_of(message, number).size());
  return size;
}

void append_message(ByteVector& to, const MessageView& message, std::uint8_t fields) {
  for (unsigned number = 1; number <= 6; ++number)
    if (message.present & fields & 1u << (number - 1))
      append_field(to, static_cast<std::uint8_t>(number), field_of(message, number));
}

void append_rpc(ByteVector& to, const Rpc& rpc) {
  for (const auto& said : rpc.subscriptions) {
    ByteVector body{1 << 3 | kVarint, static_cast<std::uint8_t>(said.subscribe)};
    append_field(body, 2, said.topic);
    append_field(to, 1, body);
  }
  for (const auto& message : rpc.messages) {
    to.push_back(2 << 3 | kLength);
    wire::append_varint(to, message_size(message, kAllFields));
    append_message(to, message, kAllFields);
  }
  const ByteVector control = control_of(rpc);
  if (!control.empty() || rpc.empty()) append_field(to, 3, Bytes(control));
}

Buffer frame_rpc(const Rpc& rpc) {
  ByteVector body, frame;
  append_rpc(body, rpc);
  wire::append_prefixed(frame, body);
  return Buffer::take(std::move(frame));
}

}  // namespace kith::gossip

// SPDX-License-Identifier: MIT
#include "engine/wire/identify.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "engine/base/limits.h"

namespace kith::wire {
namespace {

constexpr std::size_t kFrameBytesMax = 8 * 1024;
constexpr std::size_t kFramesMax = 10;

// Numbers of the fields in the Identify protobuf; the last is go-libp2p's, never in the spec.
enum class Field : protozero::pbf_tag_type {
  public_key = 1,
  listen_address = 2,
  protocol = 3,
  observed_address = 4,
  protocol_version = 5,
  agent_version = 6,
  signed_peer_record = 8,
};

void put(protozero::pbf_writer& to, Field field, Bytes bytes) {
  to.add_bytes(static_cast<protozero::pbf_tag_type>(field),
               reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
void put(protozero::pbf_writer& to, Field field, const std::optional<ByteVector>& bytes) {
  if (bytes) put(to, field, Bytes(*bytes));
}
void put(protozero::pbf_writer& to, Field field, const std::optional<std::string>& text) {
  if (text) put(to, field, as_bytes(*text));
}

ByteVector vector_of(protozero::data_view piece) {
  return to_vector(as_bytes(std::string_view(piece.data(), piece.size())));
}

void take(IdentifyMessage& message, Field field, protozero::data_view piece) {
  switch (field) {
    case Field::public_key: message.public_key = vector_of(piece); break;
    case Field::listen_address:
      if (message.listen_addresses.size() < limits::kIdentifyAddressesMax)
        message.listen_addresses.push_back(vector_of(piece));
      break;
    case Field::protocol:
      if (message.protocols.size() < limits::kIdentifyProtocolsMax)
        message.protocols.emplace_back(piece.data(), piece.size());
      break;
    case Field::observed_address: message.observed_address = vector_of(piece); break;
    case Field::protocol_version:
      message.protocol_version.emplace(piece.data(), piece.size());
      break;
    case Field::agent_version: message.agent_version.emplace(piece.data(), piece.size()); break;
    case Field::signed_peer_record: message.signed_peer_record = vector_of(piece); break;
  }
}

template <class T>
void append_up_to(std::vector<T>& to, std::vector<T>& more, std::size_t max) {
  for (T& each : more) {
    if (to.size() >= max) return;
    to.push_back(std::move(each));
  }
}

}  // namespace

ByteVector encode_identify(const IdentifyMessage& message) {
  std::string out;
  protozero::pbf_writer to(out);
  put(to, Field::public_key, message.public_key);
  for (const ByteVector& address : message.listen_addresses)
    put(to, Field::listen_address, Bytes(address));
  for (const std::string& protocol : message.protocols)
    put(to, Field::protocol, as_bytes(protocol));
  put(to, Field::observed_address, message.observed_address);
  put(to, Field::protocol_version, message.protocol_version);
  put(to, Field::agent_version, message.agent_version);
  put(to, Field::signed_peer_record, message.signed_peer_record);
  return to_vector(as_bytes(out));
}

Result<IdentifyMessage> decode_identify(Bytes bytes) {
  if (bytes.size() > limits::kIdentifyBytesMax) return wire_error::too_large;
  IdentifyMessage message;
  // protozero reports malformed bytes by throwing; this is where that ends.
  try {
    protozero::pbf_reader from(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (from.next()) {
      if (from.wire_type() == protozero::pbf_wire_type::length_delimited) {
        const auto field = static_cast<Field>(from.tag());  // get_view moves past it
        take(message, field, from.get_view());
      } else {
        from.skip();
      }
    }
  } catch (const protozero::exception&) {
    return wire_error::bad_protobuf;
  }
  return message;
}

void merge_identify(IdentifyMessage& into, IdentifyMessage part) {
  append_up_to(into.listen_addresses, part.listen_addresses, limits::kIdentifyAddressesMax);
  append_up_to(into.protocols, part.protocols, limits::kIdentifyProtocolsMax);
  if (part.public_key) into.public_key = std::move(part.public_key);
  if (part.observed_address) into.observed_address = std::move(part.observed_address);
  if (part.protocol_version) into.protocol_version = std::move(part.protocol_version);
  if (part.agent_version) into.agent_version = std::move(part.agent_version);
  if (part.signed_peer_record) into.signed_peer_record = std::move(part.signed_peer_record);
}

ByteVector frame_identify(const IdentifyMessage& message) {
  const ByteVector whole = encode_identify(message);
  ByteVector framed;
  if (whole.size() <= kFrameBytesMax) {
    append_prefixed(framed, whole);
    return framed;
  }
  // Single fields without the record, the record, then the lists a frame at a time.
  IdentifyMessage first = message;
  first.listen_addresses.clear();
  first.protocols.clear();
  first.signed_peer_record.reset();
  IdentifyMessage record;
  record.signed_peer_record = message.signed_peer_record;
  std::size_t frames = 0;
  const auto put_frame = [&](const IdentifyMessage& part) {
    const ByteVector bytes = encode_identify(part);
    if (bytes.empty() || bytes.size() > kFrameBytesMax || frames == kFramesMax) return;
    append_prefixed(framed, bytes);
    ++frames;
  };
  put_frame(first);
  put_frame(record);
  IdentifyMessage part;
  std::size_t part_bytes = 0;
  const auto make_room = [&](std::size_t item_bytes) {
    part_bytes += item_bytes + 4;
    if (part_bytes <= kFrameBytesMax) return;
    put_frame(part);
    part = IdentifyMessage();
    part_bytes = item_bytes + 4;
  };
  for (const std::string& protocol : message.protocols) {
    make_room(protocol.size());
    part.protocols.push_back(protocol);
  }
  for (const ByteVector& address : message.listen_addresses) {
    make_room(address.size());
    part.listen_addresses.push_back(address);
  }
  put_frame(part);
  return framed;
}

Result<IdentifyMessage> read_identify_frames(Bytes bytes) {
  if (bytes.empty()) return wire_error::truncated;
  IdentifyMessage whole;
  for (std::size_t frames = 0; !bytes.empty() && frames < kFramesMax; ++frames) {
    auto frame = read_prefixed(bytes, limits::kIdentifyBytesMax);
    if (!frame) return frame.error();
    auto part = decode_identify(*frame);
    if (!part) return part.error();
    merge_identify(whole, std::move(*part));
  }
  return whole;
}

}  // namespace kith::wire

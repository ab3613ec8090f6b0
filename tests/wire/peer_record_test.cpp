// SPDX-License-Identifier: MIT
#include "engine/wire/peer_record.h"

#include <gtest/gtest.h>

#include <fstream>

#include "engine/wire/encodings.h"

namespace kith::wire {
namespace {

std::string vector_text(const std::string& name) {
  std::ifstream file(std::string(KITH_TEST_FILES) + "/js_identify.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
  }
  ADD_FAILURE() << "no vector named " << name;
  return {};
}
ByteVector vector_bytes(const std::string& name) { return from_hex(vector_text(name)).value(); }

TEST(PeerRecord, ReadsWhatJsWritesAndWritesTheSameBytes) {
  const auto envelope = decode_envelope(vector_bytes("envelope"));
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->public_key, vector_bytes("public_key"));
  EXPECT_TRUE(equal(envelope->payload_type, kRoutingRecordType));
  EXPECT_EQ(envelope->payload, vector_bytes("record"));
  EXPECT_EQ(encode_envelope(*envelope), vector_bytes("envelope"));

  const auto record = decode_routing_record(envelope->payload);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->peer.text(), vector_text("peer_id"));
  EXPECT_EQ(record->seq, 1'700'000'000'123u);
  ASSERT_EQ(record->addresses.size(), 2u);
  EXPECT_EQ(record->addresses[0].text(), "/ip4/127.0.0.1/tcp/4001");
  EXPECT_EQ(encode_routing_record(*record), vector_bytes("record"));
}

TEST(PeerRecord, ClaimIsLengthsAndPieces) {
  const std::uint8_t type[] = {0x03, 0x01};
  const ByteVector claim = envelope_claim("dom", type, as_bytes("body"));
  EXPECT_EQ(to_hex(claim),
            "03646f6d"
            "020301"
            "04626f6479");
}

TEST(PeerRecord, RefusesTruncated) {
  for (const char* name : {"envelope", "record"}) {
    ByteVector bytes = vector_bytes(name);
    bytes.pop_back();
    EXPECT_FALSE(decode_envelope(bytes)) << name;
    EXPECT_FALSE(decode_routing_record(bytes)) << name;
  }
}

TEST(PeerRecord, NeedsAPeerAndLeavesOutAddressesItCannotRead) {
  EXPECT_FALSE(decode_routing_record(from_hex("1001").value()));
  RoutingRecord record = decode_routing_record(vector_bytes("record")).value();
  record.addresses.clear();
  ByteVector bytes = encode_routing_record(record);
  append(bytes, from_hex("1a040a02ffff").value());  // an address of no known protocol
  const auto read = decode_routing_record(bytes);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->addresses.empty());
}

}  // namespace
}  // namespace kith::wire

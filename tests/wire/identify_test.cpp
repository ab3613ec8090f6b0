// SPDX-License-Identifier: MIT
#include "engine/wire/identify.h"

#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/limits.h"
#include "engine/wire/encodings.h"
#include "engine/wire/multiaddr.h"

namespace kith::wire {
namespace {

ByteVector vector_named(const std::string& name) {
  std::ifstream file(std::string(KITH_TEST_FILES) + "/js_identify.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + " ")) return from_hex(line.substr(name.size() + 1)).value();
  }
  ADD_FAILURE() << "no vector named " << name;
  return {};
}

TEST(Identify, ReadsWhatJsWrites) {
  const auto message = decode_identify(vector_named("identify"));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->protocol_version, "ipfs/0.1.0");
  EXPECT_EQ(message->agent_version, "js-libp2p/3.3.11");
  EXPECT_EQ(message->public_key, vector_named("public_key"));
  EXPECT_EQ(message->signed_peer_record, vector_named("envelope"));
  EXPECT_EQ(message->protocols, (std::vector<std::string>{"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"}));
  ASSERT_EQ(message->listen_addresses.size(), 2u);
  EXPECT_EQ(Multiaddr::from_bytes(message->listen_addresses[1]).value().text(),
            "/ip6/::1/tcp/4002/ws");
  EXPECT_EQ(Multiaddr::from_bytes(*message->observed_address).value().text(),
            "/ip4/10.0.0.1/tcp/9");
}

TEST(Identify, EncodesToTheSameMessage) {
  const auto message = decode_identify(vector_named("identify")).value();
  EXPECT_EQ(decode_identify(encode_identify(message)).value(), message);
}

TEST(Identify, RefusesTruncatedAndOversized) {
  const ByteVector whole = vector_named("identify");
  EXPECT_FALSE(decode_identify(Bytes(whole).first(whole.size() - 1)));
  const auto large = decode_identify(ByteVector(limits::kIdentifyBytesMax + 1));
  ASSERT_FALSE(large);
  EXPECT_TRUE(large.error().is(wire_error::too_large));
}

TEST(Identify, SkipsUnknownFieldsAndWrongTypes) {
  // Field 1 as a varint, field 99 as bytes, field 6 "a".
  const ByteVector bytes = from_hex(
                               "0805"
                               "9a060161"
                               "320161")
                               .value();
  const auto message = decode_identify(bytes);
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->public_key);
  EXPECT_EQ(message->agent_version, "a");
}

TEST(Identify, CutsListsAtTheirBounds) {
  IdentifyMessage message;
  message.protocols.assign(limits::kIdentifyProtocolsMax + 1, "/a");
  message.listen_addresses.assign(limits::kIdentifyAddressesMax + 1, ByteVector(1));
  const auto read = decode_identify(encode_identify(message)).value();
  EXPECT_EQ(read.protocols.size(), limits::kIdentifyProtocolsMax);
  EXPECT_EQ(read.listen_addresses.size(), limits::kIdentifyAddressesMax);
  IdentifyMessage twice = read;
  merge_identify(twice, read);
  EXPECT_EQ(twice, read);
}

TEST(Identify, MergesFramesAsJsDoes) {
  IdentifyMessage first, second;
  first.agent_version = "old";
  first.protocols = {"/a"};
  second.agent_version = "new";
  second.protocols = {"/b"};
  ByteVector framed;
  append_prefixed(framed, encode_identify(first));
  append_prefixed(framed, encode_identify(second));
  const auto whole = read_identify_frames(framed).value();
  EXPECT_EQ(whole.agent_version, "new");
  EXPECT_EQ(whole.protocols, (std::vector<std::string>{"/a", "/b"}));
}

TEST(Identify, NeedsAWholeFrame) {
  EXPECT_FALSE(read_identify_frames({}));
  ByteVector framed = frame_identify(decode_identify(vector_named("identify")).value());
  framed.pop_back();
  EXPECT_FALSE(read_identify_frames(framed));
}

TEST(Identify, SplitsALongMessageIntoFramesThatJsReads) {
  auto message = decode_identify(vector_named("identify")).value();
  message.protocols.clear();
  for (int i = 0; i < 400; ++i)
    message.protocols.push_back("/a-protocol-of-some-length/with/a/version/" + std::to_string(i));
  const ByteVector framed = frame_identify(message);
  std::size_t frames = 0;
  for (Bytes rest = framed; !rest.empty(); ++frames) {
    const auto frame = read_prefixed(rest, 8 * 1024);
    ASSERT_TRUE(frame) << "a frame of more than 8 KiB";
  }
  EXPECT_GT(frames, 1u);
  EXPECT_LE(frames, 10u);
  EXPECT_EQ(read_identify_frames(framed).value(), message);
}

}  // namespace
}  // namespace kith::wire

// SPDX-License-Identifier: MIT
#include "engine/protocols/judge_identify.h"

#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/limits.h"
#include "engine/protocols/signed_record.h"
#include "engine/wire/encodings.h"

namespace kith::protocols {
namespace {

// Made by js-libp2p; the file says how.
std::string vector_text(const std::string& name) {
  std::ifstream file(std::string(KITH_TEST_FILES) + "/../wire/js_identify.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
  }
  ADD_FAILURE() << "no vector named " << name;
  return {};
}
wire::IdentifyMessage js_message() {
  return wire::decode_identify(wire::from_hex(vector_text("identify")).value()).value();
}
wire::PeerId js_peer() { return wire::PeerId::from_text(vector_text("peer_id")).value(); }

TEST(SignedRecord, OpensWhatJsSigned) {
  const auto record = open_record(wire::from_hex(vector_text("envelope")).value());
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_EQ(record->peer, js_peer());
}

TEST(SignedRecord, SignsAsJsDoes) {
  crypto::Key32 seed;
  seed.fill(7);
  const auto identity = crypto::Identity::from_seed(seed);
  const ByteVector envelope =
      sign_record(identity, 1'700'000'000'123,
                  {wire::Multiaddr::from_text("/ip4/127.0.0.1/tcp/4001").value(),
                   wire::Multiaddr::from_text("/ip6/::1/tcp/4002/ws").value()});
  EXPECT_EQ(wire::to_hex(envelope), vector_text("envelope"));
}

TEST(SignedRecord, EveryFlippedByteIsRefused) {
  const ByteVector whole = wire::from_hex(vector_text("envelope")).value();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    ByteVector bad = whole;
    bad[i] ^= 0x10;
    EXPECT_FALSE(open_record(bad)) << i;
  }
}

TEST(JudgeIdentify, TakesWhatJsSays) {
  const auto judged = judge_identify(js_message(), js_peer(), false);
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->record_refused, "");
  EXPECT_EQ(judged->what.agent, "js-libp2p/3.3.11");
  EXPECT_EQ(judged->what.addresses.size(), 2u);
  EXPECT_EQ(judged->what.record_seq, 1'700'000'000'123u);
  EXPECT_EQ(judged->observed->text(), "/ip4/10.0.0.1/tcp/9");
}

TEST(JudgeIdentify, LeavesOutWhatCannotBeRead) {
  auto message = js_message();
  message.signed_peer_record.reset();
  message.agent_version = "\xff\xfe";
  message.protocols = {"/ok/1", "", "\xff", std::string(2000, 'a')};
  message.listen_addresses.push_back(ByteVector(3, 0xff));
  message.listen_addresses.emplace_back();
  const auto other = wire::Multiaddr::from_text(
                         "/ip4/1.2.3.4/tcp/1/p2p/" +
                         std::string("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"))
                         .value();
  message.listen_addresses.push_back(to_vector(other.bytes()));
  message.observed_address = ByteVector(3, 0xff);
  const auto judged = judge_identify(message, js_peer(), false);
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->what.agent, "");
  EXPECT_EQ(judged->what.protocols, std::vector<std::string>{"/ok/1"});
  EXPECT_EQ(judged->what.addresses.size(), 2u);
  EXPECT_FALSE(judged->observed);
}

TEST(JudgeIdentify, CutsALongAgentBetweenCharacters) {
  auto message = js_message();
  message.agent_version = std::string(limits::kAgentBytesMax - 1, 'a') + "\xc3\xa4\xc3\xa4";
  const auto judged = judge_identify(message, js_peer(), false);
  EXPECT_EQ(judged->what.agent, std::string(limits::kAgentBytesMax - 1, 'a'));
}

TEST(JudgeIdentify, AskedPeersMustShowTheirKeyAndPushersNeedNot) {
  auto message = js_message();
  message.public_key.reset();
  EXPECT_FALSE(judge_identify(message, js_peer(), false));
  EXPECT_TRUE(judge_identify(message, js_peer(), true));
  message.public_key = ByteVector(36, 1);
  EXPECT_FALSE(judge_identify(message, js_peer(), true));
}

}  // namespace
}  // namespace kith::protocols

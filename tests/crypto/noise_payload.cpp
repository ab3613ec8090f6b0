// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "engine/base/limits.h"
#include "engine/crypto/noise.h"
#include "tests/crypto/vectors.h"

namespace kith::crypto {
namespace {

using nlohmann::json;
using test::from_hex;
using test::hex;
using test::key_from_hex;
using test::named_key;

class NoisePayloads : public testing::Test {
 protected:
  NoisePayloads() { start_crypto(); }
  Identity identity_ = Identity::from_seed(named_key("who"));
  Key32 static_public_ = x25519_public(named_key("static"));
};

ByteVector joined(std::initializer_list<const char*> pieces) {
  std::string all;
  for (const char* piece : pieces) all += piece;
  return from_hex(all);
}

// Both payloads of the recorded libp2p handshakes: what js sent is understood, judged to be the
// right peer, and what we would send in its place has the same bytes.
TEST_F(NoisePayloads, RecordedOnesAreJudgedAndEncodedAlike) {
  int judged = 0;
  const json file = test::read_vectors("noise_xx.json");
  for (const json& vector : file["vectors"]) {
    if (!vector.contains("muxers")) continue;
    for (const std::size_t step : {1u, 2u}) {
      const std::string role = step == 1 ? "responder" : "initiator";
      const ByteVector bytes = from_hex(vector["messages"][step]["payload"]);
      const Key32 proven = x25519_public(key_from_hex(vector[role + "_static"]));
      const auto payload = decode_noise_payload(bytes);
      ASSERT_TRUE(payload) << payload.error().message();
      EXPECT_EQ(payload->muxers, vector["muxers"].get<std::vector<std::string>>());
      EXPECT_EQ(payload->has_extensions, !vector["muxers"].empty());
      EXPECT_EQ(hex(encode_noise_payload(*payload)), hex(bytes));
      const auto peer = judge_noise_payload(*payload, proven);
      ASSERT_TRUE(peer) << peer.error().message();
      EXPECT_EQ(peer->text(), vector[role + "_peer"]);
      const auto other = judge_noise_payload(*payload, named_key("another"));
      ASSERT_FALSE(other);
      EXPECT_TRUE(other.error().is(crypto_error::bad_signature));
      ++judged;
    }
  }
  EXPECT_EQ(judged, 4);
}

TEST_F(NoisePayloads, OursComeBack) {
  const auto payload = make_noise_payload(identity_, static_public_, {"/yamux/1.0.0", "/x/1"});
  const auto back = decode_noise_payload(encode_noise_payload(payload));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, payload);
  const auto peer = judge_noise_payload(*back, static_public_);
  ASSERT_TRUE(peer);
  EXPECT_EQ(*peer, identity_.peer_id());
  EXPECT_FALSE(make_noise_payload(identity_, static_public_, {}).has_extensions);
}

TEST_F(NoisePayloads, JudgementNamesWhatIsWrong) {
  const auto payload = make_noise_payload(identity_, static_public_, {});
  auto stolen = payload;
  stolen.identity_key = to_vector(Identity::from_seed(named_key("thief")).public_key());
  EXPECT_TRUE(judge_noise_payload(stolen, static_public_).error().is(crypto_error::bad_signature));
  auto without_key = payload;
  without_key.identity_key.clear();
  EXPECT_TRUE(judge_noise_payload(without_key, static_public_).error().is(crypto_error::bad_key));
  auto unsigned_one = payload;
  unsigned_one.identity_sig.clear();
  EXPECT_TRUE(
      judge_noise_payload(unsigned_one, static_public_).error().is(crypto_error::bad_signature));
  // Signed by the right key, but for another purpose.
  auto other_domain = payload;
  other_domain.identity_sig = to_vector(identity_.sign("another-domain:", static_public_));
  EXPECT_FALSE(judge_noise_payload(other_domain, static_public_));
}

TEST_F(NoisePayloads, UnknownFieldsArePassedOver) {
  const NoisePayload payload{{1, 2}, {3}, true, {"/m"}};
  const ByteVector bytes = joined({
      "0a020102",                // 1: identity_key
      "1801",                    // 3: a number
      "28ffffffffffffffffff01",  // 5: -1, in ten bytes
      "3100000000000000ff",      // 6: 64 bits
      "120103",                  // 2: identity_sig
      "2213",                    // 4: extensions, of these four:
      "0a056162636465",          //   1: a certificate hash
      "12022f6d",                //   2: a muxer
      "1a03414243",              //   3: bytes
      "f00101",                  //   30: a number
      "3d01020304",              // 7: 32 bits
      "a20600",                  // 100: empty bytes
  });
  const auto decoded = decode_noise_payload(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*decoded, payload);
}

TEST_F(NoisePayloads, EmptyExtensionsAreStillExtensions) {
  NoisePayload payload;
  EXPECT_EQ(hex(encode_noise_payload(payload)), "");
  payload.has_extensions = true;
  EXPECT_EQ(hex(encode_noise_payload(payload)), "2200");
  EXPECT_EQ(*decode_noise_payload(from_hex("2200")), payload);
}

// proto2: of a field that may stand once the last counts; messages are merged.
TEST_F(NoisePayloads, RepeatedFieldsFollowProtobuf) {
  const auto decoded = decode_noise_payload(from_hex("0a01010a0102220312012f220312016d"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->identity_key, ByteVector{2});
  EXPECT_EQ(decoded->muxers, (std::vector<std::string>{"/", "m"}));
}

TEST_F(NoisePayloads, MalformedOnesAreRefused) {
  const char* malformed[] = {
      "0a",                        // no length
      "0a05",                      // no bytes
      "0a0501020304",              // one too few
      "00",                        // field 0
      "07",                        // wire type 7
      "0b0c",                      // groups
      "2201",                      // extensions cut off
      "2202120a",                  // muxer cut off inside
      "28ffffffffffffffffffff01",  // a number of eleven bytes
      "28ff",                      // a number cut off
      "3101020304050607",          // 64 bits cut off
      "3d010203",                  // 32 bits cut off
      "8080808010",                // field 2^29
  };
  for (const char* bytes : malformed) {
    const auto decoded = decode_noise_payload(from_hex(bytes));
    ASSERT_FALSE(decoded) << bytes;
    EXPECT_TRUE(decoded.error().is(crypto_error::bad_payload)) << bytes;
  }
  EXPECT_TRUE(decode_noise_payload({}));
}

TEST_F(NoisePayloads, EverythingHasABound) {
  const auto accepted = [](const NoisePayload& payload) {
    return bool(decode_noise_payload(encode_noise_payload(payload)));
  };
  NoisePayload payload;
  payload.identity_key.resize(limits::kPublicKeyMax);
  payload.identity_sig.resize(limits::kSignatureMax);
  payload.has_extensions = true;
  payload.muxers.assign(limits::kEarlyMuxersMax, std::string(limits::kMuxerNameMax, 'm'));
  EXPECT_TRUE(accepted(payload));
  auto over = payload;
  over.identity_key.push_back(0);
  EXPECT_FALSE(accepted(over));
  over = payload;
  over.identity_sig.push_back(0);
  EXPECT_FALSE(accepted(over));
  over = payload;
  over.muxers.emplace_back("m");
  EXPECT_FALSE(accepted(over));
  over = payload;
  over.muxers.back() += 'm';
  EXPECT_FALSE(accepted(over));
  EXPECT_FALSE(decode_noise_payload(ByteVector(limits::kNoiseFrameMax + 1)));
}

}  // namespace
}  // namespace kith::crypto

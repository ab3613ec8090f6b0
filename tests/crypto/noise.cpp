// SPDX-License-Identifier: MIT
#include "engine/crypto/noise.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/base/limits.h"
#include "tests/crypto/vectors.h"

namespace kith::crypto {
namespace {

using nlohmann::json;
using test::from_hex;
using test::hex;
using test::key_from_hex;
using test::named_key;

class Noise : public testing::Test {
 protected:
  Noise() { start_crypto(); }
};

struct Pair {
  NoiseXX initiator{true, named_key("initiator static"), named_key("initiator ephemeral")};
  NoiseXX responder{false, named_key("responder static"), named_key("responder ephemeral")};
  NoiseXX& writer(std::size_t step) { return step % 2 == 0 ? initiator : responder; }
  NoiseXX& reader(std::size_t step) { return step % 2 == 0 ? responder : initiator; }
};

// Runs one message across, after `touch` had it in its hands; false where anyone refused.
bool pass(Pair& pair, std::size_t step, Bytes payload,
          const std::function<void(ByteVector&)>& touch = {}) {
  auto message = pair.writer(step).write(payload);
  if (!message) return false;
  if (touch) touch(*message);
  const auto got = pair.reader(step).read(*message);
  return got && equal(*got, payload);
}

// One side is ours; the other is the vector.
void replay(const json& vector, bool initiator) {
  const std::string role = initiator ? "initiator" : "responder";
  const std::string other = initiator ? "responder" : "initiator";
  NoiseXX ours(initiator, key_from_hex(vector[role + "_static"]),
               key_from_hex(vector[role + "_ephemeral"]), from_hex(vector["prologue"]));
  const json& messages = vector["messages"];
  for (std::size_t step = 0; step < 3; ++step) {
    const ByteVector payload = from_hex(messages[step]["payload"]);
    const ByteVector message = from_hex(messages[step]["ciphertext"]);
    if (initiator == (step % 2 == 0)) {
      const auto written = ours.write(payload);
      ASSERT_TRUE(written) << written.error().message();
      EXPECT_EQ(hex(*written), hex(message)) << "message " << step;
    } else {
      const auto read = ours.read(message);
      ASSERT_TRUE(read) << "message " << step << ": " << read.error().message();
      EXPECT_EQ(hex(*read), hex(payload)) << "message " << step;
    }
  }
  ASSERT_TRUE(ours.finished());
  EXPECT_EQ(hex(ours.handshake_hash()), vector["handshake_hash"]);
  EXPECT_EQ(hex(ours.remote_static()), hex(x25519_public(key_from_hex(vector[other + "_static"]))));

  // The responder speaks first, then by turns.
  const NoiseXX::Keys keys = ours.split();
  Cipher cipher;
  for (std::size_t at = 3; at < messages.size(); ++at) {
    const ByteVector plain = from_hex(messages[at]["payload"]);
    ByteVector frame = from_hex(messages[at]["ciphertext"]);
    const std::uint64_t counter = (at - 3) / 2;
    if (initiator == ((at - 3) % 2 == 1)) {
      ByteVector written(plain.size() + Cipher::kTag);
      cipher.seal(keys.send, counter, {}, plain, written.data());
      EXPECT_EQ(hex(written), hex(frame)) << "message " << at;
    } else {
      ASSERT_TRUE(cipher.open(keys.receive, counter, {}, frame)) << "message " << at;
      EXPECT_EQ(hex(Bytes(frame).first(plain.size())), hex(plain)) << "message " << at;
    }
  }
}

TEST_F(Noise, RecordedHandshakesReplayInBothRoles) {
  const json file = test::read_vectors("noise_xx.json");
  ASSERT_GE(file["vectors"].size(), 5u);
  for (const json& vector : file["vectors"]) {
    SCOPED_TRACE(vector["name"].get<std::string>());
    replay(vector, true);
    replay(vector, false);
  }
}

TEST_F(Noise, TwoOfUsAgree) {
  Pair pair;
  for (std::size_t step = 0; step < 3; ++step) {
    EXPECT_FALSE(pair.initiator.finished());
    EXPECT_FALSE(pair.responder.finished());
    ASSERT_TRUE(pass(pair, step, as_bytes("payload")));
  }
  ASSERT_TRUE(pair.initiator.finished());
  ASSERT_TRUE(pair.responder.finished());
  const auto ours = pair.initiator.split(), theirs = pair.responder.split();
  EXPECT_EQ(ours.send, theirs.receive);
  EXPECT_EQ(ours.receive, theirs.send);
  EXPECT_NE(ours.send, ours.receive);
  EXPECT_EQ(pair.initiator.handshake_hash(), pair.responder.handshake_hash());
  EXPECT_EQ(pair.initiator.remote_static(), x25519_public(named_key("responder static")));
  EXPECT_EQ(pair.responder.remote_static(), x25519_public(named_key("initiator static")));
}

// True when a handshake with the touched message still ends in keys that match.
bool agrees_when(std::size_t touched_step, const std::function<void(ByteVector&)>& touch) {
  Pair pair;
  for (std::size_t step = 0; step < 3; ++step) {
    const bool passed = step == touched_step ? pass(pair, step, as_bytes("p"), touch)
                                             : pass(pair, step, as_bytes("p"));
    if (!passed) return false;
  }
  return pair.initiator.split().send == pair.responder.split().receive;
}

TEST_F(Noise, NoBitOfAnyMessageCanBeFlipped) {
  constexpr std::size_t kMessageBytes[] = {33, 97, 65};
  for (std::size_t step = 0; step < 3; ++step) {
    ASSERT_TRUE(agrees_when(step, [](ByteVector&) {}));
    for (std::size_t bit = 0; bit < kMessageBytes[step] * 8; ++bit) {
      const auto flip = [bit](ByteVector& message) {
        message.at(bit / 8) ^= static_cast<std::uint8_t>(1 << bit % 8);
      };
      // Message 0 is in the clear: what was changed in it shows in message 1.
      ASSERT_FALSE(agrees_when(step, flip)) << "message " << step << " bit " << bit;
    }
  }
}

TEST_F(Noise, NoMessageCanBeCutOrLengthened) {
  constexpr std::size_t kMessageBytes[] = {33, 97, 65};
  for (std::size_t step = 0; step < 3; ++step) {
    for (std::size_t size = 0; size < kMessageBytes[step]; ++size)
      ASSERT_FALSE(agrees_when(step, [size](ByteVector& message) { message.resize(size); }));
    ASSERT_FALSE(agrees_when(step, [](ByteVector& message) { message.push_back(0); }));
    ASSERT_FALSE(
        agrees_when(step, [](ByteVector& message) { message.resize(limits::kNoiseFrameMax + 1); }));
  }
}

TEST_F(Noise, TurnsAreKept) {
  Pair pair;
  const auto refused = [](const Result<ByteVector>& result) {
    return !result && result.error().is(crypto_error::bad_handshake);
  };
  const ByteVector bytes(200);
  for (std::size_t step = 0; step < 3; ++step) {
    EXPECT_TRUE(refused(pair.reader(step).write(bytes)));
    EXPECT_TRUE(refused(pair.writer(step).read(bytes)));
    ASSERT_TRUE(pass(pair, step, bytes)) << "a call out of turn changed something";
  }
  for (NoiseXX* side : {&pair.initiator, &pair.responder}) {
    EXPECT_TRUE(refused(side->write({})));
    EXPECT_TRUE(refused(side->read(bytes)));
    EXPECT_TRUE(side->finished());
  }
}

TEST_F(Noise, AfterAFailedReadNothingGoesOn) {
  Pair pair;
  const auto first = pair.initiator.write({});
  ASSERT_TRUE(first);
  ASSERT_FALSE(pair.responder.read(ByteVector(5)));
  EXPECT_FALSE(pair.responder.read(*first));
  EXPECT_FALSE(pair.responder.write({}));
  EXPECT_FALSE(pair.responder.finished());
}

TEST_F(Noise, PayloadsFillAMessageAndNoMore) {
  constexpr std::size_t kOverheadBytes[] = {32, 96, 64};
  Pair pair;
  for (std::size_t step = 0; step < 3; ++step) {
    const ByteVector largest(limits::kNoiseFrameMax - kOverheadBytes[step], 7);
    EXPECT_FALSE(pair.writer(step).write(ByteVector(largest.size() + 1)));
    ASSERT_TRUE(pass(pair, step, largest)) << step;
  }
}

// RFC 7748 section 6.1: points of small order give a shared secret of zeros.
TEST_F(Noise, SmallOrderPointsAreRefused) {
  const char* points[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                          "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  for (const char* point : points) {
    const auto put = [point](ByteVector& message) {
      const ByteVector bytes = from_hex(point);
      std::copy(bytes.begin(), bytes.end(), message.begin());
    };
    Pair as_responder;
    auto first = as_responder.initiator.write({});
    put(*first);
    ASSERT_TRUE(as_responder.responder.read(*first));
    EXPECT_FALSE(as_responder.responder.write({})) << point;

    Pair as_initiator;
    ASSERT_TRUE(pass(as_initiator, 0, {}));
    auto second = as_initiator.responder.write({});
    put(*second);
    const auto read = as_initiator.initiator.read(*second);
    ASSERT_FALSE(read) << point;
    EXPECT_TRUE(read.error().is(crypto_error::bad_handshake)) << point;
  }
}

TEST_F(Noise, ProloguesMustMatch) {
  NoiseXX initiator(true, named_key("a"), named_key("b"), as_bytes("one"));
  NoiseXX responder(false, named_key("c"), named_key("d"), as_bytes("other"));
  const auto first = initiator.write({});
  ASSERT_TRUE(responder.read(*first));
  const auto second = responder.write({});
  EXPECT_FALSE(initiator.read(*second));
}

}  // namespace
}  // namespace kith::crypto

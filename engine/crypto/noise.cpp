// SPDX-License-Identifier: MIT
#include "engine/crypto/noise.h"

#include <sodium.h>

#include <algorithm>
#include <cassert>

#include "engine/base/limits.h"

namespace kith::crypto {
namespace {

constexpr std::string_view kProtocolName = "Noise_XX_25519_ChaChaPoly_SHA256";
static_assert(kProtocolName.size() == sizeof(Hash), "so that it stands in for its own hash");

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSealedKeyBytes = kKeyBytes + Cipher::kTag;
// By message: all of it but the payload.
constexpr std::array<std::size_t, 3> kOverheadBytes = {
    kKeyBytes, kKeyBytes + kSealedKeyBytes + Cipher::kTag, kSealedKeyBytes + Cipher::kTag};

struct TwoKeys {
  Key32 first, second;
  ~TwoKeys() {
    wipe(first);
    wipe(second);
  }
};

// Noise section 4.3, HKDF with two outputs.
TwoKeys expand(const Key32& chaining, Bytes material) {
  Hash secret = hmac_sha256(chaining, material);
  std::array<std::uint8_t, 33> first_then_two{};
  const std::uint8_t one = 1;
  const Hash first = hmac_sha256(secret, Bytes(&one, 1));
  std::copy(first.begin(), first.end(), first_then_two.begin());
  first_then_two.back() = 2;
  const TwoKeys keys{first, hmac_sha256(secret, first_then_two)};
  wipe(secret);
  wipe(first_then_two);
  return keys;
}

}  // namespace

Key32 x25519_public(const Key32& secret) {
  Key32 point;
  crypto_scalarmult_curve25519_base(point.data(), secret.data());
  return point;
}

NoiseXX::NoiseXX(bool initiator, const Key32& static_secret, const Key32& ephemeral_secret,
                 Bytes prologue)
    : initiator_(initiator),
      static_secret_(static_secret),
      static_public_(x25519_public(static_secret)),
      ephemeral_secret_(ephemeral_secret),
      ephemeral_public_(x25519_public(ephemeral_secret)) {
  const Bytes name = as_bytes(kProtocolName);
  std::copy(name.begin(), name.end(), hash_.begin());
  chaining_ = hash_;
  mix_hash(prologue);
}

NoiseXX::~NoiseXX() {
  wipe(static_secret_);
  wipe(ephemeral_secret_);
  wipe(chaining_);
  wipe(key_);
}

bool NoiseXX::my_turn(bool to_write) const {
  if (step_ < 0 || step_ >= kFinished) return false;
  return to_write == (initiator_ == (step_ % 2 == 0));
}

Result<ByteVector> NoiseXX::write(Bytes payload) {
  if (!my_turn(true)) return Error(crypto_error::bad_handshake, "not this side's turn to write");
  const std::size_t overhead_bytes = kOverheadBytes[static_cast<std::size_t>(step_)];
  if (payload.size() > limits::kNoiseFrameMax - overhead_bytes)
    return Error(crypto_error::bad_handshake, "payload too large");

  ByteVector message;
  message.reserve(overhead_bytes + payload.size());
  bool agreed = true;
  if (step_ < 2) {
    append(message, ephemeral_public_);  // e
    mix_hash(ephemeral_public_);
  }
  if (step_ == 1) agreed = mix_dh(ephemeral_secret_, remote_ephemeral_);  // ee
  if (step_ > 0 && agreed) {
    append(message, seal_and_hash(static_public_));      // s
    agreed = mix_dh(static_secret_, remote_ephemeral_);  // es, se
  }
  if (!agreed) {
    step_ = kBroken;
    return Error(crypto_error::bad_handshake, "weak key");
  }
  append(message, seal_and_hash(payload));
  ++step_;
  return message;
}

Result<ByteVector> NoiseXX::read(Bytes message) {
  if (!my_turn(false)) return Error(crypto_error::bad_handshake, "not the other side's turn");
  auto payload = read_open(message);
  step_ = payload ? step_ + 1 : kBroken;
  return payload;
}

Result<ByteVector> NoiseXX::read_open(Bytes message) {
  if (message.size() > limits::kNoiseFrameMax)
    return Error(crypto_error::bad_handshake, "message too long");
  if (message.size() < kOverheadBytes[static_cast<std::size_t>(step_)])
    return Error(crypto_error::bad_handshake, "message too short");

  if (step_ < 2) {
    std::copy_n(message.begin(), kKeyBytes, remote_ephemeral_.begin());  // e
    mix_hash(remote_ephemeral_);
    message = message.subspan(kKeyBytes);
  }
  if (step_ == 1 && !mix_dh(ephemeral_secret_, remote_ephemeral_))  // ee
    return Error(crypto_error::bad_handshake, "weak ephemeral key");
  if (step_ > 0) {
    if (!read_static(message.first(kSealedKeyBytes))) return crypto_error::decrypt_failed;  // s
    if (!mix_dh(ephemeral_secret_, remote_static_))  // es, se
      return Error(crypto_error::bad_handshake, "weak static key");
    message = message.subspan(kSealedKeyBytes);
  }
  auto payload = open_and_hash(message);
  if (!payload) return crypto_error::decrypt_failed;
  return std::move(*payload);
}

bool NoiseXX::read_static(Bytes sealed) {
  const auto point = open_and_hash(sealed);
  if (!point) return false;
  std::copy(point->begin(), point->end(), remote_static_.begin());
  return true;
}

NoiseXX::Keys NoiseXX::split() const {
  assert(finished());
  const TwoKeys keys = expand(chaining_, {});
  return initiator_ ? Keys{keys.first, keys.second} : Keys{keys.second, keys.first};
}

void NoiseXX::mix_hash(Bytes bytes) { hash_ = sha256(hash_, bytes); }

void NoiseXX::mix_key(Bytes secret) {
  const TwoKeys keys = expand(chaining_, secret);
  chaining_ = keys.first;
  key_ = keys.second;
  has_key_ = true;
  counter_ = 0;
}

// False for a shared secret of zeros: the other side sent a point of small order (RFC 7748 section
// 6.1).
bool NoiseXX::mix_dh(const Key32& secret, const Key32& remote) {
  Key32 shared;
  if (crypto_scalarmult_curve25519(shared.data(), secret.data(), remote.data()) != 0) return false;
  mix_key(shared);
  wipe(shared);
  return true;
}

ByteVector NoiseXX::seal_and_hash(Bytes plain) {
  ByteVector sealed = to_vector(plain);
  if (has_key_) {
    sealed.resize(plain.size() + Cipher::kTag);
    cipher_.seal(key_, counter_++, hash_, plain, sealed.data());
  }
  mix_hash(sealed);
  return sealed;
}

std::optional<ByteVector> NoiseXX::open_and_hash(Bytes sealed) {
  ByteVector plain = to_vector(sealed);
  if (has_key_) {
    if (!cipher_.open(key_, counter_++, hash_, plain)) return std::nullopt;
    plain.resize(plain.size() - Cipher::kTag);
  }
  mix_hash(sealed);
  return plain;
}

}  // namespace kith::crypto

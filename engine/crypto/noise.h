// SPDX-License-Identifier: MIT
// Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org revision 34) with the libp2p payload
// (specs/noise). A state machine over messages without length prefixes; reading and writing them is
// engine/net's. Never does I/O.
#pragma once
#include <optional>
#include <vector>

#include "engine/crypto/keys.h"

namespace kith::crypto {

// The handshake as the Noise paper has it, with any payload; the vectors run against this.
class NoiseXX {
 public:
  // The ephemeral key may be fixed for vectors; prologue is empty in libp2p.
  NoiseXX(bool initiator, const Key32& static_secret, const Key32& ephemeral_secret,
          Bytes prologue = {});
  ~NoiseXX();  // wipes
  NoiseXX(const NoiseXX&) = delete;
  NoiseXX& operator=(const NoiseXX&) = delete;

  // XX: -> e | <- e, ee, s, es | -> s, se. Turn order is checked; after a failed read all is
  // refused.
  Result<ByteVector> write(Bytes payload);
  Result<ByteVector> read(Bytes message);  // the payload
  bool finished() const { return step_ == kFinished; }

  // After the message that carries it.
  const Key32& remote_static() const { return remote_static_; }
  const Hash& handshake_hash() const { return hash_; }
  struct Keys {
    Key32 send, receive;
  };
  Keys split() const;  // once finished

 private:
  static constexpr int kFinished = 3;
  static constexpr int kBroken = -1;
  bool my_turn(bool to_write) const;
  Result<ByteVector> read_open(Bytes message);
  bool read_static(Bytes sealed);
  void mix_hash(Bytes bytes);
  void mix_key(Bytes secret);
  bool mix_dh(const Key32& secret, const Key32& remote);
  ByteVector seal_and_hash(Bytes plain);
  std::optional<ByteVector> open_and_hash(Bytes sealed);

  bool initiator_;
  int step_ = 0;  // the message that comes next
  Key32 static_secret_, static_public_, ephemeral_secret_, ephemeral_public_;
  Key32 remote_static_{}, remote_ephemeral_{};
  Key32 chaining_{}, key_{};
  Hash hash_{};
  std::uint64_t counter_ = 0;
  bool has_key_ = false;
  Cipher cipher_;
};

// The payload: {1 identity_key, 2 identity_sig, 4 extensions {1 webtransport_certhashes, 2
// stream_muxers}}.
struct NoisePayload {
  ByteVector identity_key, identity_sig;
  bool has_extensions = false;
  std::vector<std::string> muxers;
  friend bool operator==(const NoisePayload&, const NoisePayload&) = default;
};
ByteVector encode_noise_payload(const NoisePayload& payload);
// Unknown fields are passed over, certificate hashes too.
Result<NoisePayload> decode_noise_payload(Bytes bytes);
// Signs "noise-libp2p-static-key:" || static public key.
NoisePayload make_noise_payload(const Identity& identity, const Key32& static_public,
                                std::vector<std::string> muxers);
// Judges the payload against the static key that Noise proved: who is there, or why not.
Result<wire::PeerId> judge_noise_payload(const NoisePayload& payload, const Key32& remote_static);

Key32 x25519_public(const Key32& secret);

}  // namespace kith::crypto

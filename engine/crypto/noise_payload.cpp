// SPDX-License-Identifier: MIT
#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_message.hpp>

#include "engine/base/limits.h"
#include "engine/crypto/noise.h"

namespace kith::crypto {
namespace {

constexpr std::string_view kStaticKeyDomain = "noise-libp2p-static-key:";

enum class PayloadField : protozero::pbf_tag_type {
  identity_key = 1,
  identity_sig = 2,
  extensions = 4
};
enum class ExtensionsField : protozero::pbf_tag_type { stream_muxers = 2 };

Error malformed(const char* what) { return Error(crypto_error::bad_payload, what); }

ByteVector vector_of(protozero::data_view piece) {
  return to_vector(as_bytes({piece.data(), piece.size()}));
}

Result<void> read_extensions(protozero::data_view bytes, std::vector<std::string>& muxers) {
  protozero::pbf_message<ExtensionsField> from(bytes);
  constexpr auto kBytes = protozero::pbf_wire_type::length_delimited;
  while (from.next()) {
    if (from.tag() != ExtensionsField::stream_muxers || from.wire_type() != kBytes) {
      from.skip();
      continue;
    }
    const auto name = from.get_view();
    if (name.size() > limits::kMuxerNameMax) return malformed("muxer name too long");
    if (muxers.size() == limits::kEarlyMuxersMax) return malformed("too many muxers");
    muxers.emplace_back(name.data(), name.size());
  }
  return {};
}

Result<NoisePayload> read_payload(protozero::pbf_message<PayloadField> from) {
  NoisePayload payload;
  while (from.next()) {
    if (from.wire_type() != protozero::pbf_wire_type::length_delimited) {
      from.skip();
      continue;
    }
    const PayloadField field = from.tag();  // reading the piece forgets it
    const auto piece = from.get_view();
    switch (field) {
      case PayloadField::identity_key:
        if (piece.size() > limits::kPublicKeyMax) return malformed("key too large");
        payload.identity_key = vector_of(piece);
        break;
      case PayloadField::identity_sig:
        if (piece.size() > limits::kSignatureMax) return malformed("signature too large");
        payload.identity_sig = vector_of(piece);
        break;
      case PayloadField::extensions: {
        payload.has_extensions = true;
        const auto read = read_extensions(piece, payload.muxers);
        if (!read) return read.error();
        break;
      }
    }
  }
  return payload;
}

}  // namespace

ByteVector encode_noise_payload(const NoisePayload& payload) {
  std::string bytes, extensions;
  protozero::pbf_builder<PayloadField> to(bytes);
  const auto put = [&to](PayloadField field, const ByteVector& piece) {
    if (!piece.empty()) to.add_bytes(field, std::string(as_text(piece)));
  };
  put(PayloadField::identity_key, payload.identity_key);
  put(PayloadField::identity_sig, payload.identity_sig);
  protozero::pbf_builder<ExtensionsField> names(extensions);
  for (const std::string& muxer : payload.muxers)
    names.add_string(ExtensionsField::stream_muxers, muxer);
  // Not as a nested builder: that one leaves an empty message out.
  if (payload.has_extensions) to.add_message(PayloadField::extensions, extensions);
  return to_vector(as_bytes(bytes));
}

Result<NoisePayload> decode_noise_payload(Bytes bytes) {
  if (bytes.size() > limits::kNoiseFrameMax) return malformed("too large");
  const std::string_view text = as_text(bytes);
  // protozero tells of malformed bytes by throwing; here that ends.
  try {
    return read_payload(protozero::pbf_message<PayloadField>(text.data(), text.size()));
  } catch (const protozero::exception& thrown) {
    return malformed(thrown.what());
  }
}

NoisePayload make_noise_payload(const Identity& identity, const Key32& static_public,
                                std::vector<std::string> muxers) {
  const Signature signature = identity.sign(kStaticKeyDomain, static_public);
  NoisePayload payload;
  payload.identity_key = to_vector(identity.public_key());
  payload.identity_sig = to_vector(signature);
  payload.has_extensions = !muxers.empty();
  payload.muxers = std::move(muxers);
  return payload;
}

Result<wire::PeerId> judge_noise_payload(const NoisePayload& payload, const Key32& remote_static) {
  const auto key = PublicKey::from_protobuf(payload.identity_key);
  if (!key) return key.error();
  ByteVector claim = to_vector(as_bytes(kStaticKeyDomain));
  append(claim, remote_static);
  if (!key->verify(claim, payload.identity_sig)) return crypto_error::bad_signature;
  return key->peer_id();
}

}  // namespace kith::crypto

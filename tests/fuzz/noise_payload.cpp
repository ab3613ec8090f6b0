// SPDX-License-Identifier: MIT
// What decodes, encodes; what was encoded decodes to the same and encodes to the same bytes.
#include <cstdlib>

#include "engine/base/limits.h"
#include "engine/crypto/noise.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto payload = crypto::decode_noise_payload(Bytes(data, size));
  if (!payload) return 0;
  if (payload->identity_key.size() > limits::kPublicKeyMax) std::abort();
  if (payload->identity_sig.size() > limits::kSignatureMax) std::abort();
  if (payload->muxers.size() > limits::kEarlyMuxersMax) std::abort();
  if (!payload->has_extensions && !payload->muxers.empty()) std::abort();

  const ByteVector encoded = crypto::encode_noise_payload(*payload);
  const auto again = crypto::decode_noise_payload(encoded);
  if (!again || *again != *payload) std::abort();
  if (crypto::encode_noise_payload(*again) != encoded) std::abort();

  // Nobody can sign for a key of zeros by chance.
  if (crypto::judge_noise_payload(*payload, crypto::Key32{})) std::abort();
  return 0;
}

// SPDX-License-Identifier: MIT
// Reads the vectors that lie beside the tests. Owns nothing; throws where a file is not as
// expected.
#pragma once
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/crypto/keys.h"
#include "engine/wire/encodings.h"

namespace kith::crypto::test {

inline nlohmann::json read_vectors(const std::string& name) {
  std::ifstream file(std::string(KITH_TEST_FILES) + "/" + name);
  return nlohmann::json::parse(file);
}

inline ByteVector from_hex(const std::string& hex) { return wire::from_hex(hex).value(); }

inline Key32 key_from_hex(const std::string& hex) {
  const ByteVector bytes = from_hex(hex);
  Key32 key{};
  if (bytes.size() != key.size()) throw std::invalid_argument("a key has 32 bytes: " + hex);
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

inline std::string hex(Bytes bytes) { return wire::to_hex(bytes); }

// A key that depends on its name alone.
inline Key32 named_key(std::string_view name) { return sha256(as_bytes(name)); }

}  // namespace kith::crypto::test

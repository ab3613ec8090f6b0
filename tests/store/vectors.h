// SPDX-License-Identifier: MIT
// Reads vectors.json: what each kind of block and run must be, and what must be refused. Written
// once from fixed seeds; tests/interop/ledger.test.mjs holds other people's code to the same file.
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/store/run.h"
#include "engine/wire/encodings.h"

namespace kith::store::test {

using Json = nlohmann::json;

inline Json read_vectors(const std::string& part) {
  std::ifstream file(std::string(KITH_TEST_FILES) + "/vectors.json");
  return Json::parse(file).at(part);
}

inline std::string hex(Bytes bytes) { return wire::to_hex(bytes); }
inline ByteVector bytes_of(const Json& hex) {
  return wire::from_hex(hex.get_ref<const std::string&>()).value();
}
inline Digest digest_of(const Json& cid) { return store::digest_of(bytes_of(cid)).value(); }
inline std::optional<Digest> link_of(const Json& cid) {
  return cid.is_null() ? std::nullopt : std::optional(digest_of(cid));
}
template <std::size_t size>
std::array<std::uint8_t, size> array_of(const Json& hex) {
  std::array<std::uint8_t, size> array{};
  const ByteVector bytes = bytes_of(hex);
  EXPECT_EQ(bytes.size(), size);
  std::copy_n(bytes.begin(), std::min(size, bytes.size()), array.begin());
  return array;
}

inline Before before_of(const Json& run) {
  const Json& before = run.at("before");
  return {digest_of(before.at("entry")), before.at("seq"), before.at("time")};
}

// An error by the name that it has in ledger_error.
inline ledger_error error_named(const std::string& name) {
  using enum ledger_error;
  static const std::map<std::string, ledger_error> kErrors = {{"bad_block", bad_block},
                                                              {"not_canonical", not_canonical},
                                                              {"bad_integer", bad_integer},
                                                              {"unknown_version", unknown_version},
                                                              {"bad_type", bad_type},
                                                              {"bad_links", bad_links},
                                                              {"bad_key", bad_key},
                                                              {"entry_too_large", entry_too_large},
                                                              {"bad_run", bad_run},
                                                              {"body_too_large", body_too_large},
                                                              {"wrong_prev", wrong_prev},
                                                              {"body_mismatch", body_mismatch},
                                                              {"reserved_type", reserved_type},
                                                              {"run_too_large", run_too_large},
                                                              {"unknown_feed", unknown_feed},
                                                              {"time_not_after", time_not_after},
                                                              {"bad_signature", bad_signature}};
  return kErrors.at(name);
}

template <class T>
void expect_refused(const Result<T>& result, const Json& vector) {
  const std::string what = vector.at("what"), error = vector.at("error");
  ASSERT_FALSE(result) << what;
  EXPECT_TRUE(result.error().is(error_named(error)))
      << what << ": " << result.error().message() << ", not " << error;
}

}  // namespace kith::store::test

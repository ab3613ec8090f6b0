// SPDX-License-Identifier: MIT
#include "engine/wire/sha256.h"

#include <gtest/gtest.h>

#include "engine/wire/encodings.h"

namespace kith::wire {
namespace {

std::string digest_of(std::string_view text) {
  const auto digest = sha256(as_bytes(text));
  return to_hex(digest);
}

// NIST, Examples with Intermediate Values: SHA256
TEST(Sha256, Vectors) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                      "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(digest_of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Every length around the padding's two shapes, folded into one digest that Python's hashlib gave.
TEST(Sha256, EveryLengthUpTo256) {
  ByteVector digests;
  for (std::size_t size = 0; size < 256; ++size) {
    const auto digest = sha256(ByteVector(size, static_cast<std::uint8_t>(size)));
    append(digests, digest);
  }
  const auto folded = sha256(digests);
  EXPECT_EQ(to_hex(folded), "d1265d410c020f6dd2ad86b26e28d59ca29474b69410ab574ea1aa688909388b");
}

}  // namespace
}  // namespace kith::wire

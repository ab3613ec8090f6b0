// SPDX-License-Identifier: MIT
#include "engine/wire/encodings.h"

#include <random>

#include "vectors.h"

namespace kith::wire {
namespace {

TEST(Multibase, Vectors) {
  for (const Vector& vector : read_vectors("multibase.txt")) {
    SCOPED_TRACE(vector[1]);
    const auto bytes = from_multibase(vector[1]);
    ASSERT_TRUE(bytes) << bytes.error().message();
    EXPECT_EQ(to_hex(*bytes), vector[0]);
    if (vector[2] == "canonical") {
      EXPECT_EQ(to_multibase(vector[1][0], *bytes), vector[1]);
    }
  }
}

TEST(Multibase, WhatIsRefused) {
  for (const char* text : {"", "x00",
                           "\x01"
                           "00",
                           "f0", "f0g", "bA0", "b1", "z0", "zl", "uAA=", "uA/", "mA-AA", "MAAA",
                           "MA===", "M====", "cpfsxgidnmfxgsi", "02", "79"}) {
    EXPECT_FALSE(from_multibase(text)) << text;
  }
}

TEST(Multibase, SpareBitsAreZero) {
  EXPECT_TRUE(from_multibase("uAA"));
  EXPECT_FALSE(from_multibase("uAB"));
  EXPECT_TRUE(from_multibase("bae"));
  EXPECT_FALSE(from_multibase("baf"));
  EXPECT_TRUE(from_multibase("bmy"));
  EXPECT_FALSE(from_multibase("bmz"));
}

TEST(Multibase, RandomBytesComeBackInEveryBase) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 48; ++size) {
    ByteVector bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() >> (random() % 24));
    for (const char prefix : std::string("079fFvVtTbBcChkKzZmMuU")) {
      const std::string text = to_multibase(prefix, bytes);
      const auto back = from_multibase(text);
      ASSERT_TRUE(back) << text;
      EXPECT_EQ(*back, bytes) << text;
    }
  }
}

TEST(Hex, EitherCase) {
  EXPECT_EQ(to_hex(from_hex("00fFaB").value()), "00ffab");
  EXPECT_TRUE(from_hex("").value().empty());
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("0x00"));
}

// RFC 4648, section 10
TEST(Base64, Vectors) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    EXPECT_EQ(as_text(from_base64(text).value()), plain);
    const std::string bare(text, std::string_view(text).find_last_not_of('=') + 1);
    EXPECT_EQ(as_text(from_base64(bare).value()), plain);
  }
  for (const char* text :
       {"Zg=", "Zh==", "Z", "Zm9v=", "Zm9v====", "Zm 9v", "Zm9v\n", "Zm-v", "="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

// draft-msporny-base58, section 5
TEST(Base58, Vectors) {
  EXPECT_EQ(to_base58(as_bytes("Hello World!")), "2NEpo7TZRRrLZSi2U");
  EXPECT_EQ(to_base58(as_bytes("The quick brown fox jumps over the lazy dog.")),
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z");
  EXPECT_EQ(to_base58(from_hex("0000287fb4cd").value()), "11233QC4");
  EXPECT_EQ(to_hex(from_base58("11233QC4").value()), "0000287fb4cd");
  EXPECT_EQ(to_base58({}), "");
}

TEST(Base58, IsBounded) {
  EXPECT_TRUE(from_base58(std::string(256, '2')));
  EXPECT_TRUE(from_base58(std::string(257, '2')).error().is(wire_error::too_large));
  EXPECT_TRUE(from_multibase('z' + std::string(257, '2')).error().is(wire_error::too_large));
}

TEST(Utf8, WhatIsAndWhatIsNot) {
  for (const char* text :
       {"", "plain ascii, longer than a word", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "gr\xc3\xbc\xc3\x9f"
        "e, and on"}) {
    EXPECT_TRUE(is_utf8(as_bytes(text))) << escape_text(text);
  }
  for (const char* text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xe1\x80", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "01234567\xff",
        "0123456\xc3", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(is_utf8(as_bytes(text))) << escape_text(text);
  }
}

TEST(EscapeText, NothingReachesTheTerminalThatMovesIt) {
  EXPECT_EQ(escape_text("plain gr\xc3\xbc\xc3\x9f"
                        "e"),
            "plain gr\xc3\xbc\xc3\x9f"
            "e");
  EXPECT_EQ(escape_text("a\nb\\n"), "a\\nb\\\\n");
  EXPECT_EQ(escape_text("\x1b[2J\t\r\x7f"), "\\x1b[2J\\x09\\x0d\\x7f");
  EXPECT_EQ(escape_text(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(escape_text("\xc2\x9b"
                        "2J"),
            "\\xc2\\x9b"
            "2J");  // CSI of C1
  EXPECT_EQ(escape_text("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(escape_text("\xe2\x28\xa1"), "\\xe2(\\xa1");
}

}  // namespace
}  // namespace kith::wire

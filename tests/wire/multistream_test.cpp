// SPDX-License-Identifier: MIT
#include "engine/wire/multistream.h"

#include "engine/wire/encodings.h"
#include "tests/wire/vectors.h"

namespace kith::wire {

namespace {

wire_error named(const std::string& name) {
  if (name == "!bad_line") return wire_error::bad_line;
  if (name == "!bad_varint") return wire_error::bad_varint;
  return name == "!truncated" ? wire_error::truncated : wire_error::too_large;
}

}  // namespace

TEST(MultistreamLine, Vectors) {
  for (const Vector& vector : read_vectors("multistream.txt")) {
    const ByteVector bytes = from_hex(vector.at(0)).value();
    const std::string expected = vector.size() > 1 ? vector[1] : std::string();
    Bytes from(bytes);
    const Result<std::string_view> line = read_line(from);
    if (expected.starts_with('!')) {
      ASSERT_FALSE(line) << vector[0];
      EXPECT_TRUE(line.error().is(named(expected))) << vector[0] << line.error().message();
      EXPECT_EQ(from.size(), bytes.size()) << "nothing is taken";
      continue;
    }
    ASSERT_TRUE(line) << vector[0];
    EXPECT_EQ(*line, expected);
    EXPECT_TRUE(from.empty());
    ByteVector written;
    append_line(written, expected);
    EXPECT_EQ(to_hex(written), vector[0]);
  }
}

TEST(MultistreamLine, TheLongestAndOneMore) {
  const std::string longest(1023, 'x');
  ByteVector bytes;
  append_line(bytes, longest);
  Bytes from(bytes);
  EXPECT_EQ(read_line(from).value(), longest);
  const std::uint8_t over[] = {0x81, 0x08};
  EXPECT_TRUE(read_line_prefix(over).error().is(wire_error::too_large));
}

}  // namespace kith::wire

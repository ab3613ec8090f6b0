// SPDX-License-Identifier: MIT
#include "engine/wire/yamux.h"

#include "engine/wire/encodings.h"
#include "tests/wire/vectors.h"

namespace kith::wire {

namespace {

using Step = YamuxParser::Step;

YamuxHeader data(std::uint32_t id, std::uint32_t length) {
  return {YamuxType::data, 0, id, length};
}

}  // namespace

TEST(Yamux, HeadersAsJsWritesThem) {
  for (const Vector& vector : read_vectors("yamux.txt")) {
    const ByteVector bytes = from_hex(vector.at(0)).value();
    const auto number = [&](std::size_t at) {
      return static_cast<std::uint32_t>(std::stoul(vector.at(at)));
    };
    const YamuxHeader expected{static_cast<YamuxType>(number(1)),
                               static_cast<std::uint16_t>(number(2)), number(3), number(4)};
    EXPECT_EQ(read_yamux_header(bytes).value(), expected) << vector[0];
    ByteVector written;
    append_yamux_header(written, expected);
    EXPECT_EQ(to_hex(written), vector[0]);
  }
}

TEST(Yamux, RefusesWhatIsNoFrame) {
  const char* const bad[] = {
      "010100010000000100000000",  // version 1
      "000400000000000100000000",  // type 4
      "000000000000000000000000",  // data on stream 0
      "000100000000000000000000",  // window update on stream 0
      "000200010000000100000000",  // ping on a stream
      "000300000000000100000000",  // GoAway on a stream
  };
  for (const char* hex : bad) {
    const ByteVector bytes = from_hex(hex).value();
    EXPECT_TRUE(read_yamux_header(bytes).error().is(wire_error::bad_frame)) << hex;
    YamuxParser parser;
    Bytes input(bytes);
    EXPECT_EQ(parser.next(input), Step::bad) << hex;
  }
  const ByteVector whole(YamuxHeader::kSize);
  EXPECT_TRUE(read_yamux_header(Bytes(whole).first(11)).error().is(wire_error::truncated));
}

TEST(Yamux, PayloadComesInThePiecesInWhichItArrives) {
  ByteVector bytes;
  append_yamux_header(bytes, data(1, 5));
  append(bytes, as_bytes("abcde"));
  append_yamux_header(bytes, data(3, 0));
  append_yamux_header(bytes, {YamuxType::ping, kYamuxSyn, 0, 9});
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    YamuxParser parser;
    std::string payload;
    std::vector<std::uint32_t> ids;
    for (Bytes part : {Bytes(bytes).first(cut), Bytes(bytes).subspan(cut)}) {
      for (Step step = parser.next(part); step != Step::more; step = parser.next(part)) {
        ASSERT_NE(step, Step::bad);
        if (step == Step::header) ids.push_back(parser.header().stream_id);
        if (step == Step::data) payload += as_text(parser.piece());
      }
      EXPECT_TRUE(part.empty());
    }
    EXPECT_EQ(payload, "abcde") << cut;
    EXPECT_EQ(ids, (std::vector<std::uint32_t>{1, 3, 0})) << cut;
    EXPECT_EQ(parser.left(), 0u);
  }
}

}  // namespace kith::wire

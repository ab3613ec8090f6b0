// SPDX-License-Identifier: MIT
#include "engine/wire/value.h"

#include <limits>
#include <random>

#include "engine/wire/cid.h"
#include "engine/wire/encodings.h"
#include "vectors.h"

namespace kith::wire {
namespace {

Result<Value> decode(const std::string& hex) { return decode_cbor(from_hex(hex).value()); }
std::string encode(const Value& value) { return to_hex(encode_cbor(value)); }

wire_error error_named(const std::string& name) {
  if (name == "bad_cbor") return wire_error::bad_cbor;
  if (name == "not_canonical") return wire_error::not_canonical;
  EXPECT_EQ(name, "too_large");
  return wire_error::too_large;
}

void expect_verdict(const std::string& hex, const std::string& verdict) {
  const auto value = decode(hex);
  if (verdict == "ok") {
    ASSERT_TRUE(value) << hex << " " << value.error().message();
    EXPECT_EQ(encode(*value), hex);
  } else {
    ASSERT_FALSE(value) << hex;
    EXPECT_TRUE(value.error().is(error_named(verdict))) << hex << " " << value.error().message();
  }
}

TEST(Cbor, Rfc8949) {
  for (const Vector& vector : read_vectors("cbor.txt")) expect_verdict(vector[0], vector[1]);
}

TEST(Cbor, IpldFixtures) {
  for (const Vector& vector : read_vectors("dag_cbor.txt")) {
    SCOPED_TRACE(vector[0]);
    expect_verdict(vector[2], vector[3]);
    const ByteVector block = from_hex(vector[2]).value();
    EXPECT_EQ(Cid::of_block(kDagCborCodec, block).text(), vector[1]);
  }
}

TEST(Cbor, Values) {
  EXPECT_EQ(*decode("1b7fffffffffffffff").value().integer(),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(*decode("3b7fffffffffffffff").value().integer(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*decode("3903e7").value().integer(), -1000);
  EXPECT_EQ(*decode("fbc010666666666666").value().number(), -4.1);
  EXPECT_EQ(*decode("63e6b0b4").value().string(), "水");
  EXPECT_EQ(*decode("4401020304").value().bytes(), (ByteVector{1, 2, 3, 4}));
  EXPECT_TRUE(decode("f6").value().is_null());
  EXPECT_EQ(*decode("f5").value().boolean(), true);
  EXPECT_EQ(decode("8301820203820405").value().list()->size(), 3u);
}

TEST(Cbor, EncodesWhatItWasGiven) {
  EXPECT_EQ(encode(Value()), "f6");
  EXPECT_EQ(encode(1), "01");
  EXPECT_EQ(encode(1.0), "fb3ff0000000000000");
  EXPECT_EQ(encode(-0.0), "fb8000000000000000");
  EXPECT_EQ(encode(std::numeric_limits<std::int64_t>::min()), "3b7fffffffffffffff");
  EXPECT_EQ(encode(Value::Map{{"bb", 1}, {"a", 2}, {"c", 3}}),
            "a3616102616303626262"
            "01");
}

// DAG-CBOR has no form for them, and encoding cannot fail.
TEST(Cbor, FloatsThatAreNoNumbersBecomeNull) {
  EXPECT_EQ(encode(std::numeric_limits<double>::quiet_NaN()), "f6");
  EXPECT_EQ(encode(std::numeric_limits<double>::infinity()), "f6");
  EXPECT_EQ(encode(-std::numeric_limits<double>::infinity()), "f6");
}

TEST(Cbor, NumbersAreAsShortAsTheyCanBe) {
  for (const char* hex : {"1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817", "5800",
                          "7800", "9800", "b800", "d9002a4100", "580101"}) {
    EXPECT_TRUE(decode(hex).error().is(wire_error::not_canonical)) << hex;
  }
}

TEST(Cbor, MapKeys) {
  EXPECT_TRUE(decode("a2616101616202"));
  EXPECT_TRUE(decode("a2616201616102").error().is(wire_error::not_canonical));    // b, a
  EXPECT_TRUE(decode("a262616101616202").error().is(wire_error::not_canonical));  // aa, b
  EXPECT_TRUE(decode("a2616101616102").error().is(wire_error::not_canonical));    // a twice
  EXPECT_TRUE(decode("a3636261720363666f6f0163666f6f02").error().is(wire_error::not_canonical));
  EXPECT_TRUE(decode("a1416101").error().is(wire_error::not_canonical));  // bytes as a key
  EXPECT_TRUE(decode("a161ff01").error().is(wire_error::bad_cbor));       // not UTF-8
}

TEST(Cbor, TextIsUtf8) { EXPECT_TRUE(decode("61ff").error().is(wire_error::bad_cbor)); }

TEST(Cbor, Links) {
  const Cid cid = Cid::v1(kRawCodec, {kIdentityHash, as_bytes("hi")});
  const Value link = Value::Link{to_vector(cid.bytes())};
  EXPECT_EQ(encode(link), "d82a4700015500026869");
  EXPECT_EQ(decode("d82a4700015500026869").value(), link);
  for (const char* hex : {"d82a46015500026869", "d82a40", "d82a4100", "d82a4701015500026869",
                          "d82a480001550002686900"}) {
    EXPECT_TRUE(decode(hex).error().is(wire_error::bad_cid)) << hex;
  }
  EXPECT_TRUE(decode("d82a6161").error().is(wire_error::not_canonical));
  EXPECT_TRUE(decode("d82b4700015500026869").error().is(wire_error::not_canonical));
  EXPECT_TRUE(decode("d82a").error().is(wire_error::bad_cbor));
}

TEST(Cbor, TrailingBytes) {
  EXPECT_TRUE(decode("0000").error().is(wire_error::trailing_bytes));
  EXPECT_TRUE(decode("").error().is(wire_error::bad_cbor));
}

TEST(Cbor, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    std::string hex;
    for (std::size_t i = 1; i < depth; ++i) hex += "81";
    return hex + "80";
  };
  EXPECT_TRUE(decode(nested(64)));
  EXPECT_TRUE(decode(nested(65)).error().is(wire_error::too_large));
  EXPECT_TRUE(decode(nested(1'000'000)).error().is(wire_error::too_large));
  std::string maps;
  for (int i = 0; i < 65; ++i) maps += "a16161";
  EXPECT_TRUE(decode(maps + "00").error().is(wire_error::too_large));
}

TEST(Cbor, CountsAreBoundedByTheBytesThatAreThere) {
  for (const char* hex : {"9b7fffffffffffffff00", "bb7fffffffffffffff616100", "9a0fffffff",
                          "a2616100", "5b7fffffffffffffff", "7b7fffffffffffffff"}) {
    EXPECT_TRUE(decode(hex).error().is(wire_error::bad_cbor)) << hex;
  }
}

TEST(Cbor, EveryPrefixIsRefused) {
  const Value value = Value::Map{{"list", Value::List{1, -1, 1.5, "text", ByteVector{1}, true}},
                                 {"map", Value::Map{{"n", nullptr}}}};
  const ByteVector bytes = encode_cbor(value);
  EXPECT_EQ(decode_cbor(bytes).value(), value);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_cbor(Bytes(bytes).first(size))) << size;
  }
}

TEST(Cbor, EmptyBodyIsEmptyMap) {
  EXPECT_EQ(decode_body({}).value(), Value(Value::Map()));
  EXPECT_EQ(decode_body(from_hex("a0").value()).value(), Value(Value::Map()));
  EXPECT_EQ(*decode_body(from_hex("07").value()).value().integer(), 7);
  EXPECT_FALSE(decode_body(from_hex("0707").value()));
}

Value random_value(std::mt19937_64& random, int depth) {
  const auto kinds = depth > 0 ? 8u : 6u;
  switch (random() % kinds) {
    case 0: return Value();
    case 1: return Value(random() % 2 == 0);
    case 2: return Value(static_cast<std::int64_t>(random()) >> (random() % 64));
    case 3: return Value(static_cast<double>(static_cast<std::int64_t>(random())) / 3);
    case 4: return Value(std::string(random() % 40, static_cast<char>('a' + random() % 26)));
    case 5: return Value(ByteVector(random() % 300, static_cast<std::uint8_t>(random())));
    case 6: {
      Value::List list;
      for (std::size_t n = random() % 30; n > 0; --n)
        list.push_back(random_value(random, depth - 1));
      return Value(std::move(list));
    }
    default: {
      Value map = Value::Map();
      for (std::size_t n = random() % 30; n > 0; --n) {
        map[std::to_string(random() % 1000)] = random_value(random, depth - 1);
      }
      return map;
    }
  }
}

TEST(Cbor, RandomValuesComeBack) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 300; ++i) {
    const Value value = random_value(random, 3);
    const ByteVector bytes = encode_cbor(value);
    const auto back = decode_cbor(bytes);
    ASSERT_TRUE(back) << i << " " << back.error().message();
    EXPECT_EQ(*back, value) << i;
    EXPECT_EQ(encode_cbor(*back), bytes) << i;
  }
}

TEST(Value, Members) {
  Value value;
  value["name"] = "ann";
  value["age"] = 7;
  value["up"] = true;
  EXPECT_EQ(value.string_or("name"), "ann");
  EXPECT_EQ(value.string_or("age", "?"), "?");
  EXPECT_EQ(value.string_or("none"), "");
  EXPECT_EQ(value.integer_or("age", 1), 7);
  EXPECT_EQ(value.integer_or("name", 1), 1);
  EXPECT_TRUE(value.boolean_or("up", false));
  EXPECT_TRUE(value.boolean_or("age", true));
  EXPECT_EQ(value.find("none"), nullptr);
  EXPECT_EQ(Value(3).find("name"), nullptr);
  value["age"] = 8;
  EXPECT_EQ(value.integer_or("age", 1), 8);
  EXPECT_EQ(value.map()->begin()->first, "up");
}

}  // namespace
}  // namespace kith::wire

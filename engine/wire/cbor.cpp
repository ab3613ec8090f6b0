// SPDX-License-Identifier: MIT
// DAG-CBOR (ipld.io/specs/codecs/dag-cbor): the strict half of RFC 8949.
#include <bit>
#include <cmath>
#include <limits>

#include "engine/base/limits.h"
#include "engine/wire/cid.h"
#include "engine/wire/encodings.h"
#include "engine/wire/value.h"

namespace kith::wire {
namespace {

enum Major : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kList, kMap, kTag, kSimple };
constexpr std::uint8_t kFalse = 20, kTrue = 21, kNull = 22, kFloat64 = 27;
constexpr std::uint64_t kLinkTag = 42;

void append_big_endian(ByteVector& to, std::uint64_t number, unsigned bytes) {
  for (unsigned shift = bytes * 8; shift > 0; shift -= 8) {
    to.push_back(static_cast<std::uint8_t>(number >> (shift - 8)));
  }
}

void append_head(ByteVector& to, Major major, std::uint64_t argument) {
  const auto type = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) {
    to.push_back(static_cast<std::uint8_t>(type | argument));
    return;
  }
  unsigned power = 0;  // 1, 2, 4 or 8 bytes
  while (power < 3 && argument >> (8u << power) != 0) ++power;
  to.push_back(static_cast<std::uint8_t>(type | (24 + power)));
  append_big_endian(to, argument, 1u << power);
}

void append_simple(ByteVector& to, std::uint8_t which) {
  to.push_back(static_cast<std::uint8_t>(kSimple << 5 | which));
}

struct Writer {
  ByteVector& to;

  void operator()(std::monostate) const { append_simple(to, kNull); }
  void operator()(bool value) const { append_simple(to, value ? kTrue : kFalse); }
  void operator()(std::int64_t value) const {
    if (value >= 0) {
      append_head(to, kUnsigned, static_cast<std::uint64_t>(value));
    } else {
      append_head(to, kNegative, ~static_cast<std::uint64_t>(value));
    }
  }
  void operator()(double value) const {
    if (!std::isfinite(value)) return append_simple(to, kNull);
    append_simple(to, kFloat64);
    append_big_endian(to, std::bit_cast<std::uint64_t>(value), 8);
  }
  void operator()(const std::string& text) const {
    append_head(to, kText, text.size());
    append(to, as_bytes(text));
  }
  void operator()(const ByteVector& bytes) const {
    append_head(to, kBytes, bytes.size());
    append(to, bytes);
  }
  void operator()(const Value::Link& link) const {
    append_head(to, kTag, kLinkTag);
    append_head(to, kBytes, link.cid.size() + 1);
    to.push_back(0);  // multibase identity, a relic that DAG-CBOR keeps
    append(to, link.cid);
  }
  void operator()(const Value::List& list) const {
    append_head(to, kList, list.size());
    for (const Value& item : list) append_cbor(to, item);
  }
  void operator()(const Value::Map& map) const {
    append_head(to, kMap, map.size());
    for (const auto& [key, value] : map) {
      (*this)(key);
      append_cbor(to, value);
    }
  }
};

struct Head {
  Major major;
  std::uint8_t info;  // the low five bits
  std::uint64_t argument;
};

// Reads one item after the other off `rest`; what it makes never holds more elements than there
// were bytes.
class Reader {
 public:
  explicit Reader(Bytes rest) : rest_(rest) {}
  bool at_end() const { return rest_.empty(); }

  Result<Value> read(std::size_t depth) {
    const auto head = read_head();
    if (!head) return head.error();
    switch (head->major) {
      case kUnsigned:
      case kNegative: return read_integer(*head);
      case kBytes: {
        const auto bytes = read_string(head->argument);
        if (!bytes) return bytes.error();
        return Value(to_vector(*bytes));
      }
      case kText: {
        const auto text = read_text(*head);
        if (!text) return text.error();
        return Value(*text);
      }
      case kList: return read_list(head->argument, depth + 1);
      case kMap: return read_map(head->argument, depth + 1);
      case kTag: return read_link(head->argument);
      case kSimple: return read_simple(*head);
    }
    return wire_error::bad_cbor;
  }

 private:
  Result<Head> read_head() {
    if (rest_.empty()) return wire_error::bad_cbor;
    const std::uint8_t first = rest_[0];
    rest_ = rest_.subspan(1);
    Head head{static_cast<Major>(first >> 5), static_cast<std::uint8_t>(first & 31), 0};
    if (head.info < 24) {
      head.argument = head.info;
      return head;
    }
    if (head.info > kFloat64) return judge_reserved(head);
    const std::size_t size = std::size_t{1} << (head.info - 24);
    if (rest_.size() < size) return wire_error::bad_cbor;
    for (std::size_t i = 0; i < size; ++i) head.argument = head.argument << 8 | rest_[i];
    rest_ = rest_.subspan(size);
    if (head.major != kSimple && !is_shortest(head)) {
      return Error(wire_error::not_canonical, "a number longer than it need be");
    }
    return head;
  }

  static bool is_shortest(const Head& head) {
    switch (head.info) {
      case 24: return head.argument >= 24;
      case 25: return head.argument > 0xff;
      case 26: return head.argument > 0xffff;
      default: return head.argument > 0xffffffff;
    }
  }

  // 28 to 30 mean nothing; 31 is an indefinite length, or "break", which stands in no place here.
  static Error judge_reserved(const Head& head) {
    const bool has_length = head.major >= kBytes && head.major <= kMap;
    if (head.info != 31 || !has_length) return wire_error::bad_cbor;
    return Error(wire_error::not_canonical, "indefinite length");
  }

  static Result<Value> read_integer(const Head& head) {
    if (head.argument >> 63 != 0) return Error(wire_error::too_large, "integer over 64 bits");
    const auto value = static_cast<std::int64_t>(head.argument);
    return Value(head.major == kUnsigned ? value : ~value);
  }

  Result<Bytes> read_string(std::uint64_t size) {
    if (size > rest_.size()) return wire_error::bad_cbor;
    const Bytes string = rest_.first(size);
    rest_ = rest_.subspan(size);
    return string;
  }

  Result<std::string_view> read_text(const Head& head) {
    const auto bytes = read_string(head.argument);
    if (!bytes) return bytes.error();
    if (!is_utf8(*bytes)) return Error(wire_error::bad_cbor, "text that is not UTF-8");
    return as_text(*bytes);
  }

  Result<Value> read_list(std::uint64_t count, std::size_t depth) {
    if (depth > limits::kValueDepthMax) return Error(wire_error::too_large, "nested too deep");
    if (count > rest_.size()) return wire_error::bad_cbor;  // an item takes a byte at least
    Value::List list;
    for (std::uint64_t i = 0; i < count; ++i) {
      auto item = read(depth);
      if (!item) return item.error();
      list.push_back(*std::move(item));
    }
    return Value(std::move(list));
  }

  Result<Value> read_map(std::uint64_t count, std::size_t depth) {
    if (depth > limits::kValueDepthMax) return Error(wire_error::too_large, "nested too deep");
    if (count > rest_.size() / 2) return wire_error::bad_cbor;
    Value::Map map;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto key = read_key();
      if (!key) return key.error();
      if (!map.empty() && !Value::KeyOrder()(map.rbegin()->first, *key)) {
        return Error(wire_error::not_canonical, "map keys out of order, or one twice");
      }
      auto value = read(depth);
      if (!value) return value.error();
      map.emplace_hint(map.end(), *key, *std::move(value));
    }
    return Value(std::move(map));
  }

  Result<std::string_view> read_key() {
    const auto head = read_head();
    if (!head) return head.error();
    if (head->major != kText) return Error(wire_error::not_canonical, "a map key that is no text");
    return read_text(*head);
  }

  Result<Value> read_link(std::uint64_t tag) {
    if (tag != kLinkTag) return Error(wire_error::not_canonical, "a tag other than 42");
    const auto head = read_head();
    if (!head) return head.error();
    if (head->major != kBytes) return Error(wire_error::not_canonical, "a link that is no bytes");
    const auto bytes = read_string(head->argument);
    if (!bytes) return bytes.error();
    if (bytes->empty() || (*bytes)[0] != 0) return wire_error::bad_cid;
    const Bytes cid = bytes->subspan(1);
    if (!Cid::from_bytes(cid)) return wire_error::bad_cid;
    return Value(Value::Link{to_vector(cid)});
  }

  static Result<Value> read_simple(const Head& head) {
    switch (head.info) {
      case kFalse: return Value(false);
      case kTrue: return Value(true);
      case kNull: return Value();
      case kFloat64: {
        const auto value = std::bit_cast<double>(head.argument);
        if (!std::isfinite(value)) return Error(wire_error::not_canonical, "NaN or infinity");
        return Value(value);
      }
      case 24:
        if (head.argument < 32) return wire_error::bad_cbor;  // RFC 8949, 3.3
        break;
      default: break;
    }
    return Error(wire_error::not_canonical, "undefined, a short float or a simple value");
  }

  Bytes rest_;
};

}  // namespace

void append_cbor(ByteVector& to, const Value& value) { std::visit(Writer{to}, value.held()); }

ByteVector encode_cbor(const Value& value) {
  ByteVector bytes;
  append_cbor(bytes, value);
  return bytes;
}

Result<Value> decode_cbor(Bytes bytes) {
  Reader reader(bytes);
  auto value = reader.read(0);
  if (value && !reader.at_end()) return wire_error::trailing_bytes;
  return value;
}

Result<Value> decode_body(Bytes bytes) {
  if (bytes.empty()) return Value(Value::Map());
  return decode_cbor(bytes);
}

}  // namespace kith::wire

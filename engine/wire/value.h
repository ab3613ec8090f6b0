// SPDX-License-Identifier: MIT
// Value: the body of events, arguments and results. DAG-CBOR on the wire (64-bit floats and
// integers; canonical: what does not re-encode to the same bytes is refused), JSON at the doors
// (engine/wire/json.h). Depth at most 64.
#pragma once
#include <map>
#include <variant>

#include "engine/wire/varint.h"

namespace kith::wire {

class Value {
 public:
  struct Link {  // a CID, binary
    ByteVector cid;
    friend bool operator==(const Link&, const Link&) = default;
  };
  // DAG-CBOR order: shorter keys first, then bytewise.
  struct KeyOrder {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
  };
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value, KeyOrder>;

  Value() = default;  // null
  Value(std::nullptr_t) {}
  Value(bool value) : held_(value) {}
  Value(int value) : held_(std::int64_t{value}) {}
  Value(unsigned value) : held_(std::int64_t{value}) {}
  Value(std::int64_t value) : held_(value) {}
  Value(std::uint64_t value) : held_(static_cast<std::int64_t>(value)) {}  // up to 2^63 - 1
  Value(double value) : held_(value) {}
  Value(const char* text) : held_(std::string(text)) {}
  Value(std::string text) : held_(std::move(text)) {}
  Value(std::string_view text) : held_(std::string(text)) {}
  Value(ByteVector bytes) : held_(std::move(bytes)) {}
  Value(Link link) : held_(std::move(link)) {}
  Value(List list) : held_(std::move(list)) {}
  Value(Map map) : held_(std::move(map)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(held_); }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&held_);
  }
  template <class T>
  T* get() {
    return std::get_if<T>(&held_);
  }
  const bool* boolean() const { return get<bool>(); }
  const std::int64_t* integer() const { return get<std::int64_t>(); }
  const double* number() const { return get<double>(); }
  const std::string* string() const { return get<std::string>(); }
  const ByteVector* bytes() const { return get<ByteVector>(); }
  const List* list() const { return get<List>(); }
  const Map* map() const { return get<Map>(); }

  // Of a map: the member, or nullptr when absent or when this is no map.
  const Value* find(std::string_view key) const;
  // Of a map (null becomes one): the member, made when absent.
  Value& operator[](std::string_view key);
  // Member of the given kind, or the fallback.
  std::string string_or(std::string_view key, std::string_view fallback = {}) const;
  std::int64_t integer_or(std::string_view key, std::int64_t fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;

  using Held = std::variant<std::monostate, bool, std::int64_t, double, std::string, ByteVector,
                            Link, List, Map>;
  const Held& held() const { return held_; }
  friend bool operator==(const Value&, const Value&) = default;

 private:
  Held held_;
};

// Cannot fail, so who builds a Value sees to it that text is UTF-8, a link a CID and the depth
// within bounds: otherwise decode_cbor refuses it. NaN and the infinities, which DAG-CBOR lacks,
// become null.
ByteVector encode_cbor(const Value& value);
void append_cbor(ByteVector& to, const Value& value);
// The whole of it. bad_cbor: malformed; not_canonical: well-formed, but not DAG-CBOR's one form;
// too_large: an integer beyond int64, or nested too deep; bad_cid; trailing_bytes.
Result<Value> decode_cbor(Bytes bytes);
// An empty argument or body is an empty map.
Result<Value> decode_body(Bytes bytes);

}  // namespace kith::wire

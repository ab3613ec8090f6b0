// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/json.h"

#include <charconv>
#include <cmath>

#include "engine/wire/encodings.h"
#include "plugins/runners/lua/convert.h"

namespace kith::lua {

const char* describe(json_error error) {
  switch (error) {
    case json_error::malformed: return "not JSON";
    case json_error::too_deep: return "JSON nested too deep";
    case json_error::too_large: return "JSON with too many values";
    case json_error::duplicate_key: return "JSON with a key twice";
    case json_error::not_utf8: return "JSON that is not UTF-8";
  }
  return "unknown error";
}

namespace {

using wire::Value;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Value> document() {
    Value value;
    if (!read(value, 0)) return failure();
    skip_space();
    if (at_ != text_.size()) return Error(json_error::malformed, where());
    return value;
  }

 private:
  Error failure() const { return Error(error_, where()); }
  std::string where() const { return "at byte " + std::to_string(at_ + 1); }
  bool fail(json_error error) {
    error_ = error;
    return false;
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool accept(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected, Value value, Value& out) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    out = std::move(value);
    return true;
  }

  bool read(Value& out, int depth) {
    if (depth > kDepthMax) return fail(json_error::too_deep);
    if (++values_ > kValuesMax) return fail(json_error::too_large);
    skip_space();
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{': ++at_; return object(out, depth);
      case '[': ++at_; return array(out, depth);
      case '"': {
        std::string text;
        if (!string(text)) return false;
        out = Value(std::move(text));
        return true;
      }
      case 't': return word("true", Value(true), out);
      case 'f': return word("false", Value(false), out);
      case 'n': return word("null", Value(), out);
      default: return number(out);
    }
  }
  bool object(Value& out, int depth) {
    Value::Map map;
    skip_space();
    if (!accept('}')) {
      do {
        skip_space();
        std::string name;
        if (!string(name)) return false;
        skip_space();
        if (!accept(':')) return false;
        const auto [slot, fresh] = map.try_emplace(std::move(name));
        if (!fresh) return fail(json_error::duplicate_key);
        if (!read(slot->second, depth + 1)) return false;
        skip_space();
      } while (accept(','));
      if (!accept('}')) return false;
    }
    out = Value(std::move(map));
    return true;
  }
  bool array(Value& out, int depth) {
    Value::List list;
    skip_space();
    if (!accept(']')) {
      do {
        list.emplace_back();
        if (!read(list.back(), depth + 1)) return false;
        skip_space();
      } while (accept(','));
      if (!accept(']')) return false;
    }
    out = Value(std::move(list));
    return true;
  }

  bool string(std::string& out) {
    if (!accept('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }
  bool escape(std::string& out) {
    if (at_ >= text_.size()) return false;
    static constexpr std::string_view kNames = "\"\\/bfnrt", kChars = "\"\\/\b\f\n\r\t";
    const char c = text_[at_++];
    if (const std::size_t which = kNames.find(c); which != kNames.npos) {
      out += kChars[which];
      return true;
    }
    std::uint32_t code = 0, low = 0;
    if (c != 'u' || !hex4(code)) return false;
    if (code >= 0xDC00 && code < 0xE000) return false;
    if (code >= 0xD800 && code < 0xDC00) {  // the first half of a pair
      if (!accept('\\') || !accept('u') || !hex4(low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
    return true;
  }
  bool hex4(std::uint32_t& code) {
    if (text_.size() - at_ < 4) return false;
    const char* const start = text_.data() + at_;
    const auto [end, error] = std::from_chars(start, start + 4, code, 16);
    at_ += 4;
    return error == std::errc() && end == start + 4;
  }
  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
      put(0xC0 | code >> 6);
    } else if (code < 0x10000) {
      put(0xE0 | code >> 12);
      put(0x80 | (code >> 6 & 0x3F));
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
      put(0x80 | (code >> 6 & 0x3F));
    }
    put(0x80 | (code & 0x3F));
  }

  std::size_t digits() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - start;
  }
  bool number(Value& out) {
    const std::size_t start = at_;
    accept('-');
    const bool leading_zero = at_ < text_.size() && text_[at_] == '0';
    const std::size_t whole_digits = digits();
    if (whole_digits == 0 || (leading_zero && whole_digits > 1)) return false;
    bool is_whole = true;
    if (accept('.')) {
      is_whole = false;
      if (digits() == 0) return false;
    }
    if (accept('e') || accept('E')) {
      is_whole = false;
      if (!accept('+')) accept('-');
      if (digits() == 0) return false;
    }
    const char* const from = text_.data() + start;
    const char* const to = text_.data() + at_;
    std::int64_t whole = 0;
    const bool fits = is_whole && std::from_chars(from, to, whole).ec == std::errc();
    if (fits && (whole != 0 || *from != '-')) {  // -0 is a number of its own, but no integer
      out = Value(whole);
      return true;
    }
    double value = 0;
    if (std::from_chars(from, to, value).ec != std::errc()) return false;
    out = Value(value);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0, values_ = 0;
  json_error error_ = json_error::malformed;
};

void append_text(std::string& to, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  to += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (c == '\n') {
      to += "\\n";
    } else if (code < 0x20 || code == 0x7F) {
      to += "\\u00";
      to += kHex[code >> 4];
      to += kHex[code & 15];
    } else {
      to += c;
    }
  }
  to += '"';
}

void append_number(std::string& to, double value) {
  char digits[40];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

Result<Value> parse_json(std::string_view text) {
  if (!wire::is_utf8(as_bytes(text))) return json_error::not_utf8;
  return Parser(text).document();
}

bool append_json(std::string& to, const Value& value) {
  if (const auto* truth = value.boolean()) {
    to += *truth ? "true" : "false";
  } else if (const auto* whole = value.integer()) {
    to += std::to_string(*whole);
  } else if (const auto* number = value.number()) {
    append_number(to, *number);
  } else if (const auto* text = value.string()) {
    append_text(to, *text);
  } else if (const auto* list = value.list()) {
    to += '[';
    bool first = true;
    for (const Value& item : *list) {
      if (!std::exchange(first, false)) to += ',';
      if (!append_json(to, item)) return false;
    }
    to += ']';
  } else if (const auto* map = value.map()) {
    to += '{';
    bool first = true;
    for (const auto& [name, member] : *map) {
      if (!std::exchange(first, false)) to += ',';
      append_text(to, name);
      to += ':';
      if (!append_json(to, member)) return false;
    }
    to += '}';
  } else if (value.is_null()) {
    to += "null";
  } else {
    return false;
  }
  return true;
}

}  // namespace kith::lua

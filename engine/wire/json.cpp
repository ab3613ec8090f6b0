// SPDX-License-Identifier: MIT
#include "engine/wire/json.h"

#include <array>
#include <charconv>
#include <cmath>

#include "engine/base/limits.h"
#include "engine/wire/cid.h"
#include "engine/wire/encodings.h"

namespace kith::wire {

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

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

// Of a text that is UTF-8. It goes one call deeper for each level, and the levels are bounded.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Value> document() {
    Value value;
    if (!read(value, 0)) return Error(error_, where());
    skip_space();
    if (at_ != text_.size()) return Error(json_error::malformed, where());
    return value;
  }

 private:
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

  bool read(Value& out, std::size_t depth) {
    if (++values_ > limits::kJsonValuesMax) return fail(json_error::too_large);
    skip_space();
    if (at_ >= text_.size()) return false;
    const char c = text_[at_];
    const bool opens = c == '{' || c == '[';
    if (opens && depth == limits::kValueDepthMax) return fail(json_error::too_deep);
    switch (c) {
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
  bool object(Value& out, std::size_t depth) {
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
  bool array(Value& out, std::size_t depth) {
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
    if (code >= 0xdc00 && code < 0xe000) return false;
    if (code >= 0xd800 && code < 0xdc00) {  // the first half of a pair
      if (!accept('\\') || !accept('u') || !hex4(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
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

// Bytes of the UTF-8 character at the front; 0 when none is there.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size > text.size()) return 0;
  return is_utf8(as_bytes(text.substr(0, size))) ? size : 0;
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

class Writer {
 public:
  Writer(std::string& to, bool pretty) : to_(to), pretty_(pretty) {}
  bool is_exact() const { return exact_; }

  void put(const Value& value) {
    std::visit([this](const auto& held) { put_held(held); }, value.held());
  }

 private:
  void put_held(std::monostate) { to_ += "null"; }
  void put_held(bool value) { to_ += value ? "true" : "false"; }
  void put_held(std::int64_t value) { to_ += std::to_string(value); }
  void put_held(double number) {
    if (!std::isfinite(number)) {
      exact_ = false;
      to_ += "null";
      return;
    }
    std::array<char, 32> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    const std::string_view shortest(digits.data(),
                                    static_cast<std::size_t>(written.ptr - digits.data()));
    to_ += shortest;
    if (shortest.find_first_of(".e") == shortest.npos) to_ += ".0";
  }
  void put_held(const std::string& value) { put_text(value); }
  void put_held(const ByteVector& value) {
    exact_ = false;
    put_text(to_base64(value));
  }
  void put_held(const Value::Link& link) {
    exact_ = false;
    const auto cid = Cid::from_bytes(link.cid);
    to_ += pretty_ ? "{\"/\": " : "{\"/\":";
    put_text(cid ? cid->text() : to_multibase('b', link.cid));
    to_ += '}';
  }
  void put_held(const Value::List& list) {
    const char* comma = "";
    open('[');
    for (const Value& item : list) {
      to_ += std::exchange(comma, ",");
      line();
      put(item);
    }
    close(']', list.empty());
  }
  void put_held(const Value::Map& map) {
    const char* comma = "";
    open('{');
    for (const auto& [key, value] : map) {
      to_ += std::exchange(comma, ",");
      line();
      put_text(key);
      to_ += pretty_ ? ": " : ":";
      put(value);
    }
    close('}', map.empty());
  }

  void put_text(std::string_view text) {
    to_ += '"';
    while (!text.empty()) {
      std::size_t plain = 0;
      while (plain < text.size() && is_plain(text[plain])) ++plain;
      to_ += text.substr(0, plain);
      text.remove_prefix(plain);
      if (!text.empty()) text.remove_prefix(put_character(text));
    }
    to_ += '"';
  }
  // Writes the one at the front and returns its size.
  std::size_t put_character(std::string_view text) {
    const std::size_t size = character_size(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (size == 0) {
      exact_ = false;
      to_ += "\xef\xbf\xbd";  // U+FFFD
      return 1;
    }
    const auto second = static_cast<unsigned char>(size == 2 ? text[1] : 0);
    const bool is_c1 = first == 0xc2 && second < 0xa0;  // which some terminals obey
    if (first == '"' || first == '\\') {
      to_ += '\\';
      to_ += text.front();
    } else if (first == '\n') {
      to_ += "\\n";
    } else if (first < 0x20 || first == 0x7f || is_c1) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const unsigned code = is_c1 ? second : first;
      to_ += "\\u00";
      to_ += kDigits[code >> 4];
      to_ += kDigits[code & 15];
    } else {
      to_ += text.substr(0, size);
    }
    return size;
  }

  void open(char bracket) {
    to_ += bracket;
    ++depth_;
  }
  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) line();
    to_ += bracket;
  }
  void line() {
    if (!pretty_) return;
    to_ += '\n';
    to_.append(2 * depth_, ' ');
  }

  std::string& to_;
  bool pretty_, exact_ = true;
  std::size_t depth_ = 0;
};

std::string write(const Value& value, bool pretty) {
  std::string made;
  Writer(made, pretty).put(value);
  return made;
}

}  // namespace

std::string to_json(const Value& value) { return write(value, false); }
std::string to_pretty_json(const Value& value) { return write(value, true); }

bool append_exact_json(std::string& to, const Value& value) {
  const std::size_t before = to.size();
  Writer writer(to, false);
  writer.put(value);
  if (!writer.is_exact()) to.resize(before);
  return writer.is_exact();
}

Result<Value> from_json(std::string_view text) {
  if (!is_utf8(as_bytes(text))) return json_error::not_utf8;
  return Parser(text).document();
}

}  // namespace kith::wire

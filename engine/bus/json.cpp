// SPDX-License-Identifier: MIT
#include "engine/bus/json.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/limits.h"
#include "engine/wire/cid.h"
#include "engine/wire/encodings.h"

namespace kith::bus {

const char* describe(json_error error) {
  switch (error) {
    case json_error::malformed: return "not JSON";
    case json_error::too_deep: return "JSON nested too deep";
    case json_error::too_large: return "JSON with too many values";
    case json_error::duplicate_key: return "JSON with a key twice";
  }
  return "unknown error";
}

namespace {

using wire::Value;

// ---- from JSON: nlohmann's parser calls this; it keeps its own stack, so hostile depth costs
// none of ours.
class Builder {
 public:
  bool null() { return put(Value()); }
  bool boolean(bool value) { return put(Value(value)); }
  bool number_integer(std::int64_t value) { return put(Value(value)); }
  bool number_unsigned(std::uint64_t value) {
    const bool fits = value <= static_cast<std::uint64_t>(INT64_MAX);
    return put(fits ? Value(value) : Value(static_cast<double>(value)));
  }
  bool number_float(double value, const std::string&) { return put(Value(value)); }
  bool string(std::string& value) { return put(Value(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) { return fail(json_error::malformed); }
  bool key(std::string& name) {
    if (open_.back().value.find(name)) return fail(json_error::duplicate_key);
    open_.back().key = std::move(name);
    return true;
  }
  bool start_object(std::size_t) { return start(Value(Value::Map())); }
  bool start_array(std::size_t) { return start(Value(Value::List())); }
  bool end_object() { return finish(); }
  bool end_array() { return finish(); }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) {
    error_ = Error(json_error::malformed, "at byte " + std::to_string(at));
    return false;
  }

  Result<Value> take() && {
    if (error_) return *std::move(error_);
    return std::move(root_);
  }

 private:
  struct Open {
    Value value;
    std::string key;
  };
  bool fail(json_error error) {
    error_ = Error(error);
    return false;
  }
  bool put(Value value) {
    if (++values_ > limits::kJsonValuesMax) return fail(json_error::too_large);
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* list = open_.back().value.get<Value::List>()) {
      list->push_back(std::move(value));
    } else {
      open_.back().value[open_.back().key] = std::move(value);
    }
    return true;
  }
  bool start(Value value) {
    if (open_.size() >= limits::kValueDepthMax) return fail(json_error::too_deep);
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool finish() {
    Value value = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(value));
  }
  std::vector<Open> open_;
  Value root_;
  std::size_t values_ = 0;
  std::optional<Error> error_;
};

// ---- to JSON

// Bytes of the UTF-8 character at the front; 0 when none is there.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size > text.size()) return 0;
  return wire::is_utf8(as_bytes(text.substr(0, size))) ? size : 0;
}

void put_text(std::string& to, std::string_view text) {
  to += '"';
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const char first = text.front();
    if (size == 0) {
      to += "\xef\xbf\xbd";  // U+FFFD for each byte that is no character
    } else if (first == '"' || first == '\\') {
      to.append({'\\', first});
    } else if (first == '\n') {
      to += "\\n";
    } else if (static_cast<unsigned char>(first) < 0x20 || first == 0x7f) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto code = static_cast<unsigned char>(first);
      to.append({'\\', 'u', '0', '0', kDigits[code >> 4], kDigits[code & 15]});
    } else {
      to += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  to += '"';
}

void put_number(std::string& to, double number) {
  if (!std::isfinite(number)) {
    to += "null";
    return;
  }
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  const std::string_view shortest(digits.data(),
                                  static_cast<std::size_t>(written.ptr - digits.data()));
  to += shortest;
  if (shortest.find_first_of(".e") == std::string_view::npos) to += ".0";
}

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}
  std::string take() && { return std::move(text_); }

  void put(const Value& value) {
    std::visit([this](const auto& held) { put_held(held); }, value.held());
  }

 private:
  void put_held(std::monostate) { text_ += "null"; }
  void put_held(bool value) { text_ += value ? "true" : "false"; }
  void put_held(std::int64_t value) { text_ += std::to_string(value); }
  void put_held(double value) { put_number(text_, value); }
  void put_held(const std::string& value) { put_text(text_, value); }
  void put_held(const ByteVector& value) { put_text(text_, wire::to_base64(value)); }
  void put_held(const Value::Link& link) {
    const auto cid = wire::Cid::from_bytes(link.cid);
    text_ += pretty_ ? "{\"/\": " : "{\"/\":";
    put_text(text_, cid ? cid->text() : wire::to_multibase('b', link.cid));
    text_ += '}';
  }
  void put_held(const Value::List& list) {
    const char* comma = "";
    open('[');
    for (const Value& item : list) {
      text_ += std::exchange(comma, ",");
      line();
      put(item);
    }
    close(']', list.empty());
  }
  void put_held(const Value::Map& map) {
    const char* comma = "";
    open('{');
    for (const auto& [key, value] : map) {
      text_ += std::exchange(comma, ",");
      line();
      put_text(text_, key);
      text_ += pretty_ ? ": " : ":";
      put(value);
    }
    close('}', map.empty());
  }
  void open(char bracket) {
    text_ += bracket;
    ++depth_;
  }
  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) line();
    text_ += bracket;
  }
  void line() {
    if (!pretty_) return;
    text_ += '\n';
    text_.append(2 * depth_, ' ');
  }
  bool pretty_;
  std::size_t depth_ = 0;
  std::string text_;
};

std::string write(const Value& value, bool pretty) {
  Writer writer(pretty);
  writer.put(value);
  return std::move(writer).take();
}

}  // namespace

std::string to_json(const Value& value) { return write(value, false); }
std::string to_pretty_json(const Value& value) { return write(value, true); }

Result<Value> from_json(std::string_view text) {
  Builder builder;
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder).take();
}

}  // namespace kith::bus

// SPDX-License-Identifier: MIT
#include "engine/node/config_toml.h"

// toml++ 3.3 asserts (and under NDEBUG assumes) in parse_key what it then judges and refuses by
// itself, so that "[\\" would end the program: the judgement is what counts here.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/base/limits.h"

namespace kith::node {
namespace {

constexpr std::size_t kTextMax = 1024 * 1024;
constexpr std::size_t kLineMax = 8 * 1024;  // bounds how deep dotted keys can nest

class Reader {
 public:
  explicit Reader(std::vector<TomlFault>& faults) : faults_(faults) {}

  TomlNode table(const toml::table& from, TomlPlace at, std::size_t depth) {
    TomlNode made{at, true, {}, {}};
    if (too_deep(at, depth)) return made;
    for (const auto& [key, node] : from) {
      const TomlPlace key_at = place(key.source());
      made.members.push_back({std::string(key.str()), read(node, key_at, depth + 1)});
    }
    std::stable_sort(made.members.begin(), made.members.end(), [](const auto& a, const auto& b) {
      return std::pair(a.node.at.line, a.node.at.column) <
             std::pair(b.node.at.line, b.node.at.column);
    });
    return made;
  }

  static TomlPlace place(const toml::source_region& region) {
    return {region.begin.line, region.begin.column};
  }

 private:
  TomlNode read(const toml::node& from, TomlPlace at, std::size_t depth) {
    if (const auto* inner = from.as_table()) return table(*inner, at, depth);
    return {at, false, value(from, at, depth), {}};
  }

  wire::Value value(const toml::node& from, TomlPlace at, std::size_t depth) {
    if (const auto* text = from.as_string()) return text->get();
    if (const auto* whole = from.as_integer()) return std::int64_t{whole->get()};
    if (const auto* truth = from.as_boolean()) return truth->get();
    if (const auto* number = from.as_floating_point()) {
      if (std::isfinite(number->get())) return number->get();
      faults_.push_back({at, "a number must be finite"});
      return {};
    }
    if (const auto* inner = from.as_table()) return table(*inner, at, depth).as_value();
    const auto* list = from.as_array();
    if (!list) {
      faults_.push_back({at, "dates are not used here: put it in quotes"});
      return {};
    }
    wire::Value::List made;
    if (too_deep(at, depth)) return made;
    for (const auto& item : *list) made.push_back(value(item, at, depth + 1));
    return made;
  }

  bool too_deep(TomlPlace at, std::size_t depth) {
    if (depth < limits::kValueDepthMax) return false;
    faults_.push_back({at, "nested too deep"});
    return true;
  }

  std::vector<TomlFault>& faults_;
};

// Walks the text before toml++ does: it has no bound on lines, and reaches what it calls
// unreachable on a character beyond ASCII where only ASCII may stand (TOML 1.0: everywhere but in
// strings and comments). Where the text is malformed both stop at the same place or earlier.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  std::optional<TomlFault> fault() {
    if (text_.size() > kTextMax) return TomlFault{{1, 1}, "longer than 1 MiB"};
    while (at_ < text_.size()) {
      if (at_ - line_begin_ > kLineMax) return here("a line longer than 8 KiB");
      if (quote_.empty() && !comment_ && static_cast<unsigned char>(text_[at_]) >= 0x80)
        return here("a character beyond ASCII: put the key or the text in quotes");
      if (is_quote_amid()) return here("a quote in the middle of something");
      step();
    }
    return std::nullopt;
  }

 private:
  TomlFault here(const char* sentence) const {
    return {{line_, static_cast<std::uint32_t>(at_ - line_begin_ + 1)}, sentence};
  }

  // Text begins where a key or a value does. toml++ reads ahead over anything else.
  bool is_quote_amid() const {
    const char c = text_[at_];
    return quote_.empty() && !comment_ && (c == '"' || c == '\'') &&
           std::string_view("\n=[{,.").find(before_) == std::string_view::npos;
  }

  void step() {
    const char c = text_[at_];
    if (c != ' ' && c != '\t' && c != '\r') before_ = c;
    if (c == '\n') {
      ++line_;
      line_begin_ = at_ + 1;
      comment_ = false;
      if (quote_.size() == 1) quote_ = {};
    } else if (!comment_ && quote_.empty()) {
      comment_ = c == '#';
      if (c == '"' || c == '\'') open(c);
    } else if (!comment_) {
      in_string(c);
    }
    ++at_;
  }
  void open(char c) {
    const bool long_form = text_.substr(at_).starts_with(std::string(3, c));
    quote_ = text_.substr(at_, long_form ? 3 : 1);
    at_ += quote_.size() - 1;
  }
  void in_string(char c) {
    if (c == '\\' && quote_[0] == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
      ++at_;
    } else if (text_.substr(at_).starts_with(quote_)) {
      at_ += quote_.size() - 1;
      // Up to two quotes more belong to the text of a multi-line string.
      for (int more = 0; quote_.size() == 3 && more < 2 && next_is(c); ++more) ++at_;
      quote_ = {};
    }
  }
  bool next_is(char c) const { return at_ + 1 < text_.size() && text_[at_ + 1] == c; }

  std::string_view text_, quote_;  // the quotes of the string we are in
  std::size_t at_ = 0, line_begin_ = 0;
  std::uint32_t line_ = 1;
  char before_ = '\n';  // the last character that was no space
  bool comment_ = false;
};

void append_string(std::string& to, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  to += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (c == '\n') {
      to += "\\n";
    } else if (c == '\t') {
      to += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      to += "\\u00";
      to += kHex[byte >> 4];
      to += kHex[byte & 15];
    } else {
      to += c;
    }
  }
  to += '"';
}

void append_value(std::string& to, const wire::Value& value) {
  if (const auto* text = value.string()) return append_string(to, *text);
  if (const bool* truth = value.boolean()) {
    to += *truth ? "true" : "false";
  } else if (const auto* whole = value.integer()) {
    to += std::to_string(*whole);
  } else if (const double* number = value.number()) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, *number).ptr;
    const std::string_view made(digits, static_cast<std::size_t>(end - digits));
    to += made;
    if (made.find_first_of(".e") == made.npos) to += ".0";
  } else if (const auto* list = value.list()) {
    to += '[';
    for (const auto& item : *list) {
      if (&item != list->data()) to += ", ";
      append_value(to, item);
    }
    to += ']';
  } else if (const auto* map = value.map()) {
    to += '{';
    for (const auto& [key, item] : *map) {
      to += to.back() == '{' ? " " : ", ";
      to += to_toml_key(key) + " = ";
      append_value(to, item);
    }
    to += map->empty() ? "}" : " }";
  } else {
    to += "\"\"";
  }
}

}  // namespace

wire::Value TomlNode::as_value() const {
  if (!is_table) return value;
  wire::Value::Map map;
  for (const auto& [key, node] : members) map[key] = node.as_value();
  return map;
}

TomlText parse_toml(std::string_view text) {
  TomlText made;
  made.root.is_table = true;
  if (auto fault = Scan(text).fault()) {
    made.faults.push_back(*std::move(fault));
    return made;
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    made.faults.push_back(
        {Reader::place(parsed.error().source()), std::string(parsed.error().description())});
    return made;
  }
  made.root = Reader(made.faults).table(parsed.table(), {1, 1}, 0);
  return made;
}

Result<TomlNode> parse_toml_value(std::string_view text) {
  const std::string line = "value = " + std::string(text);
  TomlText parsed = parse_toml(line);
  if (!parsed.faults.empty()) return Error(KITH_BAD, parsed.faults.front().sentence);
  if (parsed.root.members.size() != 1) return Error(KITH_BAD, "more than one value");
  return std::move(parsed.root.members.front().node);
}

Result<void> put_setting(wire::Value& table, std::string_view setting) {
  const std::size_t equals = setting.find('=');
  if (equals == setting.npos || equals == 0)
    return Error(KITH_BAD, "--set " + std::string(setting) + ": expected KEY=VALUE");
  std::string_view path = setting.substr(0, equals);
  wire::Value* at = &table;
  for (std::size_t depth = 0;; ++depth) {
    const std::size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    if (key.empty() || depth >= limits::kValueDepthMax / 2)
      return Error(KITH_BAD, "--set " + std::string(setting) + ": no key between the dots");
    if (!at->map()) *at = wire::Value::Map();
    at = &(*at)[key];
    if (dot == path.npos) break;
    path.remove_prefix(dot + 1);
  }
  const std::string_view text = setting.substr(equals + 1);
  auto parsed = parse_toml_value(text);
  *at = parsed ? parsed->as_value() : wire::Value(text);
  return {};
}

std::string to_toml(const wire::Value& value) {
  std::string made;
  append_value(made, value);
  return made;
}

std::string to_toml_key(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (bare) return std::string(key);
  std::string made;
  append_string(made, key);
  return made;
}

}  // namespace kith::node

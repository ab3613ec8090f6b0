// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/match.h"

#include <cctype>

namespace kith::lua {

namespace {

constexpr int kDepthMax = 200;

unsigned char byte(char c) { return static_cast<unsigned char>(c); }

// %a and its like; any other letter after % stands for itself. A capital negates.
bool in_class(unsigned char c, unsigned char letter) {
  const auto of = [c](int lower, bool& known) -> bool {
    switch (lower) {
      case 'a': return std::isalpha(c) != 0;
      case 'c': return std::iscntrl(c) != 0;
      case 'd': return std::isdigit(c) != 0;
      case 'g': return std::isgraph(c) != 0;
      case 'l': return std::islower(c) != 0;
      case 'p': return std::ispunct(c) != 0;
      case 's': return std::isspace(c) != 0;
      case 'u': return std::isupper(c) != 0;
      case 'w': return std::isalnum(c) != 0;
      case 'x': return std::isxdigit(c) != 0;
      case 'z': return c == 0;
      default: known = false; return false;
    }
  };
  bool known = true;
  const bool inside = of(std::tolower(letter), known);
  if (!known) return letter == c;
  return std::isupper(letter) ? !inside : inside;
}

}  // namespace

std::size_t Matcher::fail(const char* why) {
  if (!error_) error_ = why;
  return kNone;
}

bool Matcher::step() {
  if (error_) return false;
  if (++steps_ < kStepsPerLeave) return true;
  const std::uint64_t taken = steps_;
  steps_ = 0;
  if (leave_.more(leave_.ctx, taken)) return true;
  out_of_steps_ = true;
  fail("out of steps");
  return false;
}

std::size_t Matcher::match(std::size_t start) {
  level_ = 0;
  depth_ = 0;
  return run(start, 0);
}

std::size_t Matcher::run(std::size_t at, std::size_t item) {
  if (++depth_ > kDepthMax) return fail("pattern too complex");
  std::size_t end = kNone;
  while (step()) {
    if (item >= pattern_.size()) {
      end = at;
      break;
    }
    bool done = false;
    if (special(at, item, done)) {
      if (!done) continue;
      end = at;
      break;
    }
    const std::size_t after = item_end(item);
    if (error_) break;
    const char suffix = after < pattern_.size() ? pattern_[after] : '\0';
    if (suffix == '?') {
      if (fits(at, item, after)) {
        end = run(at + 1, after + 1);
        if (end != kNone) break;
      }
      item = after + 1;
    } else if (suffix == '*' || suffix == '+' || suffix == '-') {
      end = repeat(at, item, after);
      break;
    } else {
      if (!fits(at, item, after)) break;
      ++at;
      item = after;
    }
  }
  --depth_;
  return error_ ? kNone : end;
}

// done: the match ends at `at`, which may be kNone.
bool Matcher::special(std::size_t& at, std::size_t& item, bool& done) {
  const char next = item + 1 < pattern_.size() ? pattern_[item + 1] : '\0';
  switch (pattern_[item]) {
    case '(':
      at = next == ')' ? open(at, item + 2, Capture::Kind::position)
                       : open(at, item + 1, Capture::Kind::open);
      return done = true;
    case ')': at = close(at, item + 1); return done = true;
    case '$':
      if (item + 1 != pattern_.size()) return false;
      if (at != subject_.size()) at = kNone;
      return done = true;
    case '%': break;
    default: return false;
  }
  if (next == 'b') {
    at = balanced(at, item + 2);
    item += 4;
  } else if (next == 'f') {
    const std::size_t set = item + 2;
    if (set >= pattern_.size() || pattern_[set] != '[') {
      at = fail("missing '[' after '%f' in pattern");
    } else {
      const std::size_t after = item_end(set);
      if (error_ || !frontier(at, set, after)) at = kNone;
      item = after;
    }
  } else if (next >= '0' && next <= '9') {
    at = back_reference(at, next);
    item += 2;
  } else {
    return false;
  }
  done = at == kNone;
  return true;
}

std::size_t Matcher::repeat(std::size_t at, std::size_t item, std::size_t after) {
  switch (pattern_[after]) {
    case '-': return shortest(at, item, after);
    case '+': return fits(at, item, after) ? longest(at + 1, item, after) : kNone;
    default: return longest(at, item, after);
  }
}

std::size_t Matcher::longest(std::size_t at, std::size_t item, std::size_t after) {
  std::size_t count = 0;
  while (fits(at + count, item, after)) {
    if (!step()) return kNone;
    ++count;
  }
  for (;; --count) {
    const std::size_t end = run(at + count, after + 1);
    if (end != kNone || error_ || count == 0) return end;
  }
}

std::size_t Matcher::shortest(std::size_t at, std::size_t item, std::size_t after) {
  for (;; ++at) {
    const std::size_t end = run(at, after + 1);
    if (end != kNone || error_ || !fits(at, item, after)) return end;
  }
}

std::size_t Matcher::open(std::size_t at, std::size_t item, Capture::Kind kind) {
  if (level_ >= kCapturesMax) return fail("too many captures");
  captures_[level_++] = {at, 0, kind};
  const std::size_t end = run(at, item);
  if (end == kNone) --level_;
  return end;
}

std::size_t Matcher::close(std::size_t at, std::size_t item) {
  std::size_t which = level_;
  while (which > 0 && captures_[which - 1].kind != Capture::Kind::open) --which;
  if (which == 0) return fail("invalid pattern capture");
  Capture& capture = captures_[which - 1];
  capture.size = at - capture.start;
  capture.kind = Capture::Kind::closed;
  const std::size_t end = run(at, item);
  if (end == kNone) capture.kind = Capture::Kind::open;
  return end;
}

std::size_t Matcher::balanced(std::size_t at, std::size_t item) {
  if (item + 1 >= pattern_.size()) return fail("unbalanced pattern");
  const char begin = pattern_[item], end = pattern_[item + 1];
  if (at >= subject_.size() || subject_[at] != begin) return kNone;
  std::size_t nested = 1;
  for (++at; at < subject_.size() && step(); ++at) {
    if (subject_[at] == end) {
      if (--nested == 0) return at + 1;
    } else if (subject_[at] == begin) {
      ++nested;
    }
  }
  return kNone;
}

std::size_t Matcher::back_reference(std::size_t at, char digit) {
  const std::size_t which = static_cast<std::size_t>(digit - '1');
  if (digit == '0' || which >= level_ || captures_[which].kind == Capture::Kind::open)
    return fail("invalid capture index");
  const Capture& capture = captures_[which];
  if (capture.kind == Capture::Kind::position) return kNone;
  steps_ += capture.size / 16;
  return subject_.substr(at).starts_with(subject_.substr(capture.start, capture.size))
             ? at + capture.size
             : kNone;
}

bool Matcher::frontier(std::size_t at, std::size_t set, std::size_t after) {
  const unsigned char before = at == 0 ? '\0' : byte(subject_[at - 1]);
  const unsigned char here = at < subject_.size() ? byte(subject_[at]) : '\0';
  return !in_set(before, set, after - 1) && in_set(here, set, after - 1);
}

std::size_t Matcher::item_end(std::size_t item) {
  const std::size_t start = item;
  const char first = pattern_[item++];
  if (first == '%') {
    if (item >= pattern_.size()) return fail("malformed pattern (ends with '%')");
    return item + 1;
  }
  if (first != '[') return item;
  if (item < pattern_.size() && pattern_[item] == '^') ++item;
  // A ']' that comes first stands for itself.
  do {
    if (item >= pattern_.size()) return fail("malformed pattern (missing ']')");
    if (pattern_[item++] == '%') ++item;
  } while (item >= pattern_.size() || pattern_[item] != ']');
  steps_ += (item - start) / 8;
  return item + 1;
}

bool Matcher::fits(std::size_t at, std::size_t item, std::size_t after) {
  if (at >= subject_.size()) return false;
  const unsigned char c = byte(subject_[at]);
  switch (pattern_[item]) {
    case '.': return true;
    case '%': return in_class(c, byte(pattern_[item + 1]));
    case '[': return in_set(c, item, after - 1);
    default: return byte(pattern_[item]) == c;
  }
}

// set is where '[' stands, last where its ']' does.
bool Matcher::in_set(unsigned char c, std::size_t set, std::size_t last) {
  bool inside = true;
  std::size_t at = set + 1;
  if (pattern_[at] == '^') {
    inside = false;
    ++at;
  }
  steps_ += (last - set) / 8;
  for (; at < last; ++at) {
    if (pattern_[at] == '%') {
      if (in_class(c, byte(pattern_[++at]))) return inside;
    } else if (at + 2 < last && pattern_[at + 1] == '-') {
      if (byte(pattern_[at]) <= c && c <= byte(pattern_[at + 2])) return inside;
      at += 2;
    } else if (byte(pattern_[at]) == c) {
      return inside;
    }
  }
  return !inside;
}

}  // namespace kith::lua

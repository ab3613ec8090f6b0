// SPDX-License-Identifier: MIT
// Matcher: Lua patterns (manual 5.1 section 5.4.1, with %f and %g), matched with its steps counted,
// since a pattern can take exponential time where no count hook sees it. Pure: knows no Lua state,
// never raises, allocates nothing.
#pragma once
#include <cstdint>
#include <string_view>

namespace kith::lua {

class Matcher {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  static constexpr std::size_t kCapturesMax = 32;

  // Asked for leave each kStepsPerLeave steps; false ends the match with the error "out of steps".
  struct Leave {
    bool (*more)(void* ctx, std::uint64_t steps);
    void* ctx;
  };
  static constexpr std::uint64_t kStepsPerLeave = 10'000;

  struct Capture {
    std::size_t start = 0, size = 0;
    enum class Kind { open, closed, position } kind = Kind::open;
  };

  Matcher(std::string_view subject, std::string_view pattern, Leave leave)
      : subject_(subject), pattern_(pattern), leave_(leave) {}
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  // Where a match that begins at `start` ends, or kNone. The pattern comes without its anchor.
  std::size_t match(std::size_t start);
  std::size_t captures() const { return level_; }
  const Capture& capture(std::size_t at) const { return captures_[at]; }
  // Why nothing matches at all: a malformed pattern, or one too dear. nullptr: none.
  const char* error() const { return error_; }
  bool out_of_steps() const { return out_of_steps_; }
  // What was counted since the last leave.
  std::uint64_t steps() const { return steps_; }

 private:
  std::size_t run(std::size_t at, std::size_t item);
  // A step of run that is no single-character item. False: it is one.
  bool special(std::size_t& at, std::size_t& item, bool& done);
  std::size_t repeat(std::size_t at, std::size_t item, std::size_t after);
  std::size_t longest(std::size_t at, std::size_t item, std::size_t after);
  std::size_t shortest(std::size_t at, std::size_t item, std::size_t after);
  std::size_t open(std::size_t at, std::size_t item, Capture::Kind kind);
  std::size_t close(std::size_t at, std::size_t item);
  std::size_t balanced(std::size_t at, std::size_t item);
  std::size_t back_reference(std::size_t at, char digit);
  bool frontier(std::size_t at, std::size_t set, std::size_t after);
  std::size_t item_end(std::size_t item);
  bool fits(std::size_t at, std::size_t item, std::size_t after);
  bool in_set(unsigned char c, std::size_t set, std::size_t last);
  std::size_t fail(const char* why);
  bool step();

  std::string_view subject_, pattern_;
  Leave leave_;
  std::uint64_t steps_ = 0;
  const char* error_ = nullptr;
  bool out_of_steps_ = false;
  int depth_ = 0;
  std::size_t level_ = 0;
  Capture captures_[kCapturesMax];
};

}  // namespace kith::lua

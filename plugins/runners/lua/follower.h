// SPDX-License-Identifier: MIT
// Follower: one ledger:on. Gives a script's function the entries of a ledger in the order of their
// arrival, each once, one after the other: they are read in pages from a cursor on, and events only
// tell that there are more. Owned by its Script::Hook. Never holds more than one page.
#pragma once
#include <deque>
#include <optional>

#include "engine/wire/value.h"
#include "plugins/runners/lua/limits.h"

struct kith_op;

namespace kith::lua {

class Script;

class Follower {
 public:
  struct Wish {
    std::string ledger, type;            // type: only such; empty: all
    std::optional<std::uint64_t> after;  // an arrival; none: what comes from now on
  };
  Follower(Script& script, std::uint32_t hook, Wish wish);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // The app is active: what is there already may be given.
  void start();
  // An entry has arrived. While there is no cursor yet, its number is the first to be given.
  bool has_cursor() const { return cursor_.has_value(); }
  void hear(std::uint64_t arrival);
  // The function is done with the entry before.
  void go_on();

 private:
  static void on_page(void* self, std::int64_t r, const void* result);
  static void on_timer(void* self, std::int64_t, const void*);
  void wake_in(std::uint64_t us);
  void step();
  void read();
  void take(const struct ::kith_page& page);

  Script& script_;
  const std::uint32_t hook_;
  const Wish wish_;
  std::optional<std::uint64_t> cursor_;  // the last arrival that was read
  std::deque<wire::Value> rows_;         // read, and not given yet
  bool may_be_more_ = false;
  bool is_giving_ = false;
  kith_op* reading_ = nullptr;
  kith_op* timer_ = nullptr;
};

}  // namespace kith::lua

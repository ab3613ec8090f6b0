// SPDX-License-Identifier: MIT
// Exchange: one call of a command, between its caller (a ticket and an Answer) and its handler (a
// Call). Shared by both; ends once, whoever ends it. Owned by nobody else; the Calls table only
// looks.
#pragma once
#include "engine/bus/bus.h"
#include "engine/bus/later.h"

namespace kith::bus {

class Exchange;

// The exchanges under way, in order of their beginning.
class Calls {
 public:
  explicit Calls(Loop& loop) : later_(loop) {}
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  std::shared_ptr<Exchange> begin(Answer answer);
  std::size_t size() const { return open_.size(); }
  // Those of a command that is removed fail with the sentence, in a later turn; its handlers are
  // told nothing more.
  void sever(Bus::Id command, const std::string& sentence);
  Later& later() { return later_; }

 private:
  friend class Exchange;
  std::map<std::uint64_t, Exchange*> open_;
  std::uint64_t last_ = 0;
  Later later_;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Calls& calls, std::uint64_t serial, Answer answer)
      : calls_(&calls), serial_(serial), answer_(std::move(answer)) {}
  ~Exchange() { leave(); }

  // The handler's side: a Call that fails the exchange when it is dropped without an end.
  CallPtr open(Bus::Id command);
  // The caller's side: cancels when it is dropped.
  Bus::Ticket ticket();
  // The bus's own answer, in a later turn.
  void fail_later(std::string sentence, int code);

  bool part(const wire::Value& value);
  void end(wire::Value value);
  void fail(const std::string& sentence, int code);
  void on_cancel(std::function<void()> told);
  void cancel();
  bool over() const { return over_; }
  bool cancelled() const { return cancelled_; }

 private:
  friend class Calls;
  class Side;
  class Answering;
  void leave();

  Calls* calls_;  // nullptr once it left the table
  std::uint64_t serial_;
  Bus::Id command_ = 0;
  Answer answer_;
  std::function<void()> told_;
  int answering_ = 0;  // calls of answer_ on the stack: it is not freed below them
  bool over_ = false, cancelled_ = false, severed_ = false;
};

}  // namespace kith::bus

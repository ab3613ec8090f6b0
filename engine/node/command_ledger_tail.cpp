// SPDX-License-Identifier: MIT
// The commands that show entries as they came: ledger.tail follows a ledger by arrival, ledger.get
// shows one entry.
#include <fmt/core.h>

#include "engine/node/command_adder.h"
#include "engine/node/ledger_news.h"
#include "engine/store/beside.h"

namespace kith::node {

namespace {

using wire::Value;

constexpr std::uint32_t kShownFirst = 10;
constexpr std::uint32_t kPageEntries = 100;
// Between two pages, so that whoever reads a long ledger keeps up: it is dropped what finds no
// room.
constexpr std::uint64_t kRestUs = 1'000;
constexpr std::uint64_t kBytesPerUs = 100;

// Sleeps until a ledger has more, or its caller went.
class TailWait final : private store::LedgerObserver {
 public:
  TailWait(Loop& loop, store::Ledgers& ledgers, const store::Ledger& ledger)
      : loop_(loop), ledgers_(ledgers), ledger_(ledger) {
    ledgers_.observe(*this);
  }
  ~TailWait() { ledgers_.unobserve(*this); }
  TailWait(const TailWait&) = delete;
  TailWait& operator=(const TailWait&) = delete;
  void begin(std::shared_ptr<store::Parked::Slot> slot) { waiting_ = std::move(slot); }
  void wake() { loop_.start(wake_, 0); }

 private:
  void on_run(store::Ledger& ledger, std::uint64_t, std::uint64_t) override {
    if (&ledger == &ledger_) wake();
  }
  void on_fork(store::Ledger&, const store::Digest&, const crypto::Key32&, std::uint64_t,
               bool) override {}
  static void woken(void* self, std::int64_t, const void*) {
    if (const auto slot = std::exchange(static_cast<TailWait*>(self)->waiting_, nullptr))
      slot->answer(0);
  }
  Loop& loop_;
  store::Ledgers& ledgers_;
  const store::Ledger& ledger_;
  std::shared_ptr<store::Parked::Slot> waiting_;
  Timer wake_{{&TailWait::woken, this}};
};

struct TailAsked {
  std::string name;
  std::optional<std::uint64_t> after;  // none: the newest few
  bool follow = true;
};

// What is kept but not synced waits: a cursor that was told outlives a crash.
store::Query next_query(std::optional<std::uint64_t> after, std::uint64_t synced) {
  store::Query query;
  query.before = synced + 1;
  query.after = after.value_or(0);
  query.newest = !after;
  query.limit = query.newest ? kShownFirst : kPageEntries;
  return query;
}

// One cursor for what is there and what is to come, so nothing falls between the two.
Task<void> follow(Node& node, bus::CallPtr call, TailAsked asked) {
  store::Ledger& ledger = ledger_named(node.ledgers(), asked.name);
  const auto more = std::make_shared<TailWait>(node.loop(), node.ledgers(), ledger);
  call->on_cancel([weak = std::weak_ptr(more)] {
    if (const auto waits = weak.lock()) waits->wake();
  });
  std::optional<std::uint64_t> after = asked.after;
  if (!after && ledger.synced_arrival() == 0) after = 0;
  while (!call->cancelled()) {
    const std::uint64_t synced = ledger.synced_arrival();
    if (synced > after.value_or(0)) {
      store::Query query = next_query(after, synced);
      const store::Page page = co_await ledger.read(std::move(query));
      std::uint64_t bytes = 0;
      for (const store::Held& held : page.entries) {
        if (!call->part(entry_body(held))) co_return;
        bytes += held.body.size();
      }
      after = page.next;
      Nap rest(node.loop(), kRestUs + bytes / kBytesPerUs);
      co_await rest;
    } else if (!asked.follow) {
      co_return;
    } else {
      store::Parked parked;
      more->begin(parked.slot());
      co_await parked;
    }
  }
}

Task<Value> tail(Node& node, bus::CallPtr call, TailAsked asked) {
  Task<void> following = follow(node, std::move(call), std::move(asked));
  co_await following;
  co_return Value();
}

// Of which ledger it is, its id does not tell.
Task<Value> get_entry(Node& node, std::string text) {
  const store::Digest id = entry_named(text);
  for (store::Ledger* ledger : node.ledgers().all()) {
    const std::string name = ledger->name();
    const auto held = co_await ledger->find(id);
    if (!held) continue;
    Value made = entry_body(*held);
    made["ledger"] = name;
    made["bytes"] = held->body_bytes;
    made["dropped"] = (held->flags & KITH_ENTRY_DROPPED) != 0;
    co_return made;
  }
  throw Fault(Error(KITH_ABSENT, "no ledger that is open here holds this entry"));
}

}  // namespace

void add_ledger_tail(const CommandAdder& adder) {
  Node& node = adder.node;
  auto tailing = command_spec(
      "ledger.tail", "a ledger's newest entries in the order in which they came, and those to come",
      "{id, author, time, type, text, data, links, arrival, ...} each",
      {required_arg("name", "string", "the ledger"),
       optional_arg("after", "int", "all after this arrival number; else the newest 10", true),
       optional_arg("follow", "bool", "until Ctrl-C; --follow=false: only what is there", true,
                    true)});
  tailing.read = tailing.stream = true;
  adder.add(std::move(tailing), [adder](bus::CallPtr call, Value args) {
    TailAsked asked{args.string_or("name"), {}, args.boolean_or("follow", true)};
    if (const Value* after = args.find("after"); after && after->integer()) {
      if (*after->integer() < 0) throw Fault(Error(KITH_BAD, "--after is 0 or more"));
      asked.after = static_cast<std::uint64_t>(*after->integer());
    }
    auto work = tail(adder.node, call, std::move(asked));
    adder.answer(std::move(call), std::move(work));
  });
  auto getting = command_spec("ledger.get", "one entry, whichever ledger it is of",
                              "{ledger, id, author, time, type, text, data, links, ...}",
                              {required_arg("entry", "string", "its id, as history shows it")});
  getting.read = true;
  adder.add(std::move(getting), [adder, &node](bus::CallPtr call, Value args) {
    adder.answer(std::move(call), get_entry(node, args.string_or("entry")));
  });
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "engine/bus/bus.h"

#include <algorithm>
#include <optional>

#include "engine/base/limits.h"
#include "engine/bus/arguments.h"
#include "engine/bus/exchange.h"
#include "engine/bus/handlers.h"
#include "engine/bus/held_event.h"
#include "engine/bus/nearest.h"
#include "engine/bus/pattern.h"

namespace kith::bus {

namespace {

struct Command {
  Bus::Id id;
  const Owner* owner;
  CommandSpec spec;
  CommandFn run;
};

bool is_word(std::string_view word) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !word.empty() && std::all_of(word.begin(), word.end(), fits);
}

bool is_command_name(std::string_view name) {
  for (std::size_t dot; (dot = name.find('.')) != std::string_view::npos;) {
    if (!is_word(name.substr(0, dot))) return false;
    name.remove_prefix(dot + 1);
  }
  return is_word(name);
}

}  // namespace

const char* describe(bus_error error) {
  switch (error) {
    case bus_error::unknown_command: return "unknown command";
    case bus_error::bad_arguments: return "bad arguments";
    case bus_error::taken: return "the name is taken";
    case bus_error::bad_name: return "not a valid name";
    case bus_error::cancelled: return "cancelled";
    case bus_error::failed: return "failed";
    case bus_error::too_deep: return "nested too deep";
    case bus_error::absent: return "no such thing";
    case bus_error::refused: return "refused";
    case bus_error::timeout: return "timed out";
  }
  return "unknown error";
}

struct Bus::State {
  State(Loop& given_loop, Log given_log) : loop(given_loop), log(given_log), calls(given_loop) {}

  int ask(const Handlers::Entry& entry, const kith_event& event);
  void post(const kith_event& event, const Owner* publisher, Bus& bus);
  Id successor(const std::string& name, wire::Value& args, std::string& why) const;
  void run(const std::shared_ptr<Exchange>& exchange, Id id, const std::string& name,
           wire::Value args);

  Loop& loop;
  Log log;
  Handlers handlers;
  Interest interest;
  int depth = 0;
  std::size_t posted = 0, lost = 0;  // events that wait for a turn; and that found no room
  Id last_id = 0;
  std::map<std::string, Id, std::less<>> names;
  std::map<Id, std::shared_ptr<Command>> commands;
  Calls calls;  // last: what it drops looks at nothing above
};

Bus::Bus(Loop& loop, Log log) : state_(std::make_unique<State>(loop, log)) {}
Bus::~Bus() = default;

Loop& Bus::loop() const { return state_->loop; }

// ---- events

Bus::Id Bus::on(const Owner& owner, std::string_view pattern, int priority, unsigned flags,
                Handler handler) {
  if (!is_valid_pattern(pattern)) {
    state_->log.warn("handler refused owner={} pattern={} err=bad_pattern", owner.name,
                     in_quotes(pattern));
    return 0;
  }
  const Id id = ++state_->last_id;
  state_->handlers.add(
      {id, &owner, std::string(pattern), priority, flags, std::move(handler), false});
  if (state_->interest) state_->interest(owner, pattern, true);
  return id;
}

void Bus::off(Id id) {
  const Handlers::Entry* entry = state_->handlers.remove(id);
  if (!entry) return;
  const Owner& owner = *entry->owner;
  const std::string pattern = entry->pattern;
  state_->handlers.sweep();
  if (state_->interest) state_->interest(owner, pattern, false);
}

bool Bus::heard(std::string_view name) const { return state_->handlers.heard(name); }
bool Bus::too_deep() const { return state_->depth >= limits::kEventNestingMax; }

// The border between the bus and what is hooked to it: what a handler throws ends here, since a
// walk may stand on a router's stack.
int Bus::State::ask(const Handlers::Entry& entry, const kith_event& event) {
  try {
    return entry.handler(event);
  } catch (const std::exception& thrown) {
    log.error("handler threw event={} owner={} err={}", text(event.name), entry.owner->name,
              thrown.what());
    return text(event.name).starts_with("validate/") ? KITH_IGNORE : KITH_PASS;
  }
}

int Bus::emit(const kith_event& event, const Owner* publisher) {
  State& state = *state_;
  if (too_deep()) {
    state.post(event, publisher, *this);
    return 0;
  }
  struct Depth {
    int& depth;
    explicit Depth(int& counted) : depth(++counted) {}
    ~Depth() { --depth; }
  } const nested(state.depth);
  Handlers::Walk walk(state.handlers, text(event.name), state.last_id + 1);
  while (const Handlers::Entry* entry = walk.next()) {
    if (publisher == entry->owner && !(entry->flags & KITH_ON_OWN)) continue;
    const int answer = state.ask(*entry, event);
    if (answer != KITH_PASS) return answer;
  }
  return 0;
}

void Bus::State::post(const kith_event& event, const Owner* publisher, Bus& bus) {
  if (posted >= limits::kEventsPostedMax) {
    if (lost++ == 0) log.warn("events dropped err=nested_without_end event={}", text(event.name));
    return;
  }
  ++posted;
  auto held = std::make_shared<HeldEvent>(event);
  calls.later().push([this, held, publisher, &bus] {
    if (--posted == 0) lost = 0;
    bus.emit(held->event(), publisher);
  });
}

int Bus::emit(std::string_view name, const wire::Value& body) {
  if (!heard(name)) return 0;
  const ByteVector encoded = wire::encode_cbor(body);
  const kith_event event{sizeof event, c_bytes(name), c_bytes(Bytes(encoded)), nullptr};
  return emit(event);
}

void Bus::watch_interest(Interest interest) {
  state_->interest = std::move(interest);
  if (!state_->interest) return;
  for (const Handlers::Entry* entry : state_->handlers.all())
    state_->interest(*entry->owner, entry->pattern, true);
}

// ---- commands

namespace {

// Its whole name, and its arguments in their judged form.
Result<void> complete(const Owner& owner, CommandSpec& spec) {
  if (owner.is_app) spec.name = owner.name + "." + spec.name;
  if (!is_command_name(spec.name)) {
    return Error(bus_error::bad_name, in_quotes(spec.name) + " (lower-case words joined by dots)");
  }
  return prepare(spec);
}

}  // namespace

Result<Bus::Id> Bus::command(const Owner& owner, CommandSpec spec, CommandFn fn) {
  if (auto judged = complete(owner, spec); !judged) return judged.error();
  if (state_->names.contains(spec.name)) return Error(bus_error::taken, spec.name);
  const Id id = ++state_->last_id;
  state_->names[spec.name] = id;
  state_->commands[id] =
      std::make_shared<Command>(Command{id, &owner, std::move(spec), std::move(fn)});
  return id;
}

Result<void> Bus::judge_command(const Owner& owner, CommandSpec spec) const {
  if (auto judged = complete(owner, spec); !judged) return judged.error();
  const auto found = state_->names.find(spec.name);
  if (found == state_->names.end()) return {};
  const Owner& holder = *state_->commands.at(found->second)->owner;
  const bool is_its_own = holder.is_app && owner.is_app && holder.name == owner.name;
  return is_its_own ? Result<void>() : Error(bus_error::taken, spec.name);
}

void Bus::remove_command(Id id) {
  const auto found = state_->commands.find(id);
  if (found == state_->commands.end()) return;
  const auto command = found->second;
  state_->commands.erase(found);
  state_->names.erase(command->spec.name);
  state_->calls.sever(id, command->spec.name + " was removed while it ran");
}

std::vector<const CommandSpec*> Bus::commands() const {
  std::vector<const CommandSpec*> specs;
  for (const auto& [name, id] : state_->names) specs.push_back(&state_->commands.at(id)->spec);
  return specs;
}

const CommandSpec* Bus::find_command(std::string_view name) const {
  const auto found = state_->names.find(name);
  return found == state_->names.end() ? nullptr : &state_->commands.at(found->second)->spec;
}

Result<void> Bus::judge_app_name(std::string_view name) const {
  if (!is_word(name)) return Error(bus_error::bad_name, in_quotes(name));
  for (const auto& [id, command] : state_->commands) {
    const std::string_view full = command->spec.name;
    if (!command->owner->is_app && full.substr(0, full.find('.')) == name)
      return Error(bus_error::taken, std::string(name) + " is a command of the node");
  }
  return {};
}

std::string unknown_command(const Bus& bus, std::string_view name) {
  std::vector<std::string_view> known;
  for (const CommandSpec* spec : bus.commands()) known.push_back(spec->name);
  const std::string_view near = nearest(name, known);
  const std::string sentence = "no command " + in_quotes(name);
  return near.empty() ? sentence : sentence + "; the nearest is " + in_quotes(near);
}

// An app's next version has taken the name since the call was made: the arguments are judged anew.
Bus::Id Bus::State::successor(const std::string& name, wire::Value& args, std::string& why) const {
  const auto found = names.find(name);
  if (found == names.end()) return 0;
  auto judged = judge_arguments(commands.at(found->second)->spec, std::move(args));
  if (judged) {
    args = *std::move(judged);
    return found->second;
  }
  why = judged.error().detail();
  return 0;
}

// Not from inside call(): a handler that calls does not nest, and no answer comes early.
void Bus::State::run(const std::shared_ptr<Exchange>& exchange, Id id, const std::string& name,
                     wire::Value args) {
  if (exchange->over()) return;
  if (!commands.contains(id)) {
    std::string why = "the command is gone";
    id = successor(name, args, why);
    if (id == 0) return exchange->fail(why, KITH_CLOSED);
  }
  const auto found = commands.find(id);
  const auto command = found->second;  // it may remove itself
  const CallPtr call = exchange->open(id);
  try {
    command->run(call, std::move(args));
  } catch (const std::exception& thrown) {  // the border, as in ask()
    log.error("command threw name={} owner={} err={}", command->spec.name, command->owner->name,
              thrown.what());
    call->fail(thrown.what(), KITH_BAD);
  }
}

Bus::Ticket Bus::call(std::string_view name, wire::Value args, Answer answer) {
  State& state = *state_;
  const bool full = state.calls.size() >= limits::kCallsMax;
  const auto exchange = state.calls.begin(std::move(answer));
  auto ticket = exchange->ticket();
  const auto found = state.names.find(name);
  if (full) {
    exchange->fail_later("too many calls are under way", KITH_LIMIT);
  } else if (found == state.names.end()) {
    exchange->fail_later(unknown_command(*this, name), KITH_ABSENT);
  } else {
    const Id id = found->second;
    auto judged = judge_arguments(state.commands.at(id)->spec, std::move(args));
    if (!judged) {
      exchange->fail_later(judged.error().detail(), KITH_BAD);
    } else {
      state.calls.later().push([&state, exchange, id, called = std::string(name),
                                judged = *std::move(judged)]() mutable {
        state.run(exchange, id, called, std::move(judged));
      });
    }
  }
  return ticket;
}

void Bus::forget(const Owner& owner) {
  for (const Id id : state_->handlers.of(owner)) off(id);
  std::vector<Id> gone;
  for (const auto& [id, command] : state_->commands) {
    if (command->owner == &owner) gone.push_back(id);
  }
  for (const Id id : gone) remove_command(id);
}

}  // namespace kith::bus

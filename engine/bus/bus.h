// SPDX-License-Identifier: MIT
// Bus: events out, commands in; the whole app model (engine/README.md). Owned by the node, loop
// thread. Knows no plugin by name. Every registration belongs to an Owner, so that whoever ends a
// plugin or an app undoes all it hooked.
#pragma once
#include <kith/bytes.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/loop.h"
#include "engine/wire/value.h"

namespace kith::bus {

enum class bus_error {
  unknown_command = 1,
  bad_arguments,
  taken,
  bad_name,
  cancelled,
  failed,
  too_deep,
  absent,
  refused,
  timeout
};
const char* describe(bus_error error);

// Whoever registers: the engine, a plugin, an app. Identity is the address.
struct Owner {
  std::string name;
  bool is_app = false;  // its commands are prefixed with its name
};

using Handler = std::function<int(const kith_event&)>;  // 0 = pass on; anything else ends the walk

struct ArgSpec {
  std::string name, type;
  bool required = false, option = false, rest = false;
  wire::Value fallback;
  std::string help;
};
struct CommandSpec {
  std::string name, summary, result;
  std::vector<ArgSpec> args;
  bool read = false, admin = false, stream = false;
};

// One call seen from its handler; shared while the handler works on it. Exactly one end or fail.
class Call {
 public:
  virtual ~Call() = default;
  virtual bool part(const wire::Value& value) = 0;  // false: nobody listens any more
  virtual void end(wire::Value value) = 0;
  virtual void fail(std::string sentence, int code = KITH_BAD) = 0;
  virtual void on_cancel(std::function<void()> told) = 0;  // the caller went away before the end
  virtual bool cancelled() const = 0;
};
using CallPtr = std::shared_ptr<Call>;
using CommandFn = std::function<void(
    CallPtr call, wire::Value args)>;  // args are judged and filled with defaults

// What a caller hears. `part` any number of times, then one of the others.
struct Answer {
  std::function<void(const wire::Value&)> part;
  std::function<void(wire::Value)> end;
  std::function<void(const std::string& sentence, int code)> fail;
};

class Bus {
 public:
  Bus(Loop& loop, Log log);
  ~Bus();

  // ---- events. A name is levels joined by '/'; a pattern may hold '+' (one level) and a last '#'
  // (the rest, also none). Higher priority first, then order of registration. Emission is
  // synchronous, nested at most 8 deep, then posted.
  using Id = std::uint64_t;
  // 0: no pattern ('+' and '#' are whole levels, '#' the last one). A removal takes effect at once,
  // an addition from the next emission. A handler that throws has passed, on validate/ it said
  // KITH_IGNORE.
  Id on(const Owner& owner, std::string_view pattern, int priority, unsigned flags,
        Handler handler);
  void off(Id id);
  // `publisher`: handlers of this owner are passed over, but those with KITH_ON_OWN. The answer
  // that ended the walk, or 0.
  int emit(const kith_event& event, const Owner* publisher = nullptr);
  int emit(std::string_view name, const wire::Value& body);
  bool heard(std::string_view name) const;  // is there any handler: saves building a body

  bool too_deep() const;  // what is emitted now would be posted

  // Told of each pattern that gains or loses a handler of an owner, those that stand included
  // (topics join by the literal ones). One watcher; an empty one ends it.
  using Interest = std::function<void(const Owner&, std::string_view pattern, bool gained)>;
  void watch_interest(Interest interest);

  // ---- commands
  Result<Id> command(const Owner& owner, CommandSpec spec, CommandFn fn);  // taken, bad_name
  // Whether command() would take it, were the owner's own name free: what an app of that name has
  // registered is no obstacle to its next version.
  Result<void> judge_command(const Owner& owner, CommandSpec spec) const;
  void remove_command(Id id);
  std::vector<const CommandSpec*> commands() const;  // by name
  const CommandSpec* find_command(std::string_view name) const;
  // Whether an app may take this name: one lower-case word that begins no command of the engine's
  // or of a plugin's (bad_name, taken).
  Result<void> judge_app_name(std::string_view name) const;
  // Judges args against the spec. The handler runs in a later turn, so neither it nor the answer
  // comes before this has returned. Dropping the ticket cancels. Codes of `fail` are kith_err:
  // KITH_ABSENT for an unknown command, KITH_BAD for bad arguments.
  using Ticket = std::shared_ptr<void>;
  [[nodiscard]] Ticket call(std::string_view name, wire::Value args, Answer answer);

  // Undoes all that the owner registered. Calls of its commands that are under way fail.
  void forget(const Owner& owner);

  Loop& loop() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string unknown_command(const Bus& bus, std::string_view name);  // the sentence

bool is_pattern(std::string_view name);  // it holds '+' or '#'
// MQTT-like match of a pattern against a name.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace kith::bus

// SPDX-License-Identifier: MIT
// kith.bus/1 and kith.topics/1 over the bus.
#include <algorithm>

#include "engine/bus/pattern.h"
#include "engine/node/host.h"
#include "engine/wire/json.h"

namespace kith::node {

namespace {

constexpr std::size_t kStepsMax = 65'536;

class HandlerOp final : public HostOp {
 public:
  HandlerOp(kith_host& host, std::string pattern, int priority, unsigned flags, bus::Handler fn)
      : host_(host),
        pattern_(std::move(pattern)),
        priority_(priority),
        flags_(flags),
        fn_(std::move(fn)) {}
  ~HandlerOp() override { host_.services.bus.off(id_); }

  Result<void> judge() const {
    if (bus::is_valid_pattern(pattern_)) return {};
    return refused();
  }
  Result<void> activate() override {
    id_ = host_.services.bus.on(host_.owner, pattern_, priority_, flags_, std::move(fn_));
    return id_ == 0 ? refused() : Result<void>();
  }
  // The topic that it joins, if any.
  std::string topic() const {
    constexpr std::string_view kMessage = "message/";
    if (bus::is_pattern(pattern_) || !pattern_.starts_with(kMessage)) return {};
    return pattern_.substr(kMessage.size());
  }

 private:
  Result<void> refused() const {
    return Error(KITH_BAD,
                 "'" + pattern_ + "' is no pattern: + and # stand for whole levels, # last");
  }
  kith_host& host_;
  const std::string pattern_;
  const int priority_;
  const unsigned flags_;
  bus::Handler fn_;
  bus::Bus::Id id_ = 0;
};

class CommandOp final : public HostOp {
 public:
  CommandOp(kith_host& host, bus::CommandSpec spec, bus::CommandFn fn)
      : host_(host), spec_(std::move(spec)), fn_(std::move(fn)) {}
  ~CommandOp() override { host_.services.bus.remove_command(id_); }

  Result<void> judge() const {
    const auto is_twin = [this](const StagedStep& step) {
      return step.command == spec_.name && host_.peek(step.op);
    };
    if (std::any_of(host_.steps.begin(), host_.steps.end(), is_twin))
      return Error(bus::bus_error::taken, spec_.name);
    return host_.services.bus.judge_command(host_.owner, spec_);
  }
  Result<void> activate() override {
    const auto id = host_.services.bus.command(host_.owner, std::move(spec_), std::move(fn_));
    if (!id) return id.error();
    id_ = *id;
    return {};
  }
  const std::string& name() const { return spec_.name; }

 private:
  kith_host& host_;
  bus::CommandSpec spec_;
  bus::CommandFn fn_;
  bus::Bus::Id id_ = 0;
};

int refuse(kith_host* host, const Error& error) {
  host->failure = error.message();
  return error.is(bus::bus_error::taken) ? KITH_REFUSED : KITH_BAD;
}

// In effect at once; of a staged host's judged at once, and in effect when it is activated.
template <class Hook>
int hook(kith_host* host, std::unique_ptr<Hook> made, StagedStep step, kith_op** op) {
  if (host->stopped) return KITH_CLOSED;
  if (host->staged && host->steps.size() >= kStepsMax) return KITH_LIMIT;
  const auto good = host->staged ? made->judge() : made->activate();
  if (!good) return refuse(host, good.error());
  *op = host->add(std::move(made));
  if (!*op) return KITH_CLOSED;
  step.op = *op;
  if (host->staged) host->steps.push_back(std::move(step));
  return 0;
}

int add_handler(kith_host* host, const char* pattern, int priority, unsigned flags,
                int (*fn)(void* ctx, const kith_event*), void* ctx, kith_op** op) {
  host->failure.clear();
  auto made =
      std::make_unique<HandlerOp>(*host, pattern, priority, flags,
                                  [fn, ctx](const kith_event& event) { return fn(ctx, &event); });
  StagedStep step{nullptr, made->topic(), {}};
  return hook(host, std::move(made), std::move(step), op);
}

bus::CommandSpec spec_of(const kith_command& command) {
  bus::CommandSpec spec;
  spec.name = command.name;
  spec.summary = command.summary ? command.summary : "";
  spec.result = command.result ? command.result : "";
  spec.read = (command.flags & KITH_COMMAND_READ) != 0;
  spec.admin = (command.flags & KITH_COMMAND_ADMIN) != 0;
  spec.stream = (command.flags & KITH_COMMAND_STREAM) != 0;
  for (const kith_arg& arg : std::span(command.args, command.n_args)) {
    bus::ArgSpec made;
    made.name = arg.name;
    made.type = arg.type;
    made.required = (arg.flags & KITH_ARG_REQUIRED) != 0;
    made.option = (arg.flags & KITH_ARG_OPTION) != 0;
    made.rest = (arg.flags & KITH_ARG_REST) != 0;
    if (arg.value) made.fallback = wire::from_json(arg.value).value();
    made.help = arg.help ? arg.help : "";
    spec.args.push_back(std::move(made));
  }
  return spec;
}

int add_command(kith_host* host, const kith_command* command,
                void (*fn)(void* ctx, kith_call*, kith_bytes args), void* ctx, kith_op** op) {
  bus::CommandSpec spec;
  try {
    spec = spec_of(*command);
  } catch (const Fault& fault) {  // the C border: a default that is no JSON
    host->failure = std::string(command->name) + ": " + fault.what();
    return KITH_BAD;
  }
  auto made = std::make_unique<CommandOp>(
      *host, std::move(spec), [host, fn, ctx](bus::CallPtr call, wire::Value args) {
        const ByteVector body = wire::encode_cbor(args);
        fn(ctx, host->add_call(std::move(call)), c_bytes(Bytes(body)));
      });
  StagedStep step{nullptr, {}, made->name()};
  return hook(host, std::move(made), std::move(step), op);
}

// A call of a host's: each part and the end go to `each`; its end frees it.
class CallOp final : public HostOp {
 public:
  CallOp(kith_host* host, kith_done each) : host_(host), each_(each) {}
  static kith_op* begin(kith_host* host, const char* name, kith_bytes args, kith_done each) {
    auto made = std::make_unique<CallOp>(host, each);
    CallOp& op = *made;
    kith_op* const self = host->add(std::move(made));
    if (!self) return nullptr;
    auto body = wire::decode_body(view(args));
    op.ticket_ = host->services.bus.call(
        name, body ? *std::move(body) : wire::Value(std::string("?")), op.answer());
    return self;
  }

 private:
  bus::Answer answer() {
    kith_host* host = host_;
    kith_op* self = self_;
    const kith_done each = each_;
    return {[each](const wire::Value& part) { fire(each, KITH_CALL_PART, part); },
            [host, self, each](wire::Value end) {
              const auto spent = host->spend(self);
              fire(each, KITH_CALL_END, end);
            },
            [host, self, each](const std::string& sentence, int code) {
              const auto spent = host->spend(self);
              const kith_bytes body = c_bytes(sentence);
              each.fn(each.ctx, code < 0 ? code : KITH_BAD, &body);
            }};
  }
  static void fire(kith_done each, int kind, const wire::Value& value) {
    const ByteVector encoded = wire::encode_cbor(value);
    const kith_bytes body = c_bytes(Bytes(encoded));
    each.fn(each.ctx, kind, &body);
  }
  kith_host* host_;
  kith_done each_;
  bus::Bus::Ticket ticket_;
};

int part_of_call(kith_host* host, kith_call* id, kith_bytes body) {
  const bus::CallPtr call = host->find_call(id);
  if (!call) return KITH_CLOSED;
  const auto value = wire::decode_body(view(body));
  if (!value) return KITH_BAD;
  return call->part(*value) ? 0 : KITH_CLOSED;
}

void end_call(kith_host* host, kith_call* id, int error, kith_bytes body) {
  const bus::CallPtr call = host->take_call(id);
  if (!call) return;
  if (error < 0) return call->fail(to_string(body), error);
  auto value = wire::decode_body(view(body));
  if (!value)
    return call->fail(host->owner.name + " answered with bytes that are no DAG-CBOR", KITH_BAD);
  call->end(*std::move(value));
}

void tell_cancel(kith_host* host, kith_call* id, kith_done told) {
  const bus::CallPtr call = host->find_call(id);
  if (!call) return;
  call->on_cancel([told, gone = host->gone] {
    if (!*gone) told.fn(told.ctx, KITH_CLOSED, nullptr);
  });
}

int emit_event(kith_host* host, const kith_event* event) {
  return host->services.bus.emit(*event, &host->owner);
}

int join_topic(kith_host* host, kith_bytes topic) {
  if (!host->staged) return host->services.topics.join(host->owner, text(topic)) ? 0 : KITH_BAD;
  if (host->steps.size() >= kStepsMax) return KITH_LIMIT;
  if (!bus::Topics::judge(text(topic))) return KITH_BAD;
  host->steps.push_back({nullptr, to_string(topic), {}});
  return 0;
}

int leave_topic(kith_host* host, kith_bytes topic) {
  if (!host->staged) {
    host->services.topics.leave(host->owner, text(topic));
    return 0;
  }
  const auto joins_it = [topic](const StagedStep& step) {
    return !step.op && step.topic == text(topic);
  };
  const auto step = std::find_if(host->steps.begin(), host->steps.end(), joins_it);
  if (step != host->steps.end()) host->steps.erase(step);
  return 0;
}

int publish_topic(kith_host* host, kith_bytes topic, kith_bytes data, std::uint8_t* id,
                  std::size_t cap, std::size_t* id_bytes) {
  host->failure.clear();
  const auto published = host->services.topics.publish(host->owner, text(topic), view(data));
  if (!published) {
    host->failure = published.error().message();
    const int code = published.error().code();
    return code < 0 ? code : KITH_BAD;
  }
  const std::size_t n = std::min(cap, published->id.size());
  std::copy_n(published->id.begin(), n, id);
  *id_bytes = n;
  return static_cast<int>(published->peers);
}

}  // namespace

const kith_bus* bus_table() {
  static constexpr kith_bus table{
      sizeof(kith_bus), &emit_event,   &add_handler, &add_command,
      &CallOp::begin,   &part_of_call, &end_call,    &tell_cancel,
  };
  return &table;
}

const kith_topics* topics_table() {
  static constexpr kith_topics table{
      sizeof(kith_topics),
      [](kith_host* host, const kith_message* messages, const std::uint64_t* tickets, int* verdicts,
         std::size_t n) { host->services.topics.deliver(messages, tickets, verdicts, n); },
      &join_topic,
      &leave_topic,
      &publish_topic,
  };
  return &table;
}

}  // namespace kith::node

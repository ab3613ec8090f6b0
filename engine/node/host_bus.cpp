// SPDX-License-Identifier: MIT
// kith.bus/1 and kith.topics/1 over the bus.
#include <algorithm>

#include "engine/bus/json.h"
#include "engine/node/host.h"

namespace kith::node {

namespace {

class HandlerOp final : public HostOp {
 public:
  HandlerOp(bus::Bus& bus, bus::Bus::Id id) : bus_(bus), id_(id) {}
  ~HandlerOp() override { bus_.off(id_); }

 private:
  bus::Bus& bus_;
  bus::Bus::Id id_;
};

class CommandOp final : public HostOp {
 public:
  CommandOp(bus::Bus& bus, bus::Bus::Id id) : bus_(bus), id_(id) {}
  ~CommandOp() override { bus_.remove_command(id_); }

 private:
  bus::Bus& bus_;
  bus::Bus::Id id_;
};

int add_handler(kith_host* host, const char* pattern, int priority, unsigned flags,
                int (*fn)(void* ctx, const kith_event*), void* ctx, kith_op** op) {
  if (host->stopped) return KITH_CLOSED;
  host->failure.clear();
  bus::Bus& bus = host->services.bus;
  const auto id = bus.on(host->owner, pattern, priority, flags,
                         [fn, ctx](const kith_event& event) { return fn(ctx, &event); });
  if (id == 0) {
    host->failure =
        "'" + std::string(pattern) + "' is no pattern: + and # stand for whole levels, # last";
    return KITH_BAD;
  }
  *op = host->add(std::make_unique<HandlerOp>(bus, id));
  return *op ? 0 : KITH_CLOSED;
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
    if (arg.value) made.fallback = bus::from_json(arg.value).value();
    made.help = arg.help ? arg.help : "";
    spec.args.push_back(std::move(made));
  }
  return spec;
}

int add_command(kith_host* host, const kith_command* command,
                void (*fn)(void* ctx, kith_call*, kith_bytes args), void* ctx, kith_op** op) {
  bus::Bus& bus = host->services.bus;
  bus::CommandSpec spec;
  try {
    spec = spec_of(*command);
  } catch (const Fault& fault) {  // the C border: a default that is no JSON
    host->failure = std::string(command->name) + ": " + fault.what();
    return KITH_BAD;
  }
  const auto id = bus.command(host->owner, std::move(spec),
                              [host, fn, ctx](bus::CallPtr call, wire::Value args) {
                                const ByteVector body = wire::encode_cbor(args);
                                fn(ctx, host->add_call(std::move(call)), c_bytes(Bytes(body)));
                              });
  if (!id) {
    host->failure = id.error().message();
    return id.error().is(bus::bus_error::taken) ? KITH_REFUSED : KITH_BAD;
  }
  *op = host->add(std::make_unique<CommandOp>(bus, *id));
  return *op ? 0 : KITH_CLOSED;
}

// A call of a host's: each part and the end go to `each`; its end frees it.
class CallOp final : public HostOp {
 public:
  CallOp(kith_host* host, kith_done each) : host_(host), each_(each) {}
  static kith_op* begin(kith_host* host, const char* name, kith_bytes args, kith_done each) {
    auto made = std::make_unique<CallOp>(host, each);
    CallOp& op = *made;
    op.self_ = host->add(std::move(made));
    if (!op.self_) return nullptr;
    auto body = wire::decode_body(view(args));
    op.ticket_ = host->services.bus.call(
        name, body ? *std::move(body) : wire::Value(std::string("?")), op.answer());
    return op.self_;
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
  kith_op* self_ = nullptr;
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
      [](kith_host* host, kith_bytes topic) -> int {
        return host->services.topics.join(host->owner, text(topic)) ? 0 : KITH_BAD;
      },
      [](kith_host* host, kith_bytes topic) -> int {
        host->services.topics.leave(host->owner, text(topic));
        return 0;
      },
      &publish_topic,
  };
  return &table;
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "plugins/apps/hooks/hooks.h"

#include <algorithm>

#include "engine/wire/json.h"
#include "engine/wire/message_value.h"
#include "plugins/apps/hooks/limits.h"

namespace kith::hooks {
namespace {

constexpr kith_arg kTestArgs[] = {
    {"hook", "int", KITH_ARG_REQUIRED, nullptr, "which one, as `hooks list` numbers them"}};
constexpr const char* kRow =
    "[{hook, topic, url, waiting, delivered, failed, dropped, last_status, last_error, next_try}]";

}  // namespace

Hooks::Hooks(const Host& given) : App(given), poster_(host) {
  const kith_command list{sizeof list,
                          KITH_COMMAND_READ,
                          "hooks.list",
                          "what each hook has delivered, and what waits",
                          kRow,
                          nullptr,
                          0};
  list_ = host.command(list, [this](kith_call* call, Bytes) { this->list(call); });
  const kith_command test{sizeof test,           KITH_COMMAND_ADMIN,
                          "hooks.test",          "post a sample message to a hook's URL, once",
                          "{status, error, ms}", kTestArgs,
                          std::size(kTestArgs)};
  test_ = host.command(test, [this](kith_call* call, Bytes args) { this->test(call, args); });
}

Hooks::~Hooks() = default;

Result<void> Hooks::configure(Bytes options, bool commit) {
  const auto specs = judge_options(wire::decode_body(options).value_or(wire::Value()));
  if (!specs) return Error(KITH_BAD, "plugins.hooks." + specs.error().message());
  if (!specs->empty() && !poster_.is_able())
    return Error(KITH_ABSENT, "plugins.hooks: this node speaks no HTTP");
  return commit ? replace(*specs) : Result<void>();
}

Result<void> Hooks::replace(const std::vector<HookSpec>& specs) {
  std::vector<std::unique_ptr<Hook>> made;
  std::vector<Hook*> fresh;
  for (const HookSpec& spec : specs) {
    const auto same = std::find_if(hooks_.begin(), hooks_.end(), [&spec](const auto& hook) {
      return hook && hook->spec() == spec;
    });
    if (same != hooks_.end()) {
      made.push_back(std::move(*same));
    } else {
      made.push_back(std::make_unique<Hook>(host, poster_, spec));
      fresh.push_back(made.back().get());
    }
  }
  hooks_ = std::move(made);
  for (Hook* hook : fresh) {
    if (auto heard = hook->listen(); !heard) return heard;
  }
  if (!hooks_.empty())
    host.info("hooks ready hooks=" + std::to_string(hooks_.size()) +
              " note=\"what waits is in memory: it is lost when the node stops\"");
  return {};
}

void Hooks::list(kith_call* call) {
  wire::Value::List rows;
  for (const auto& hook : hooks_) {
    rows.push_back(hook->row());
    rows.back()["hook"] = static_cast<std::int64_t>(rows.size());
  }
  answer(call, rows);
}

void Hooks::test(kith_call* call, Bytes args) {
  const std::int64_t which = wire::decode_body(args).value_or(wire::Value()).integer_or("hook", 0);
  if (which < 1 || which > static_cast<std::int64_t>(hooks_.size())) {
    return refuse(call, KITH_ABSENT,
                  hooks_.empty() ? "there is no hook: write [[plugins.hooks.post]]"
                                 : "hooks are numbered 1 to " + std::to_string(hooks_.size()));
  }
  if (tests_.size() >= kTestsMax) return refuse(call, KITH_LIMIT, "too many tests are under way");
  tests_.spawn(run(*this, call, hooks_[static_cast<std::size_t>(which - 1)]->spec()));
}

// A caller that goes away leaves it to its end, which comes within kPostMs.
Task<void> Hooks::run(Hooks& hooks, kith_call* call, HookSpec spec) {
  const std::string body = hooks.sample(spec);
  const std::uint64_t begun_us = hooks.host.now_us();
  const Outcome outcome = co_await hooks.poster_.post(spec.url, body);
  if (outcome.status == 0) {
    hooks.refuse(call, KITH_IO, outcome.error);
    co_return;
  }
  wire::Value result;
  result["status"] = outcome.status;
  result["error"] = outcome.error.empty() ? wire::Value() : wire::Value(outcome.error);
  result["ms"] = static_cast<std::int64_t>((hooks.host.now_us() - begun_us) / 1'000);
  hooks.answer(call, result);
}

// Like a message of this node's own that nobody else ever sees.
std::string Hooks::sample(const HookSpec& spec) const {
  kith_message message{};
  message.size = sizeof message;
  message.topic = c_bytes(spec.topic);
  message.data = c_bytes(std::string_view("a test by `kith hooks test`"));
  message.from = message.via = c_bytes(host.self());
  message.received_us = host.wall_us();
  return wire::to_json(wire::message_value(message));
}

void Hooks::answer(kith_call* call, const wire::Value& value) const {
  const ByteVector body = wire::encode_cbor(value);
  host.bus().end(host.raw(), call, 0, c_bytes(Bytes(body)));
}

void Hooks::refuse(kith_call* call, int code, const std::string& sentence) const {
  host.bus().end(host.raw(), call, code, c_bytes(sentence));
}

}  // namespace kith::hooks

// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/script.h"

#include <deque>

#include "engine/wire/json.h"
#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/event_name.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/message.h"
#include "plugins/runners/lua/sandbox.h"

namespace kith::lua {

namespace {

constexpr const char* kTooMany = "too many handlers, timers and commands";

template <class Table>
void find(const Host& host, const char* id, const Table*& table, kith_host*& self) {
  void* found = nullptr;
  table = host.service<Table>(id, &found);
  self = static_cast<kith_host*>(found);
}

// The one argument: an event's body, or a command's arguments.
int push_body(lua_State* lua, Run& run) {
  State& state = run.script->state();
  if (run.event && run.event->message)
    return push_message(state, lua, *run.event->message) ? 1 : -1;
  return push_fitting(lua, run.value, Nulls::drop) ? 1 : -1;
}

void take_answer(lua_State* lua, int first, Run& run) {
  run.answer = lua_isnil(lua, first) ? KITH_PASS : KITH_HANDLED;
}

void take_verdict(lua_State* lua, int first, Run& run) {
  const char* said = lua_type(lua, first) == LUA_TSTRING ? lua_tostring(lua, first) : "";
  run.answer = lua_isnil(lua, first)                ? KITH_PASS
               : std::string_view(said) == "reject" ? KITH_REJECT
                                                    : KITH_IGNORE;
}

// A result, or nothing and why not.
void take_result(lua_State* lua, int first, Run& run) {
  if (!lua_toboolean(lua, first) && !lua_isnil(lua, first + 1)) {
    run.failed = true;
    push_error_text(lua, first + 1);
    run.why = lua_tostring(lua, -1);
    return;
  }
  const char* why = read_value(lua, first, run.value);
  if (why) luaL_error(lua, "the result cannot be given back: %s", why);
}

}  // namespace

Services::Services(const Host& host) {
  find(host, KITH_KV, kv, kv_self);
  find(host, KITH_LEDGERS, ledgers, ledgers_self);
  find(host, KITH_HTTP, http, http_self);
  find(host, KITH_APPS, apps, apps_self);
}

Script::Script(Host host, const Options& options, std::string name)
    : host_(host), services_(host), options_(options), name_(std::move(name)) {
  state_ = std::make_unique<State>(host_, *this, options_.bounds);
}

Script::~Script() { retire(); }

void Script::retire() {
  if (std::exchange(retired_, true)) return;
  for (const auto& [id, hook] : hooks_) host_.api()->cancel(host_.raw(), hook->op);
  hooks_.clear();
  drop_waits();
  runs_.clear();
  load_timer_.cancel();
  checking_.cancel();
  starting_.cancel();
  waking_.cancel();
  telling_.cancel();
  loaded_ = nullptr;
  state_->retire();
}

// ---- what is hooked

Script::Hook* Script::add(Kind kind, int function, std::string name) {
  if (retired_ || hooks_.size() >= kHooksMax) return nullptr;
  const std::uint32_t id = ++last_id_;
  auto made = std::make_unique<Hook>(Hook{this, id, kind, function, 0, nullptr, std::move(name)});
  return hooks_.emplace(id, std::move(made)).first->second.get();
}

Script::Hooked Script::settle(Hook& hook, int status, const char* why) {
  if (status >= 0) return {hook.id, ""};
  hooks_.erase(hook.id);  // the caller still owns the function
  return {0, why};
}

Script::Hooked Script::hook_event(Kind kind, const char* pattern, int priority, unsigned flags,
                                  int function) {
  if (!is_pattern_valid(pattern))
    return {0, "bad event name: '+' and '#' stand for whole levels, '#' for the last ones"};
  Hook* hook = add(kind, function, pattern);
  if (!hook) return {0, kTooMany};
  const int r = host_.bus().on(host_.raw(), pattern, priority, flags, &on_event, hook, &hook->op);
  return settle(*hook, r, "the node is stopping");
}

Script::Hooked Script::on(const char* pattern, int priority, unsigned flags, int function) {
  return hook_event(Kind::handler, pattern, priority, flags, function);
}

Script::Hooked Script::validate(const char* pattern, int function) {
  return hook_event(Kind::validator, pattern, 0, 0, function);
}

Script::Hooked Script::start_timer(std::uint64_t us, bool repeats, int function) {
  Hook* hook = add(Kind::timer, function, repeats ? "every" : "after");
  if (!hook) return {0, kTooMany};
  hook->period_us = repeats ? std::max(us, kPeriodMinUs) : 0;
  hook->op = host_.loop().after(host_.raw(), us, {&on_timer, hook});
  return settle(*hook, hook->op ? 0 : KITH_CLOSED, "the node is stopping");
}

Script::Hooked Script::start_part(std::uint32_t parent, int place, int function) {
  const Hooked started = start_timer(0, false, function);
  if (started.id == 0) return started;
  Hook& hook = *hooks_.at(started.id);
  hook.name = "parallel " + std::to_string(place);
  hook.parent = parent;
  hook.place = place;
  return started;
}

Script::Hooked Script::add_command(const wire::Value& spec, int function) {
  const std::string name = spec.string_or("name"), summary = spec.string_or("summary");
  std::deque<std::string> texts;
  std::vector<kith_arg> args;
  const wire::Value* rows = spec.find("args");
  for (const wire::Value& row : rows && rows->list() ? *rows->list() : wire::Value::List()) {
    const auto text = [&texts](std::string value) { return texts.emplace_back(value).c_str(); };
    kith_arg arg{};
    arg.name = text(row.string_or("name"));
    arg.type = text(row.string_or("type", "string"));
    arg.help = text(row.string_or("help"));
    if (row.boolean_or("required", false)) arg.flags |= KITH_ARG_REQUIRED;
    if (row.boolean_or("option", false)) arg.flags |= KITH_ARG_OPTION;
    if (row.boolean_or("rest", false)) arg.flags |= KITH_ARG_REST;
    std::string fallback;
    const wire::Value* given = row.find("default");
    if (given && wire::append_exact_json(fallback, *given)) arg.value = text(fallback);
    args.push_back(arg);
  }
  Hook* hook = add(Kind::command, function, name);
  if (!hook) return {0, kTooMany};
  const kith_command made{sizeof made, 0,           name.c_str(), summary.c_str(),
                          "",          args.data(), args.size()};
  const int r = host_.bus().command(host_.raw(), &made, &on_call, hook, &hook->op);
  return settle(
      *hook, r,
      r == KITH_REFUSED ? "the name is taken" : "bad name, or an argument of it is declared wrong");
}

Script::Hooked Script::follow(Follower::Wish wish, int function) {
  const std::string event = "entry/" + wish.ledger;
  Hook* hook = add(Kind::follower, function, event);
  if (!hook) return {0, kTooMany};
  hook->follower = std::make_unique<Follower>(*this, hook->id, std::move(wish));
  if (is_active_) hook->follower->start();
  const int r = host_.bus().on(host_.raw(), event.c_str(), 0, 0, &on_arrival, hook, &hook->op);
  return settle(*hook, r, "the node is stopping");
}

void Script::release(std::uint32_t id) {
  const auto found = hooks_.find(id);
  if (found == hooks_.end()) return;
  host_.api()->cancel(host_.raw(), found->second->op);
  luaL_unref(state_->current(), LUA_REGISTRYINDEX, found->second->function);
  hooks_.erase(found);
}

// ---- what runs. A hook may be released while its function runs: nothing of it is used after.

Run Script::begin(const Hook& hook) {
  Run run;
  run.what = hook.name;
  run.function = hook.function;
  run.budget = {options_.handler_us, options_.bounds.instructions};
  run.push = &push_body;
  return run;
}

int Script::on_event(void* ctx, const kith_event* event) {
  const Hook& hook = *static_cast<Hook*>(ctx);
  Script& script = *hook.script;
  Run run = script.begin(hook);
  run.event = event;
  run.may_wait = hook.kind != Kind::validator;
  run.take = run.may_wait ? &take_answer : &take_verdict;
  run.answer = run.may_wait ? KITH_PASS : KITH_IGNORE;
  if (!event->message) run.value = wire::decode_body(view(event->body)).value_or(wire::Value());
  script.execute(run);
  return run.answer;
}

// A tick finds the one before still waiting: it is left out.
void Script::on_timer(void* ctx, std::int64_t, const void*) {
  Hook& hook = *static_cast<Hook*>(ctx);
  Script& script = *hook.script;
  hook.op = nullptr;
  if (hook.period_us > 0)
    hook.op = script.host_.loop().after(script.host_.raw(), hook.period_us, {&on_timer, &hook});
  if (std::exchange(hook.busy, true)) return;
  Run run = script.begin(hook);
  run.push = [](lua_State*, Run&) { return 0; };
  run.ended = &end_timer;
  run.hook = hook.id;
  run.parent = hook.parent;
  run.place = hook.place;
  if (run.parent != 0) run.take = &take_part;
  script.execute(run);
}

void Script::end_timer(Script& script, Run& run) {
  const auto found = script.hooks_.find(run.hook);
  if (found != script.hooks_.end()) {
    found->second->busy = false;
    if (found->second->period_us == 0) script.release(run.hook);
  }
  if (run.parent != 0) script.end_part(run);
}

void Script::on_call(void* ctx, kith_call* call, kith_bytes args) {
  const Hook& hook = *static_cast<Hook*>(ctx);
  Script& script = *hook.script;
  Run run = script.begin(hook);
  run.call = call;
  run.value = wire::decode_body(view(args)).value_or(wire::Value());
  run.take = &take_result;
  run.ended = &end_call;
  script.execute(run);
}

void Script::end_call(Script& script, Run& run) {
  const bool good = !run.failed;
  const ByteVector body = good ? wire::encode_cbor(run.value) : to_vector(as_bytes(run.why));
  const Host& host = script.host_;
  host.bus().end(host.raw(), run.call, good ? 0 : KITH_BAD, c_bytes(Bytes(body)));
}

// ---- entries of a ledger, by way of a Follower

int Script::on_arrival(void* ctx, const kith_event* event) {
  Follower& follower = *static_cast<Hook*>(ctx)->follower;
  std::int64_t arrival = 0;  // of no matter once there is a cursor
  if (!follower.has_cursor()) {
    const auto body = wire::decode_body(view(event->body));
    arrival = body ? body->integer_or("arrival", 0) : 0;
    if (arrival < 1) return KITH_PASS;
  }
  follower.hear(static_cast<std::uint64_t>(arrival));
  return KITH_PASS;
}

void Script::give_entry(std::uint32_t hook, wire::Value row) {
  Run run = begin(*hooks_.at(hook));
  run.value = std::move(row);
  run.ended = &end_entry;
  run.hook = hook;
  execute(run);
}

void Script::end_entry(Script& script, Run& run) {
  const auto found = script.hooks_.find(run.hook);
  if (found != script.hooks_.end()) found->second->follower->go_on();
}

std::uint64_t Script::rest_us() const {
  return is_suspended() ? suspended_until_us_ - host_.now_us() : 0;
}

}  // namespace kith::lua

// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/script.h"

#include <deque>
#include <fstream>
#include <iterator>

#include "plugins/runners/lua/convert.h"
#include "plugins/runners/lua/json.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/message.h"
#include "plugins/runners/lua/sandbox.h"

namespace kith::lua {

namespace {

// As the bus judges it: '+' and '#' are whole levels, '#' the last one.
bool is_pattern_valid(std::string_view pattern) {
  if (pattern.empty() || pattern.size() > kPatternBytesMax) return false;
  while (true) {
    const std::size_t slash = pattern.find('/');
    const std::string_view level = pattern.substr(0, slash);
    const bool is_last = slash == std::string_view::npos;
    if (level.find_first_of("+#") != level.npos &&
        (level.size() != 1 || (level == "#" && !is_last)))
      return false;
    if (is_last) return true;
    pattern.remove_prefix(slash + 1);
  }
}

bool read_file(const std::string& file, std::string& to) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return false;
  to.resize(kSourceBytesMax + 1);
  in.read(to.data(), static_cast<std::streamsize>(to.size()));
  to.resize(static_cast<std::size_t>(in.gcount()));
  return !in.bad();
}

int push_nothing(lua_State*, auto&) { return 0; }

}  // namespace

Script::Script(Host host, const Options& options, std::string name)
    : host_(host), options_(options), name_(std::move(name)) {
  state_ = std::make_unique<State>(host_, *this, options_.bounds);
}

Script::~Script() { retire(); }

void Script::retire() {
  if (std::exchange(retired_, true)) return;
  for (const auto& [id, hook] : hooks_) host_.api()->cancel(host_.raw(), hook->op);
  hooks_.clear();
  state_->retire();
}

bool Script::load(const std::string& file, Bytes config, std::string& why) {
  const std::size_t slash = file.rfind('/');
  const std::string base = slash == std::string::npos ? file : file.substr(slash + 1);
  Loading loading{*this, {}, "@" + base, wire::decode_body(config).value_or(wire::Value())};
  if (!read_file(file, loading.source)) {
    why = file + ": cannot be read";
  } else if (loading.source.size() > kSourceBytesMax) {
    why = file + ": over " + std::to_string(kSourceBytesMax) + " bytes";
  } else if (state_->protect(&load_protected, &loading, why)) {
    Run run;
    run.function = loading.function;
    run.push = &push_nothing<Run>;
    run.cpu_us = options_.load_us;
    if (execute(run, "load")) return true;
    why = run.why;
  }
  retire();
  return false;
}

int Script::load_protected(lua_State* lua) {
  auto& loading = *static_cast<Loading*>(lua_touserdata(lua, 1));
  open_sandbox(lua, loading.config);
  const std::string& source = loading.source;
  const int status =
      luaL_loadbufferx(lua, source.data(), source.size(), loading.chunk_name.c_str(), "t");
  if (status != 0) return lua_error(lua);
  loading.function = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
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
  if (!hook) return {0, "too many handlers, timers and commands"};
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
  if (!hook) return {0, "too many handlers, timers and commands"};
  hook->period_us = repeats ? std::max(us, kPeriodMinUs) : 0;
  hook->op = host_.loop().after(host_.raw(), us, {&on_timer, hook});
  return settle(*hook, hook->op ? 0 : KITH_CLOSED, "the node is stopping");
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
    if (given && append_json(fallback, *given)) arg.value = text(fallback);
    args.push_back(arg);
  }
  Hook* hook = add(Kind::command, function, name);
  if (!hook) return {0, "too many handlers, timers and commands"};
  const kith_command made{sizeof made, 0,           name.c_str(), summary.c_str(),
                          "",          args.data(), args.size()};
  const int r = host_.bus().command(host_.raw(), &made, &on_call, hook, &hook->op);
  return settle(
      *hook, r,
      r == KITH_REFUSED ? "the name is taken" : "bad name, or an argument of it is declared wrong");
}

void Script::release(std::uint32_t id) {
  const auto found = hooks_.find(id);
  if (found == hooks_.end()) return;
  host_.api()->cancel(host_.raw(), found->second->op);
  luaL_unref(state_->current(), LUA_REGISTRYINDEX, found->second->function);
  hooks_.erase(found);
}

// ---- what runs. A hook may be released while its function runs: nothing of it is used after.

int Script::on_event(void* ctx, const kith_event* event) {
  const Hook& hook = *static_cast<Hook*>(ctx);
  Script& script = *hook.script;
  const bool judges = hook.kind == Kind::validator;
  Run run;
  run.function = hook.function;
  run.cpu_us = script.options_.handler_us;
  run.event = event;
  run.push = [](lua_State* lua, Run& now) -> int {
    if (now.event->message) return push_message(*now.state, lua, *now.event->message) ? 1 : -1;
    push_value(lua, now.value, Nulls::drop);
    return 1;
  };
  if (judges) {
    run.take = [](lua_State* lua, int first, Run& now) {
      const char* said = lua_type(lua, first) == LUA_TSTRING ? lua_tostring(lua, first) : "";
      now.answer = lua_isnil(lua, first)                ? KITH_PASS
                   : std::string_view(said) == "reject" ? KITH_REJECT
                                                        : KITH_IGNORE;
    };
  } else {
    run.take = [](lua_State* lua, int first, Run& now) {
      now.answer = lua_isnil(lua, first) ? KITH_PASS : KITH_HANDLED;
    };
  }
  if (!event->message) run.value = wire::decode_body(view(event->body)).value_or(wire::Value());
  if (script.execute(run, hook.name)) return run.answer;
  return judges ? KITH_IGNORE : KITH_PASS;
}

void Script::on_timer(void* ctx, std::int64_t, const void*) {
  Hook& hook = *static_cast<Hook*>(ctx);
  Script& script = *hook.script;
  const std::uint32_t id = hook.id;
  const bool repeats = hook.period_us > 0;
  if (repeats)
    hook.op = script.host_.loop().after(script.host_.raw(), hook.period_us, {&on_timer, &hook});
  Run run;
  run.function = hook.function;
  run.cpu_us = script.options_.handler_us;
  run.push = &push_nothing<Run>;
  script.execute(run, hook.name);
  if (!repeats) script.release(id);
}

void Script::on_call(void* ctx, kith_call* call, kith_bytes args) {
  const Hook& hook = *static_cast<Hook*>(ctx);
  Script& script = *hook.script;
  Run run;
  run.function = hook.function;
  run.cpu_us = script.options_.handler_us;
  run.value = wire::decode_body(view(args)).value_or(wire::Value());
  run.push = [](lua_State* lua, Run& now) {
    push_value(lua, now.value, Nulls::drop);
    return 1;
  };
  // A result, or nothing and why not.
  run.take = [](lua_State* lua, int first, Run& now) {
    if (!lua_toboolean(lua, first) && !lua_isnil(lua, first + 1)) {
      now.failed = true;
      push_error_text(lua, first + 1);
      now.why = lua_tostring(lua, -1);
      return;
    }
    const char* why = read_value(lua, first, now.value);
    if (why) luaL_error(lua, "the result cannot be given back: %s", why);
  };
  const bool good = script.execute(run, hook.name);
  if (script.retired_) return;
  const ByteVector body = good ? wire::encode_cbor(run.value) : to_vector(as_bytes(run.why));
  script.host_.bus().end(script.host_.raw(), call, good ? 0 : KITH_BAD, c_bytes(Bytes(body)));
}

}  // namespace kith::lua

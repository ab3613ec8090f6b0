// SPDX-License-Identifier: MIT
// How a script comes to life: its file, its top level, and what is said of it then.
#include <fstream>

#include "plugins/runners/lua/event_name.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

constexpr std::string_view kMessage = "message/";

bool read_file(const std::string& file, std::string& to) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return false;
  to.resize(kSourceBytesMax + 1);
  in.read(to.data(), static_cast<std::streamsize>(to.size()));
  to.resize(static_cast<std::size_t>(in.gcount()));
  return !in.bad();
}

}  // namespace

void Script::load(const std::string& file, Bytes config,
                  std::function<void(std::string why)> loaded) {
  loaded_ = std::move(loaded);
  const std::size_t slash = file.rfind('/');
  const std::string base = slash == std::string::npos ? file : file.substr(slash + 1);
  Loading loading{*this, {}, "@" + base, wire::decode_body(config).value_or(wire::Value())};
  Run run;
  run.what = "load";
  run.script = this;
  run.budget = {options_.load_us, options_.bounds.instructions};
  run.push = [](lua_State*, Run&) { return 0; };
  run.ended = &end_load;
  run.failed = true;
  if (!read_file(file, loading.source)) {
    run.why = file + ": cannot be read";
  } else if (loading.source.size() > kSourceBytesMax) {
    run.why = file + ": over " + std::to_string(kSourceBytesMax) + " bytes";
  } else if (state_->protect(&load_protected, &loading, run.why)) {
    run.failed = false;
    run.function = loading.function;
    load_timer_ = host_.after(kLoadWaitUs, {&on_load_timer, this});
    return execute(run);
  }
  end_load(*this, run);
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

void Script::end_load(Script& script, Run& run) {
  script.load_timer_.cancel();
  const auto loaded = std::exchange(script.loaded_, nullptr);
  if (run.failed) script.retire();
  if (loaded) loaded(run.failed ? run.why : "");
}

void Script::on_load_timer(void* ctx, std::int64_t, const void*) {
  Script& script = *static_cast<Script*>(ctx);
  script.load_timer_.forget();
  for (const auto& [id, run] : script.runs_) {
    if (run->ended != &end_load) continue;
    return script.drop_run(id, "its top level has waited for " +
                                   std::to_string(kLoadWaitUs / 1'000'000) +
                                   " s: what takes longer belongs into kith.spawn");
  }
}

// Which topics are joined, the node knows; by then what this script joins is among them.
void Script::check_patterns() {
  for (const auto& [id, hook] : hooks_) {
    if (hook->kind != Kind::handler || is_literal(hook->name)) continue;
    if (!hook->name.starts_with(kMessage)) continue;
    checking_ = host_.after(0, {[](void* ctx, std::int64_t, const void*) {
                                  Script& self = *static_cast<Script*>(ctx);
                                  self.checking_.forget();
                                  const kith_bytes none{};
                                  self.checking_ = self.host_.own(self.host_.bus().call(
                                      self.host_.raw(), "topics", none, {&on_topics, ctx}));
                                },
                                this});
    return;
  }
}

// Before that, the version before it still runs, and this one may yet be refused.
void Script::start_following() {
  starting_ = host_.after(kActiveUs, {[](void* ctx, std::int64_t, const void*) {
                                        Script& self = *static_cast<Script*>(ctx);
                                        self.starting_.forget();
                                        self.is_active_ = true;
                                        for (const auto& [id, hook] : self.hooks_) {
                                          if (hook->follower) hook->follower->start();
                                        }
                                      },
                                      this});
}

void Script::on_topics(void* ctx, std::int64_t r, const void* result) {
  Script& script = *static_cast<Script*>(ctx);
  if (r == KITH_CALL_PART) return;
  script.checking_.forget();
  if (r < 0) return;
  const auto rows = wire::decode_body(view(*static_cast<const kith_bytes*>(result)));
  if (!rows || !rows->list()) return;
  for (const auto& [id, hook] : script.hooks_) {
    if (hook->kind != Kind::handler || is_literal(hook->name)) continue;
    if (!hook->name.starts_with(kMessage)) continue;
    bool hears = false;
    for (const wire::Value& row : *rows->list())
      hears = hears || matches(hook->name, std::string(kMessage) + row.string_or("topic"));
    if (hears) continue;
    script.write_log(KITH_LOG_INFO, "'" + hook->name +
                                        "' hears nothing yet: a pattern joins no topic; "
                                        "kith.join(\"TOPIC\") does");
  }
}

}  // namespace kith::lua

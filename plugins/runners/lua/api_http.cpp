// SPDX-License-Identifier: MIT
// kith.http.request(opts): one outbound request. get and post are the prelude's. What a script may
// reach, the engine judges; a URL of the app's own config names its host itself.
#include <algorithm>

#include "engine/wire/encodings.h"
#include "engine/wire/json.h"
#include "plugins/runners/lua/limits.h"
#include "plugins/runners/lua/sandbox.h"
#include "plugins/runners/lua/script.h"

namespace kith::lua {

namespace {

constexpr const char* kReplyKey = "kith.reply";

// "https://host:port" of a URL; empty where it names a user too, which no rule is worth.
std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  const std::string_view origin = url.substr(0, url.find_first_of("/?#\\", scheme + 3));
  return origin.find('@') == origin.npos ? origin : std::string_view();
}

// ---- the reply

// Headers that came twice are joined, as RFC 9110 section 5.3 has it.
wire::Value headers_of(const kith_http_reply& reply) {
  wire::Value headers{wire::Value::Map()};
  for (const kith_bytes& line : std::span(reply.headers, reply.n_headers)) {
    const std::string_view all = text(line);
    const std::size_t colon = std::min(all.find(':'), all.size());
    const std::size_t begins = all.find_first_not_of(" \t", colon + 1);
    const std::string value(begins == all.npos ? std::string_view() : all.substr(begins));
    const std::string_view name = all.substr(0, colon);
    if (!wire::is_utf8(as_bytes(name))) continue;
    wire::Value& slot = headers[name];
    slot = slot.string() ? wire::Value(*slot.string() + ", " + value) : wire::Value(value);
  }
  return headers;
}

Result<wire::Value> read_reply(Wait&, std::int64_t status, const void* result) {
  const auto& reply = *static_cast<const kith_http_reply*>(result);
  wire::Value made;
  made["ok"] = status >= 200 && status < 300;
  made["status"] = status;
  made["headers"] = headers_of(reply);
  made["data"] = to_vector(view(reply.body));
  if (wire::is_utf8(view(reply.body))) made["text"] = text(reply.body);
  return made;
}

int push_reply(lua_State* lua, Wait& wait) {
  if (wait.error < 0) return give_error(lua, wait.error, wait.why.c_str());
  if (!push_fitting(lua, wait.value, Nulls::keep))
    return give_error(lua, KITH_LIMIT, "the app's memory has no room for the reply");
  luaL_getmetatable(lua, kReplyKey);
  lua_setmetatable(lua, -2);
  return 1;
}

bool parse(State& state, std::string_view text) {
  auto parsed = wire::from_json(text);
  if (parsed) state.scratch_value = *std::move(parsed);
  return static_cast<bool>(parsed);
}

// reply.json is parsed when it is read first; nil where it is no JSON.
int get_field(lua_State* lua) {
  State& state = State::of(lua);
  if (lua_type(lua, 2) != LUA_TSTRING || std::string_view(lua_tostring(lua, 2)) != "json") return 0;
  lua_pushliteral(lua, "data");
  lua_rawget(lua, 1);
  if (lua_type(lua, -1) != LUA_TSTRING) return 0;
  const std::string_view data = check_text(lua, -1);
  state.charge(lua, data.size());
  if (!parse(state, data)) return 0;
  const bool fits = push_fitting(lua, state.scratch_value, Nulls::keep);
  state.scratch_value = wire::Value();
  if (!fits) return 0;
  lua_pushvalue(lua, 2);
  lua_pushvalue(lua, -2);
  lua_rawset(lua, 1);
  return 1;
}

// ---- the request; what it views is kept alive by the stack of the call

void get_option(lua_State* lua, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, 1);
}

const char* no_header(std::string_view name, std::string_view value) {
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; };
  if (name.empty() || name.find(':') != name.npos) return "headers: a name is no name";
  if (std::any_of(name.begin(), name.end(), is_bad) ||
      std::any_of(value.begin(), value.end(), is_bad))
    return "headers: a control character";
  return nullptr;
}

// Leaves a table of "name: value" on the stack, which keeps them, and fills `to`.
std::size_t check_headers(lua_State* lua, kith_bytes* to) {
  get_option(lua, "headers");
  const int given = lua_gettop(lua);
  lua_newtable(lua);
  const int kept = lua_gettop(lua);
  std::size_t count = 0;
  if (lua_isnil(lua, given)) return 0;
  luaL_argcheck(lua, lua_istable(lua, given), 1, "headers: a table expected");
  lua_pushnil(lua);
  while (lua_next(lua, given) != 0) {
    luaL_argcheck(lua, lua_type(lua, -2) == LUA_TSTRING && lua_isstring(lua, -1), 1,
                  "headers: text expected");
    luaL_argcheck(lua, count < kHeadersMax, 1, "headers: too many");
    const char* why = no_header(check_text(lua, -2), check_text(lua, -1));
    luaL_argcheck(lua, !why, 1, why);
    lua_pushfstring(lua, "%s: %s", lua_tostring(lua, -2), lua_tostring(lua, -1));
    to[count] = c_bytes(check_text(lua, -1));
    lua_rawseti(lua, kept, static_cast<int>(++count));
    lua_pop(lua, 1);
  }
  return count;
}

// The body, and whether it is JSON that we made.
std::string_view check_body(lua_State* lua, bool& is_json) {
  get_option(lua, "json");
  is_json = !lua_isnil(lua, -1);
  if (is_json) {
    State& state = State::of(lua);
    const char* why = read_value(lua, -1, state.scratch_value);
    state.scratch.clear();
    if (!why && !wire::append_exact_json(state.scratch, state.scratch_value))
      why = "text that is not UTF-8";
    if (why) luaL_error(lua, "json: %s", why);
    lua_pushlstring(lua, state.scratch.data(), state.scratch.size());
    return check_text(lua, -1);
  }
  get_option(lua, "body");
  return lua_isnil(lua, -1) ? std::string_view() : check_text(lua, -1);
}

// The operator wrote it.
bool is_configured(lua_State* lua, std::string_view url) {
  lua_pushvalue(lua, lua_upvalueindex(1));
  if (lua_type(lua, -1) != LUA_TSTRING) return false;
  const std::string_view origin = origin_of(url);
  return !origin.empty() && origin == origin_of(check_text(lua, -1));
}

int request(lua_State* lua) {
  State& state = State::of(lua);
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 1);
  const Services& services = state.script().services();
  if (!services.http) return give_absent(lua, "this node has no HTTP client");
  kith_bytes headers[kHeadersMax + 1];
  kith_http_request made{};
  made.size = sizeof made;
  made.n_headers = check_headers(lua, headers);
  made.headers = headers;
  bool is_json = false;
  made.body = c_bytes(check_body(lua, is_json));
  if (is_json)
    headers[made.n_headers++] = c_bytes(std::string_view("content-type: application/json"));
  get_option(lua, "url");
  luaL_argcheck(lua, lua_type(lua, -1) == LUA_TSTRING, 1, "url: text expected");
  made.url = c_bytes(check_text(lua, -1));
  get_option(lua, "method");
  made.method = luaL_optstring(lua, -1, made.body.n > 0 ? "POST" : "GET");
  get_option(lua, "timeout");
  if (!lua_isnil(lua, -1))
    made.ms = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(check_duration_us(lua, lua_gettop(lua)) / 1'000, 1, kHttpMsMax));
  if (is_configured(lua, text(made.url))) made.flags |= KITH_HTTP_OPERATOR;
  state.charge(lua, 1'000 + made.body.n / 16);
  Wait* const wait = open_wait(lua, &read_reply);
  if (!wait) return 2;
  wait->push = &push_reply;
  return wait_for(lua, *wait, services.http->request(services.http_self, &made, wait->done()));
}

}  // namespace

void add_http(lua_State* lua, const wire::Value& config) {
  luaL_newmetatable(lua, kReplyKey);
  lua_pushcfunction(lua, &get_field);
  lua_setfield(lua, -2, "__index");
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);
  lua_newtable(lua);
  const wire::Value* url = config.find("url");
  push_value(lua, url ? *url : wire::Value(), Nulls::keep);
  lua_pushcclosure(lua, &request, 1);
  lua_setfield(lua, -2, "request");
  lua_setfield(lua, -2, "http");
}

}  // namespace kith::lua

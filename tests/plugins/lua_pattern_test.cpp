// SPDX-License-Identifier: MIT
// The step-counted matcher against the library's own: one script computes in both, and must come to
// the same.
#include <lua.hpp>

#include "tests/plugins/lua_rig.h"

namespace kith::test {
namespace {

// Patterns by chance, of pieces that are likely to mean something, and a third of them malformed.
constexpr std::string_view kScript = R"(
  local seed = 42
  local function chance(n) seed = (seed * 16807) % 2147483647 return seed % n + 1 end
  local pieces = { 'a', 'b', '.', '%a', '%d', '%s', '[ab]', '[^a]', '[a-c]', '[%w_]', '*', '+', '-',
    '?', '(', ')', '()', '%1', '%2', '$', '^', '%b()', '%f[%w]', '%f[^a]', '%%', ' ', '1', '[]]',
    '[^]]', '[a-]', '%', '[', '%z', '%S', '%G', 'aa' }
  local words = { '', 'a', 'abc', 'aaab', 'a(b)c', '(())', 'one two  three', 'a1b2', 'x]y', '%d',
    'aa aa', 'b-a', '\0a\0', 'caa(ab)1 a' }
  local function show(...)
    local all = {}
    for i = 1, select('#', ...) do all[i] = tostring((select(i, ...))) end
    return table.concat(all, ',')
  end
  local function told(ok, ...) return ok and show(...) or 'error' end
  local sum, good = 0, 0
  local function note(text)
    if text ~= 'error' then good = good + 1 end
    for i = 1, #text do sum = (sum * 31 + text:byte(i)) % 4294967296 end
  end
  for round = 1, 6000 do
    local pattern = ''
    for i = 1, chance(6) do pattern = pattern .. pieces[chance(#pieces)] end
    local word, init = words[chance(#words)], chance(7) - 4
    note(told(pcall(string.find, word, pattern, init)))
    note(told(pcall(string.match, word, pattern, init)))
    note(told(pcall(string.gsub, word, pattern, '<%0%1>', chance(4))))
    note(told(pcall(string.gsub, word, pattern, { a = 'A', aa = false })))
    note(told(pcall(string.gsub, word, pattern, function(x, y) return y or x end)))
    note(told(pcall(function()
      local all = {}
      for x, y in word:gmatch(pattern) do all[#all + 1] = show(x, y) end
      return table.concat(all, ';')
    end)))
    note(told(pcall(string.find, word, pattern, init, true)))
    if round % 500 == 0 then print(round, good, sum) end
  end)";

TEST(LuaPatterns, MatchAsTheLibraryDoes) {
  LuaRig rig;
  ASSERT_EQ(rig.load("spy", kScript), "");
  std::string mine = rig.lines("spy");
  mine = mine.substr(0, mine.find("\napp running"));

  std::string theirs;
  lua_State* lua = luaL_newstate();
  luaL_openlibs(lua);
  const std::string collect =
      "local said = {} function print(...) local t = {...} "
      "said[#said + 1] = table.concat(t, '\\t') end ";
  const std::string all = collect + std::string(kScript) + " return table.concat(said, '\\n')";
  ASSERT_EQ(luaL_dostring(lua, all.c_str()), 0) << lua_tostring(lua, -1);
  theirs = lua_tostring(lua, -1);
  lua_close(lua);
  EXPECT_EQ(mine, theirs);
  EXPECT_NE(mine.find("6000\t"), std::string::npos);
}

}  // namespace
}  // namespace kith::test

// SPDX-License-Identifier: MIT
// The bound on a handler's time, which virtual time cannot show: on the real loop, with a clock
// that moves while a script runs.
#include "engine/node/real_loop.h"
#include "tests/plugins/lua_rig.h"
#include "tests/support/captured_log.h"
#include "tests/support/real_world.h"

namespace kith::test {
namespace {

// A node with the Lua runner and nothing else, so it asks for no network.
class LuaTime : public testing::Test {
 protected:
  LuaTime() {
    node::NodeSetup setup{.identity = crypto::Identity::from_seed(crypto::Key32{7}), .config = {}};
    setup.plugins = Play::library();
    wire::Value options;
    options["handler_ms"] = 20;
    options["instructions"] = std::int64_t{1} << 40;
    setup.config.plugins.push_back({"lua", options});
    node = std::make_unique<node::Node>(loop, log, std::move(setup));
    await(node->start());
  }
  ~LuaTime() override {
    await(node->stop());
    node.reset();
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }

  void await(Task<void> task) {
    bool is_done = false;
    Scope scope([](const std::exception& thrown) { ADD_FAILURE() << thrown.what(); });
    scope.spawn(mark(std::move(task), is_done));
    EXPECT_TRUE(run.until([&is_done] { return is_done; }));
  }
  void load(std::string_view source) {
    std::ofstream(file, std::ios::binary) << source;
    await(load_app(*node, file));
  }
  // How long the handler of this event took.
  std::uint64_t emit_us(const std::string& name) {
    const std::uint64_t begun_us = loop.now_us();
    node->bus().emit(name, wire::Value::Map());
    return loop.now_us() - begun_us;
  }

  node::RealLoop loop;
  RealRun run{loop};
  CapturedLog log;
  std::unique_ptr<node::Node> node;
  std::string file = testing::TempDir() + "kith-lua-time.lua";

 private:
  static Task<void> mark(Task<void> task, bool& is_done) {
    co_await task;
    is_done = true;
  }
  static Task<void> load_app(node::Node& node, std::string file) {
    co_await node.apps().load("spy", std::move(file), wire::Value::Map());
  }
};

TEST_F(LuaTime, EndsWhatTakesTooLong) {
  load(R"(
    local big = ('x'):rep(1000000)
    kith.on('loop', function() while true do end end)
    kith.on('same', function() while true do local s = big .. 'y' end end)
    kith.on('less', function() local a, b = big .. 'a', big .. 'b' while a < b do end end))");
  for (const char* name : {"loop", "same", "less"}) {
    EXPECT_LT(emit_us(name), 1'000'000u) << name;
    EXPECT_TRUE(log.has(std::string(name) + ": kith-lua-time.lua:")) << name;
    EXPECT_TRUE(log.has("stopped: it took too much time")) << name;
    log.lines.clear();
  }
}

TEST_F(LuaTime, CountsNoTimeThatAHandlerWaits) {
  load(R"(
    kith.on('naps', function()
      for i = 1, 5 do kith.sleep(0.03) end
      print('rested')
    end)
    kith.on('late', function() kith.sleep(0.001) while true do end end))");
  emit_us("naps");
  EXPECT_TRUE(run.until([this] { return log.has("rested"); }));
  emit_us("late");
  EXPECT_TRUE(run.until([this] { return log.has("stopped: it took too much time"); }));
  EXPECT_TRUE(log.has("late: kith-lua-time.lua:6: "));
}

TEST_F(LuaTime, EndsWorkInsideOfTheLibrary) {
  load(R"(
    local big = ('x'):rep(1000000)
    local words = {} for i = 1, 100000 do words[i] = ('w'):rep(i % 50) .. i end
    kith.on('sort', function() while true do table.sort(words) words[1] = '~' end end)
    kith.on('find', function() big:find(('.-'):rep(20) .. 'b') end))");
  for (const char* name : {"sort", "find"}) {
    EXPECT_LT(emit_us(name), 1'000'000u) << name;
    EXPECT_TRUE(log.has("stopped: it took too much time")) << name;
    log.lines.clear();
  }
}

}  // namespace
}  // namespace kith::test

// SPDX-License-Identifier: MIT
// Rows 12 and 14 of the scoreboard: calls a CPU second of a script's handler that reads topic,
// from, text and id of a message, in the sandbox with its budgets on; and of the same function on a
// table in a bare LuaJIT, JIT off, by lua_pcall. Prints one JSON object.
#include <time.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <lua.hpp>
#include <string>

#include "engine/node/node.h"
#include "tests/support/real_world.h"

namespace kith::bench {

namespace {

constexpr double kSeconds = 2;
constexpr int kBatch = 1'000;
constexpr std::string_view kText = "the milk is in the fridge";
constexpr std::string_view kId = "0123456789abcdef0123456789abcdef01234567";
constexpr const char* kBody = R"(
  local seen = 0
  local function handler(m)
    if m.topic and m.from and m.text and m.id then seen = seen + 1 end
  end
)";

class Quiet final : public LogSink {
 public:
  void write(LogLevel level, std::string_view room, std::string_view line) override {
    if (level < LogLevel::warn) return;
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(room.size()), room.data(),
                 static_cast<int>(line.size()), line.data());
  }
};

// Of this thread, so that a busy machine does not count.
double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Batches until the time is over; calls a second.
template <class Fn>
double rate(Fn batch) {
  batch();
  const double begun_s = cpu_s();
  double calls = 0, seconds = 0;
  while (seconds < kSeconds) {
    batch();
    calls += kBatch;
    seconds = cpu_s() - begun_s;
  }
  return calls / seconds;
}

struct Fixed {
  std::string peer;
  ByteVector from;
  Buffer hold = Buffer::copy(as_bytes(kText));  // as a router's messages have one
};

kith_message message_of(const Fixed& fixed) {
  kith_message message{};
  message.size = sizeof message;
  message.topic = c_bytes(std::string_view("bench"));
  message.data = c_bytes(kText);
  message.from = c_bytes(Bytes(fixed.from));
  message.id = c_bytes(Bytes(fixed.from).first(20));
  message.via = message.from;
  message.hold = fixed.hold.get();
  return message;
}

Task<void> load(node::Node& node, std::string file, bool& is_done) {
  co_await node.start();
  co_await node.apps().load("bench", std::move(file), wire::Value::Map());
  is_done = true;
}
Task<void> stop(node::Node& node, bool& is_done) {
  co_await node.stop();
  is_done = true;
}

void await(node::RealLoop& loop, Task<void> task, const bool& is_done) {
  Scope scope([](const std::exception& thrown) {
    std::fprintf(stderr, "%s\n", thrown.what());
    std::_Exit(1);
  });
  scope.spawn(std::move(task));
  test::RealRun(loop).until([&is_done] { return is_done; });
}

double sandboxed(Fixed& fixed) {
  node::RealLoop loop;
  Quiet log;
  node::NodeSetup setup{.identity = crypto::Identity::from_seed(crypto::Key32{7}), .config = {}};
  for (const auto& [name, path] : node::find_plugins({KITH_PLUGIN_DIR}))
    if (name == "lua") setup.plugins[name] = node::open_plugin(path).value();
  setup.config.plugins.push_back({"lua", wire::Value::Map()});
  node::Node node(loop, log, std::move(setup));
  const auto id = node.setup().identity.peer_id();
  fixed.peer = id.text();
  fixed.from = to_vector(id.bytes());
  const std::string file = std::filesystem::temp_directory_path() / "kith-bench-handler.lua";
  std::ofstream(file) << kBody << "kith.on('message/bench', handler)\n"
                      << "kith.command('seen', function() return seen end)\n";
  bool is_loaded = false, is_stopped = false;
  await(loop, load(node, file, is_loaded), is_loaded);
  const std::string name = "message/bench";
  const double calls = rate([&] {
    for (int i = 0; i < kBatch; ++i) {
      const kith_message message = message_of(fixed);
      const kith_event event{sizeof event, c_bytes(std::string_view(name)), {}, &message};
      node.bus().emit(event);
    }
  });
  await(loop, stop(node, is_stopped), is_stopped);
  std::filesystem::remove(file);
  return calls;
}

void set_text(lua_State* lua, const char* name, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
  lua_setfield(lua, -2, name);
}

double bare(const Fixed& fixed) {
  lua_State* lua = luaL_newstate();
  luaL_openlibs(lua);
  luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  if (luaL_dostring(lua, (std::string(kBody) + "return handler").c_str()) != 0) std::_Exit(1);
  const double calls = rate([&] {
    for (int i = 0; i < kBatch; ++i) {
      lua_pushvalue(lua, 1);
      lua_createtable(lua, 0, 4);
      set_text(lua, "topic", "bench");
      set_text(lua, "from", fixed.peer);
      set_text(lua, "text", kText);
      set_text(lua, "id", kId);
      if (lua_pcall(lua, 1, 0, 0) != 0) std::_Exit(1);
    }
  });
  lua_close(lua);
  return calls;
}

}  // namespace

}  // namespace kith::bench

int main() {
  kith::crypto::start_crypto();
  kith::bench::Fixed fixed;
  const double ours = kith::bench::sandboxed(fixed);
  std::printf("{\"row\":12,\"calls_per_s\":%.0f,\"bare_per_s\":%.0f}\n", ours,
              kith::bench::bare(fixed));
}

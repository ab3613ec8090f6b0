// SPDX-License-Identifier: MIT
// LuaRig: one real Node with the built Lua runner, and scripts given as text.
#pragma once
#include <filesystem>
#include <fstream>

#include "tests/plugins/lua_http.h"
#include "tests/support/play.h"

namespace kith::test {

class LuaRig {
 public:
  explicit LuaRig(const wire::Value& options = {}) : node(add(options)) {}
  ~LuaRig() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  // The sentence of the refusal; empty when it runs.
  std::string load(const std::string& name, std::string_view source,
                   wire::Value config = wire::Value::Map()) {
    const std::string file = folder + "/" + name + ".lua";
    std::ofstream(file, std::ios::binary) << source;
    return load_file(name, file, std::move(config));
  }
  std::string load_file(const std::string& name, const std::string& file,
                        wire::Value config = wire::Value::Map()) {
    std::string why;
    bool is_done = false;
    Scope scope([&why](const std::exception& thrown) {
      const auto* fault = dynamic_cast<const Fault*>(&thrown);
      why = fault && !fault->error().detail().empty() ? fault->error().detail() : thrown.what();
    });
    scope.spawn(run(node, name, file, std::move(config), is_done));
    EXPECT_TRUE(play.loop.run_until([&] { return is_done || !why.empty(); }, 30'000'000));
    return why;
  }
  // Loads it, expects that to work, and gives what it logged, one text a line.
  std::string say(std::string_view source) {
    node.apps().unload("spy");  // its log would stay
    EXPECT_EQ(load("spy", source), "");
    const std::string said = lines("spy");
    return said.substr(0, said.find("\napp running"));
  }
  std::string lines(std::string_view name) {
    std::string all;
    const node::Apps::App* app = node.apps().find(name);
    if (!app) return "(no such app)";
    for (const node::LogLine& line : app->lines) all += (all.empty() ? "" : "\n") + line.text;
    return all;
  }
  void clear(std::string_view name = "spy") { node.apps().find(name)->lines.clear(); }
  // Publishes as the node, and gives what the app has said then.
  std::string tell(std::string_view topic, std::string_view text) {
    clear();
    play.publish(node, topic, text);
    return lines("spy");
  }

  Play play{7};
  FakeHttp http{play.loop};
  node::Node& node;
  std::string folder = make_folder();

 private:
  node::Node& add(const wire::Value& options) {
    Play::Role role;
    role.options["lua"] = options;
    node::Node& made = play.make(role);
    made.offer(KITH_HTTP, http.table(), &http);
    play.run_task(made.start());
    return made;
  }
  static std::string make_folder() {
    std::string made = testing::TempDir() + "kith-lua-XXXXXX";
    return ::mkdtemp(made.data());
  }
  static Task<void> run(node::Node& node, std::string name, std::string file, wire::Value config,
                        bool& is_done) {
    co_await node.apps().load(std::move(name), std::move(file), std::move(config));
    is_done = true;
  }
};

}  // namespace kith::test

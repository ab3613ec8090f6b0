// SPDX-License-Identifier: MIT
// A runner that is compiled into the test, and a node with it. What a file does stands in its name;
// its text, or the folder that it is said to be in, names the version.
#pragma once
#include <filesystem>
#include <fstream>

#include "engine/node/apps.h"
#include "tests/support/probe.h"

namespace kith::test {

// ok.play runs at once; slow... after a second; bad..., and what has the text "bad", fails with a
// sentence; refused is not even begun; mute fails without a word; chatty logs 500 lines first.
// ...hook hears message/t, joins "extra" and brings a command `say`.
struct Runner final : App {
  static constexpr const char* kName = "runner";
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "Plays that it runs files.";
  using App::App;

  struct Loaded {
    Runner* runner;
    kith_host* app;
    std::string stem, version;
    kith_done done{};
    Op answer, hearing, saying;
    bool has(std::string_view part) const { return stem.find(part) != std::string::npos; }
    static void fire(void* self, std::int64_t, const void*) {
      auto* loaded = static_cast<Loaded*>(self);
      loaded->answer.forget();
      const bool is_bad = loaded->has("bad") || loaded->version == "bad";
      const std::string sentence = loaded->stem + ".play:3: boom";
      const kith_bytes text = c_bytes(sentence);
      const bool fails = is_bad || loaded->stem == "mute";
      const kith_done done = loaded->done;
      done.fn(done.ctx, fails ? KITH_BAD : 0, is_bad ? &text : nullptr);
    }
  };

  int load(kith_host* app, const kith_app_spec& spec, kith_done done, void** to) {
    const std::filesystem::path file(kith::text(spec.file));
    if (file.stem() == "refused") return Host(host.api(), app).fail("refused.play:1: no");
    auto* made = new Loaded{this, app, file.stem().string(), file.parent_path().string(), done};
    std::ifstream(file) >> made->version;
    ++live;
    *to = newest = all.emplace_back(made);
    config = to_vector(view(spec.config));
    const Host of_app(host.api(), app);
    for (int i = 0; made->has("chatty") && i < 500; ++i) of_app.info(fmt::format("line {}", i));
    if (made->has("hook")) hook(of_app, *made);
    made->answer = of_app.after(made->has("slow") ? 1'000'000 : 0, {&Loaded::fire, made});
    return 0;
  }
  void hook(const Host& app, Loaded& loaded) {
    loaded.hearing = app.on("message/t", [this, &loaded](const kith_event& event) {
      heard.push_back(loaded.version + ":" + to_string(event.message->data));
      return KITH_PASS;
    });
    app.topics().join(app.raw(), c_bytes(std::string_view("extra")));
    kith_command say{};
    say.size = sizeof say;
    say.name = "say";
    say.summary = say.result = "";
    loaded.saying = app.command(say, [app, &loaded](kith_call* call, Bytes) {
      const ByteVector body = wire::encode_cbor(wire::Value(loaded.version));
      app.bus().end(app.raw(), call, 0, c_bytes(Bytes(body)));
    });
  }
  void unload(Loaded* loaded) {
    --live;
    std::erase(all, loaded);
    newest = all.empty() ? nullptr : all.back();
    delete loaded;
  }
  const void* role(std::string_view id) {
    static constexpr kith_runner table{
        sizeof(kith_runner), ".play",
        [](void* me, kith_host* app, const kith_app_spec* spec, kith_done done, void** loaded) {
          return static_cast<Runner*>(me)->load(app, *spec, done, loaded);
        },
        [](void* me, void* loaded) {
          static_cast<Runner*>(me)->unload(static_cast<Loaded*>(loaded));
        }};
    return id == KITH_RUNNER ? &table : nullptr;
  }

  int live = 0;
  std::vector<Loaded*> all;
  Loaded* newest = nullptr;  // of those that live
  ByteVector config;
  std::vector<std::string> heard;  // "version:text"
};

inline constinit const kith_plugin kRunner = detail::entry_of<Runner>();

class AppsTest : public testing::Test {
 protected:
  explicit AppsTest(bool routes = false)
      : play(1), node(play.add(Play::Role{.own = {&kRunner, &kProbe}, .routes = routes})) {}
  ~AppsTest() override {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  Runner& runner() { return started<Runner>(node, kRunner); }
  Host probe() { return started<Probe>(node, kProbe).host; }
  node::Apps& apps() { return node.apps(); }
  std::string state(std::string_view name) {
    const auto* app = apps().find(name);
    return app ? app->state : "absent";
  }
  // Begins to load; `ends` gets the sentence, or "running".
  void begin(std::string name, std::string file, std::string& ends) {
    loading.spawn(load(apps(), std::move(name), std::move(file), ends));
  }
  std::string load_now(const std::string& name, const std::string& file) {
    std::string ends;
    begin(name, file, ends);
    play.loop.run_for(2'000'000);
    return ends;
  }
  static Task<void> load(node::Apps& apps, std::string name, std::string file, std::string& ends) {
    try {
      wire::Value config;
      config["word"] = "hi";
      co_await apps.load(std::move(name), std::move(file), std::move(config));
      ends = "running";
    } catch (const Fault& fault) {
      ends = fault.error().detail();
    }
  }
  // A file that is there, in a folder that goes with the test.
  std::string write(const std::string& name, std::string_view text) {
    if (folder_.empty()) {
      folder_ = testing::TempDir() + "kith-apps-XXXXXX";
      ::mkdtemp(folder_.data());
    }
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  std::vector<std::string> log_of(std::string_view name) {
    std::vector<std::string> texts;
    const auto* app = apps().find(name);
    for (const auto& line : app ? app->lines : std::deque<node::LogLine>())
      texts.push_back(line.text);
    return texts;
  }
  static wire::Value named(const char* key, std::string_view value) {
    wire::Value args;
    args[key] = value;
    return args;
  }

  Play play;
  node::Node& node;
  Scope loading;

 private:
  std::string folder_;
};

}  // namespace kith::test

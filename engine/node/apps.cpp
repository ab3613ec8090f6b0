// SPDX-License-Identifier: MIT
#include "engine/node/apps.h"

#include <fmt/core.h>

#include <filesystem>

namespace kith::node {

namespace {

// In the frame of a load: an app outlives it, or is ended by it.
class Awaiting {
 public:
  explicit Awaiting(bool& flag) : flag_(flag) { flag_ = true; }
  Awaiting(const Awaiting&) = delete;
  Awaiting& operator=(const Awaiting&) = delete;
  ~Awaiting() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace

Task<Apps::App*> Apps::load(std::string name, std::string file, wire::Value config,
                            std::function<void(const LogLine&)> follow) {
  services_.bus.judge_app_name(name).value();
  const Plugins::Runner runner =
      plugins_.runner_for(std::filesystem::path(file).extension().string());
  if (!runner.ops) {
    throw Fault(Error(
        KITH_ABSENT,
        fmt::format("no enabled plugin runs {}: enable one for '{}' files, such as [plugins.lua]",
                    file, std::filesystem::path(file).extension().string())));
  }
  unload(name);
  auto made = std::make_unique<App>();
  App& app = *made;
  app.name = name;
  app.file = file;
  app.state = "loading";
  app.runner = runner;
  app.follow = std::move(follow);
  app.host = std::make_unique<kith_host>(services_, name, true);
  hook_log(app);
  apps_.emplace(name, std::move(made));
  const ByteVector body = wire::encode_cbor(config);
  const kith_app_spec spec{sizeof spec, c_bytes(name), c_bytes(file), c_bytes(Bytes(body))};
  const int r = runner.ops->load(runner.me, app.host.get(), &spec, app.done.done(), &app.loaded);
  if (r < 0) app.done.fire(r, nullptr);
  const Awaiting awaiting(app.is_awaited);
  const std::int64_t loaded = co_await app.done;
  if (loaded >= 0) {
    app.state = "running";
    app.host->log.info("app running file={}", file);
    co_return &app;
  }
  std::string why = app.done.sentence();
  if (why.empty()) why = app.host->failure;
  if (why.empty()) why = kith::describe(static_cast<kith_err>(loaded));
  app.state = "failed: " + why;
  if (app.loaded) runner.ops->unload(runner.me, std::exchange(app.loaded, nullptr));
  app.host->undo();
  throw Fault(Error(KITH_BAD, why));
}

void Apps::hook_log(App& app) {
  app.host->tail = [this, &app](LogLevel level, std::string_view line) {
    app.lines.push_back({services_.loop.wall_us(), level, std::string(line)});
    if (app.lines.size() > kLogLines) app.lines.pop_front();
    if (app.follow) app.follow(app.lines.back());
  };
}

bool Apps::unload(std::string_view name) {
  const auto at = apps_.find(name);
  if (at == apps_.end()) return false;
  App& app = *at->second;
  if (app.loaded) app.runner.ops->unload(app.runner.me, std::exchange(app.loaded, nullptr));
  if (!app.done.fired() && app.is_awaited)
    app.done.fire(KITH_CLOSED, nullptr);  // whoever waits for its loading goes on
  app.host->undo();
  apps_.erase(at);
  return true;
}

void Apps::stop_all() {
  while (!apps_.empty()) unload(apps_.begin()->first);
}

std::string Apps::find_file(const std::string& name) const {
  std::string looked;
  for (const std::string& folder : folders_) {
    for (const auto& plugin : plugins_.all()) {
      const auto* runner = static_cast<const kith_runner*>(plugin->role(KITH_RUNNER));
      if (!runner) continue;
      const std::string file = folder + "/" + name + runner->extension;
      std::error_code ignored;
      if (std::filesystem::is_regular_file(file, ignored)) return file;
      looked += (looked.empty() ? "" : ", ") + file;
    }
  }
  throw Fault(Error(KITH_ABSENT, fmt::format("app {} has no file: looked for {}", name, looked)));
}

Apps::App* Apps::find(std::string_view name) {
  const auto at = apps_.find(name);
  return at == apps_.end() ? nullptr : at->second.get();
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "engine/node/apps.h"

#include <fmt/core.h>

#include <filesystem>

#include "engine/bus/nearest.h"
#include "engine/node/origins.h"

namespace kith::node {

// A loaded file: its hold on the node and what its runner made of it. What its loading came to is
// settled in a turn of its own, so that nothing of it or of the one before is on the stack.
class Apps::Version {
 public:
  Version(Apps& apps, App& app, Wish wish, Plugins::Runner runner)
      : apps_(apps),
        app_(app),
        wish_(std::move(wish)),
        runner_(runner),
        host_(std::make_unique<kith_host>(apps.services_, app.name, true)) {
    answered_.done = {&Version::settle, this};
    host_->staged = true;
    host_->tail = [&apps, &app](LogLevel level, std::string_view line) {
      apps.hear(app, level, line);
    };
    host_->told = [this, &apps, &app](int state, std::string_view sentence) {
      fare_ = state;
      fare_why_ = sentence;
      if (app.current.get() == this) apps.fares(app, state, sentence);
    };
  }

  void begin() {
    const ByteVector config = wire::encode_cbor(wish_.config);
    const kith_app_spec spec{sizeof spec, c_bytes(wish_.name), c_bytes(wish_.file),
                             c_bytes(Bytes(config))};
    const kith_done done{&Version::answer, this};
    const int r = runner_.ops->load(runner_.me, host_.get(), &spec, done, &loaded_);
    if (r < 0) answer(this, r, nullptr);
  }
  // Nothing of it runs any more, and nothing that it hooked is left.
  void end() {
    if (loaded_) runner_.ops->unload(runner_.me, std::exchange(loaded_, nullptr));
    host_->undo();
  }

  // Whoever loads it waits for this, as long as they live.
  class Waiting {
   public:
    explicit Waiting(Version& version) : version_(&version) { version.waiting_ = this; }
    ~Waiting() {
      if (version_) version_->waiting_ = nullptr;
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    Completion done;
    std::string why;

   private:
    friend class Version;
    Version* version_;
  };
  void wake(const std::string& why) {
    Waiting* waiting = std::exchange(waiting_, nullptr);
    if (!waiting) return;
    waiting->version_ = nullptr;
    waiting->why = why;
    waiting->done.fire(0, nullptr);
  }

  kith_host& host() { return *host_; }
  const Wish& wish() const { return wish_; }
  const std::string& why() const { return why_; }  // it did not load; empty: it has
  int fare() const { return fare_; }               // as its runner last told
  const std::string& fare_why() const { return fare_why_; }

 private:
  static void answer(void* self, std::int64_t r, const void* sentence) {
    auto& version = *static_cast<Version*>(self);
    if (r < 0) {
      std::string& why = version.why_;
      if (sentence) why = to_string(*static_cast<const kith_bytes*>(sentence));
      if (why.empty()) why = version.host_->failure;
      if (why.empty()) why = kith::describe(static_cast<kith_err>(r));
    }
    version.apps_.services_.loop.start(version.answered_, 0);
  }
  static void settle(void* self, std::int64_t, const void*) {
    const auto& version = *static_cast<Version*>(self);
    version.apps_.settle(version.app_);  // it may be gone then
  }

  Apps& apps_;
  App& app_;
  const Wish wish_;
  const Plugins::Runner runner_;
  std::unique_ptr<kith_host> host_;
  void* loaded_ = nullptr;
  Timer answered_;
  std::string why_;
  int fare_ = KITH_APP_RUNNING;
  std::string fare_why_;
  Waiting* waiting_ = nullptr;
};

Apps::App::App() = default;
Apps::App::~App() = default;

Apps::Apps(Services& services, Plugins& plugins, std::vector<std::string> folders)
    : services_(services), plugins_(plugins), folders_(std::move(folders)) {}
Apps::~Apps() { stop_all(); }

// ---- loading

Task<Apps::App*> Apps::load(std::string name, std::string file, wire::Value config) {
  Wish wish{std::move(name), std::move(file), std::move(config), false};
  Task<App*> loading = load_wish(std::move(wish));
  co_return co_await loading;
}

Task<Apps::App*> Apps::load_wish(Wish wish) {
  if (stopped_) throw Fault(Error(KITH_CLOSED, "the node stops"));
  judge_name(wish.name);
  auto origins = http_origins(wish.config).value();
  const std::string extension = std::filesystem::path(wish.file).extension().string();
  const Plugins::Runner runner = plugins_.runner_for(extension);
  if (!runner.ops) {
    throw Fault(Error(
        KITH_ABSENT,
        fmt::format("no enabled plugin runs {}: enable one for '{}' files, such as [plugins.lua]",
                    wish.file, extension)));
  }
  App& app = slot(wish);
  drop_next(app, app.name + " was loaded anew before it had loaded");
  app.stamp = stamp_of(wish.file);
  app.next = std::make_unique<Version>(*this, app, std::move(wish), runner);
  Version& version = *app.next;
  version.host().http_allowed = std::move(origins);
  Version::Waiting waiting(version);
  version.begin();
  co_await waiting.done;
  if (!waiting.why.empty()) throw Fault(Error(KITH_BAD, waiting.why));
  co_return &app;
}

void Apps::judge_name(const std::string& name) const {
  const auto judged = services_.bus.judge_app_name(name);
  if (judged) return;
  if (!judged.error().is(bus::bus_error::bad_name)) throw Fault(judged.error());
  throw Fault(Error(KITH_BAD, bus::in_quotes(name) +
                                  " is no app name: lower-case letters, digits and '-'; 'kith app "
                                  "run FILE --name NAME' gives another"));
}

Apps::App& Apps::slot(const Wish& wish) {
  std::unique_ptr<App>& held = apps_[wish.name];
  if (!held) {
    held = std::make_unique<App>();
    held->name = wish.name;
  }
  if (held->current) return *held;
  held->file = wish.file;
  held->config = wish.config;
  held->is_configured = wish.is_configured;
  set_state(*held, "loading");
  return *held;
}

// Another owner's command may have come meanwhile: from here on nothing can fail.
void Apps::settle(App& app) {
  std::string why = app.next->why();
  const auto judged = services_.bus.judge_app_name(app.name);
  if (why.empty() && !judged) why = judged.error().message();
  why.empty() ? switch_over(app) : refuse(app, why);
}

// In one turn, and no topic that both know is left in between.
void Apps::switch_over(App& app) {
  kith_host& host = app.next->host();
  const std::vector<std::string> topics = host.staged_topics();
  for (const std::string& topic : topics) services_.topics.join(host.owner, topic).value();
  const std::unique_ptr<Version> before = std::exchange(app.current, std::move(app.next));
  if (before) before->end();
  Version& now = *app.current;
  const auto activated = host.activate();
  for (const std::string& topic : topics) services_.topics.leave(host.owner, topic);
  app.file = now.wish().file;
  app.config = now.wish().config;
  app.is_configured = now.wish().is_configured;
  set_state(app, "running");
  if (!activated) {
    now.end();
    fail(app, activated.error().message());
  } else if (now.fare() != KITH_APP_RUNNING) {
    fares(app, now.fare(), now.fare_why());
  }
  if (before) {
    say(app, LogLevel::info, "app reloaded file=" + app.file);
  } else {
    services_.log.in(app.name).info("app running file={}", app.file);
  }
  now.wake(activated ? "" : activated.error().message());
}

void Apps::refuse(App& app, const std::string& why) {
  if (!app.current) {
    fail(app, why);
    return drop_next(app, why);
  }
  const std::string sentence = why + "; the version before goes on";
  say(app, LogLevel::error, sentence);
  drop_next(app, sentence);
}

void Apps::drop_next(App& app, const std::string& why) {
  const std::unique_ptr<Version> gone = std::move(app.next);
  if (!gone) return;
  gone->end();
  gone->wake(why);
}

// ---- how they fare

void Apps::set_state(App& app, std::string state) {
  app.state = std::move(state);
  app.since_us = services_.loop.wall_us();
}

void Apps::fares(App& app, int state, std::string_view sentence) {
  if (state == KITH_APP_RUNNING) return set_state(app, "running");
  const std::string why(sentence);
  if (state == KITH_APP_FAILED) return fail(app, why);
  set_state(app, "suspended: " + why);
  tell(app, why);
}

void Apps::fail(App& app, const std::string& why) {
  set_state(app, "failed: " + why);
  services_.log.in(app.name).error("app failed err={}", why);
  tell(app, why);
}

void Apps::tell(const App& app, const std::string& why) {
  wire::Value body;
  body["app"] = app.name;
  body["error"] = why;
  services_.bus.emit("app/error", body);
}

void Apps::say(App& app, LogLevel level, std::string_view line) {
  services_.log.in(app.name).write(level, line);
  hear(app, level, line);
}

void Apps::hear(App& app, LogLevel level, std::string_view text) {
  app.lines.push_back({services_.loop.wall_us(), level, std::string(text)});
  if (app.lines.size() > kLogLines) app.lines.pop_front();
  const auto found = followers_.find(app.name);
  if (found == followers_.end()) return;
  const LogLine line = app.lines.back();
  const auto followers = found->second;  // one may go, or come, while it hears
  for (const auto& each : followers) {
    if (const Follower follower = each.lock()) (*follower)(line);
  }
}

Apps::Follower Apps::follow(const std::string& name, Follow fn) {
  auto& followers = followers_[name];
  std::erase_if(followers, [](const auto& each) { return each.expired(); });
  auto follower = std::make_shared<Follow>(std::move(fn));
  followers.push_back(follower);
  return follower;
}

// ---- the end

bool Apps::unload(std::string_view name) {
  const auto at = apps_.find(name);
  if (at == apps_.end()) return false;
  const auto taken = apps_.extract(at);  // whoever hears of it may look, or load it anew
  App& app = *taken.mapped();
  drop_next(app, app.name + " was stopped while it loaded");
  if (const std::unique_ptr<Version> gone = std::move(app.current)) gone->end();
  if (const auto lost = std::exchange(app.lost, nullptr)) lost("app " + app.name + " was stopped");
  return true;
}

void Apps::stop_all() {
  stopped_ = true;
  while (!apps_.empty()) unload(apps_.begin()->first);
}

Apps::App* Apps::find(std::string_view name) {
  const auto at = apps_.find(name);
  return at == apps_.end() ? nullptr : at->second.get();
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "engine/node/app_run.h"

#include "engine/node/command_rows.h"

namespace kith::node {

using wire::Value;

namespace {

constexpr std::uint64_t kLookEveryUs = 250'000;

}  // namespace

AppRun::AppRun(Node& node, Scope& scope, bus::CallPtr call, AppRequest request)
    : node_(node), scope_(scope), call_(std::move(call)), request_(std::move(request)) {}

void AppRun::start() {
  auto self = shared_from_this();
  const std::weak_ptr<bus::Call> caller = call_;
  follower_ = node_.apps().follow(request_.name, [caller](const LogLine& line) {
    if (const auto to = caller.lock()) to->part(log_row(line));
  });
  call_->on_cancel([self] { self->leave(); });
  scope_.spawn(play(std::move(self)));
}

Task<void> AppRun::play(std::shared_ptr<AppRun> run) {
  const std::string& file = run->request_.file;
  const bool was_listed = run->node_.apps().find(run->request_.name) != nullptr;
  auto stamp = stamp_of(file);
  Task<std::string> loading = run->load();
  const std::string why = co_await loading;
  if (!why.empty()) {
    run->give_up(why, was_listed);
    co_return;
  }
  run->claim();
  run->show();
  while (!run->over_) {
    Nap nap(run->node_.loop(), kLookEveryUs);
    co_await nap;
    const auto fresh = stamp_of(file);
    if (run->over_ || !fresh || fresh == stamp) continue;  // an editor may have it out of the way
    stamp = fresh;
    Task<std::string> again = run->load();
    co_await again;  // what it came to is in the app's log, and so before its caller
  }
}

Task<std::string> AppRun::load() {
  try {
    std::string name = request_.name, file = request_.file;
    Value config = request_.config;
    Task<Apps::App*> loading =
        node_.apps().load(std::move(name), std::move(file), std::move(config));
    co_await loading;
  } catch (const Fault& fault) {  // the border to the caller
    co_return fault.what();
  }
  co_return std::string();
}

// The app is this run's now; whoever had it hears so.
void AppRun::claim() {
  Apps::App* app = node_.apps().find(request_.name);
  if (!app) return lose("app " + request_.name + " was stopped");
  if (const auto lost = std::exchange(app->lost, nullptr))
    lost("another 'app run' took the place of " + app->name);
  if (request_.detach) return;
  app->lost = [self = weak_from_this()](const std::string& why) {
    if (const auto run = self.lock()) run->lose(why);
  };
  is_claimed_ = true;
  if (!over_) return;
  over_ = false;
  leave();  // the caller went while it loaded
}

void AppRun::show() {
  if (over_) return;
  Value notice;
  notice["running"] = request_.name;
  notice["file"] = request_.file;
  if (request_.detach) {
    over_ = true;
    return call_->end(std::move(notice));
  }
  call_->part(notice);
}

void AppRun::lose(const std::string& why) {
  if (std::exchange(over_, true)) return;
  follower_.reset();
  call_->fail(why, KITH_CLOSED);
}

void AppRun::leave() {
  if (std::exchange(over_, true)) return;
  follower_.reset();
  call_->end(Value());
  if (!is_claimed_) return;
  if (Apps::App* app = node_.apps().find(request_.name)) app->lost = nullptr;
  std::string name = request_.name;
  scope_.spawn(node_.apps().restore(std::move(name)));
}

// What never ran is not listed; an app of the config that failed before is, with its own reason.
void AppRun::give_up(const std::string& why, bool was_listed) {
  if (!std::exchange(over_, true)) call_->fail(why, KITH_BAD);
  follower_.reset();
  Apps& apps = node_.apps();
  const Apps::App* app = apps.find(request_.name);
  if (!app || app->current || app->next) return;
  std::string name = request_.name;
  if (!was_listed) apps.unload(name);
  if (was_listed) scope_.spawn(apps.restore(std::move(name)));
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
// Apps as the config names them: loaded, brought back, changed; and where their files are.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "engine/bus/nearest.h"
#include "engine/node/apps.h"

namespace kith::node {

const Config::App* Apps::configured(std::string_view name) const {
  const auto found = std::find_if(configured_.begin(), configured_.end(),
                                  [name](const Config::App& app) { return app.name == name; });
  return found == configured_.end() ? nullptr : &*found;
}

Task<Apps::App*> Apps::reload(std::string name) {
  App* app = find(name);
  const Config::App* wanted = configured(name);
  if (!app && !wanted) throw Fault(Error(KITH_ABSENT, absent(name)));
  Wish wish{name, {}, {}, true};
  if (app && !app->is_configured) {
    wish = {name, app->file, app->config, false};
  } else {
    wish.file = !wanted ? app->file : wanted->file.empty() ? find_file(name) : wanted->file;
    wish.config = wanted ? wanted->config : app->config;
  }
  Task<App*> loading = load_wish(std::move(wish));
  co_return co_await loading;
}

Task<void> Apps::restore(std::string name) {
  const Config::App* wanted = configured(name);
  if (!wanted || stopped_) {
    unload(name);
    co_return;
  }
  Wish wish{name, wanted->file, wanted->config, true};
  std::string why;
  try {
    if (wish.file.empty()) wish.file = find_file(name);
    Wish loaded = wish;
    Task<App*> loading = load_wish(std::move(loaded));
    co_await loading;
    co_return;
  } catch (const Fault& fault) {
    why = fault.what();
  }
  const App* app = find(name);
  const bool goes_on = app && app->current && app->is_configured;
  const bool is_listed = app && !app->current && app->state == "failed: " + why;
  if (stopped_ || goes_on || is_listed) co_return;
  unload(name);  // what runs is not what the config says
  fail(slot(wish), why);
}

Task<void> Apps::configure(std::vector<Config::App> apps) {
  const std::vector<Config::App> before = std::exchange(configured_, std::move(apps));
  for (const Config::App& old : before) {
    const App* app = find(old.name);
    if (app && app->is_configured && !configured(old.name)) unload(old.name);
  }
  const std::vector<Config::App> wanted = configured_;
  for (const Config::App& app : wanted) {
    if (!is_stale(app, before)) continue;
    std::string name = app.name;
    Task<void> loading = restore(std::move(name));
    co_await loading;
  }
}

bool Apps::is_stale(const Config::App& wanted, const std::vector<Config::App>& before) {
  const App* app = find(wanted.name);
  if (app && !app->is_configured) return false;
  const auto is_same = [&wanted](const Config::App& old) {
    return old.name == wanted.name && old.file == wanted.file && old.config == wanted.config;
  };
  if (std::none_of(before.begin(), before.end(), is_same)) return true;
  return app && stamp_of(app->file) != app->stamp;
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
  if (looked.empty())
    throw Fault(Error(KITH_ABSENT, fmt::format("app {} has no runner: enable one, such as "
                                               "[plugins.lua]",
                                               name)));
  throw Fault(Error(KITH_ABSENT, fmt::format("app {} has no file: looked for {}", name, looked)));
}

std::string Apps::absent(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const auto& [known_name, app] : apps_) known.push_back(known_name);
  for (const Config::App& app : configured_) known.push_back(app.name);
  const std::string_view near = bus::nearest(name, known);
  const std::string quoted = bus::in_quotes(name);
  if (near.empty()) return "no app " + quoted + ": there is none, see 'kith app run --help'";
  return "no app " + quoted + ": did you mean " + bus::in_quotes(near) + "? See 'kith app list'";
}

}  // namespace kith::node

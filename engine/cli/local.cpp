// SPDX-License-Identifier: MIT
#include "engine/cli/local.h"

#include "engine/cli/run.h"
#include "engine/crypto/keys.h"
#include "engine/node/config_toml.h"
#include "engine/node/home.h"
#include "engine/node/loader.h"
#include "engine/node/real_loop.h"

namespace kith::cli {
namespace {

using wire::Value;

std::string file_of(const node::ConfigRequest& request) {
  return request.config.empty() ? node::HomeFiles{request.home}.config() : request.config;
}

Value::List texts(const std::vector<std::string>& from) { return {from.begin(), from.end()}; }

}  // namespace

int show_id(const Place& place) {
  if (auto made = node::Home::make(place.home); !made) {
    place.out.note(made.error().message());
    return kExitFailure;
  }
  crypto::start_crypto();
  crypto::Key32 seed{};
  node::RealLoop().entropy(seed);
  const auto identity =
      crypto::Identity::load_or_create(node::HomeFiles{place.home}.identity(), seed);
  crypto::wipe(seed);
  if (!identity) {
    place.out.note(identity.error().message());
    return kExitFailure;
  }
  if (!place.out.json()) {
    place.out.line(identity->peer_id().text());
    return kExitOk;
  }
  Value made;
  made["peer_id"] = identity->peer_id().text();
  place.out.value(made);
  return kExitOk;
}

int check_config(const Place& place, const node::ConfigRequest& request,
                 const std::vector<node::PluginOptions>& known) {
  const auto [config, errors] = node::load_config(request, known);
  for (const auto& error : errors) place.out.note(error);
  if (place.out.json()) {
    Value made;
    made["file"] = file_of(request);
    made["ok"] = errors.empty();
    made["errors"] = texts(errors);
    place.out.value(made);
  } else if (errors.empty()) {
    place.out.line(file_of(request) + " is good: " + std::to_string(config.plugins.size()) +
                   " plugins, " + std::to_string(config.apps.size()) + " apps");
  }
  return errors.empty() ? kExitOk : kExitConfig;
}

int show_config(const Place& place, const node::ConfigRequest& request,
                const std::vector<node::PluginOptions>& known, bool origin) {
  const auto [config, errors] = node::load_config(request, known);
  for (const auto& error : errors) place.out.note(error);
  if (!errors.empty()) return kExitConfig;
  Value::List rows;
  for (const auto& setting : config.settings) {
    Value row;
    row["name"] = setting.path;
    row["value"] = setting.value;
    if (origin) row["origin"] = setting.origin;
    rows.push_back(std::move(row));
    if (place.out.json()) continue;
    place.out.line(setting.path + " = " + node::to_toml(setting.value) +
                   (origin ? "  # " + setting.origin : ""));
  }
  if (place.out.json()) place.out.value(rows);
  return kExitOk;
}

int check_plugin(const Place& place, const std::string& file) {
  const auto facts = node::judge_plugin(file);
  if (!facts) {
    place.out.note(facts.error().message());
    return kExitFailure;
  }
  if (!place.out.json()) {
    place.out.line(facts->name + " " + facts->version + " would load: " + facts->summary);
    return kExitOk;
  }
  Value made;
  made["name"] = facts->name;
  made["version"] = facts->version;
  made["summary"] = facts->summary;
  made["needs"] = texts(facts->needs);
  made["offers"] = texts(facts->offers);
  Value::List options;
  for (const auto& option : facts->options.options) {
    Value row;
    row["name"] = option.name;
    row["type"] = option.type;
    row["default"] = option.default_toml;
    row["help"] = option.help;
    options.push_back(std::move(row));
  }
  made["options"] = std::move(options);
  place.out.value(made);
  return kExitOk;
}

}  // namespace kith::cli

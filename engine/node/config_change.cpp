// SPDX-License-Identifier: MIT
#include "engine/node/config_change.h"

#include <map>

namespace kith::node {

namespace {

using Values = std::map<std::string, wire::Value>;  // of one section, by path

// Origins are no change: a line may move.
std::map<std::string, Values> sections_of(const Config& config) {
  std::map<std::string, Values> sections;
  for (const Config::Plugin& plugin : config.plugins) sections["plugins." + plugin.name];
  for (const Config::Ledger& ledger : config.ledgers) sections["ledgers." + ledger.name];
  for (const Setting& setting : config.settings) {
    if (setting.path.starts_with("apps.") || setting.path.starts_with("ledgers.")) continue;
    const std::string section = setting.path.substr(0, setting.path.rfind('.'));
    sections[section][setting.path] = setting.value;
  }
  return sections;
}

}  // namespace

std::vector<std::string> changed_sections(const Config& before, const Config& after) {
  const auto old = sections_of(before), fresh = sections_of(after);
  std::vector<std::string> names;
  for (const auto& [name, values] : old) {
    const auto found = fresh.find(name);
    if (found == fresh.end() || found->second != values) names.push_back("[" + name + "]");
  }
  for (const auto& [name, values] : fresh) {
    if (!old.contains(name) && !name.starts_with("ledgers.")) names.push_back("[" + name + "]");
  }
  return names;
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "engine/node/config.h"

#include <algorithm>
#include <map>

#include "engine/bus/nearest.h"
#include "engine/node/config_ledgers.h"
#include "engine/node/config_toml.h"
#include "engine/node/origins.h"
#include "engine/store/blocks.h"

namespace kith::node {
namespace {

using wire::Value;

// How far an environment's spelling goes: lower case, and '_' for what a variable cannot hold.
std::string environment_form(std::string_view name) {
  std::string made(name);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-' || c == '.') c = '_';
  }
  return made;
}

// Of plugins, options and tables, by name; nullptr when there is none.
template <class Named>
const Named* find_named(const std::vector<Named>& all, std::string_view name,
                        bool in_environment = false) {
  for (const Named& one : all) {
    if (one.name == name || (in_environment && environment_form(one.name) == name)) return &one;
  }
  return nullptr;
}

std::string hint(std::string_view word, const std::vector<std::string_view>& known) {
  if (known.empty()) return ": it has no options";
  return ": did you mean '" + std::string(bus::nearest(word, known)) + "'?";
}

void merge(Value& into, const Value& from) {
  if (!into.map() || !from.map()) {
    into = from;
    return;
  }
  for (const auto& [key, value] : *from.map()) merge(into[key], value);
}

// One source of values: how its origins and its faults are named.
struct Layer {
  std::string name;    // "kith.toml", "env KITH__..", "--set ..."
  std::string origin;  // of a value; for a file the line is appended
  bool is_file = false;
  bool is_environment = false;

  std::string where(TomlPlace at) const {
    if (!is_file) return name;
    return name + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  }
  std::string origin_at(TomlPlace at) const {
    return is_file ? origin + ":" + std::to_string(at.line) : origin;
  }
};

struct Cell {
  Value value;
  std::string origin;
};
using Cells = std::map<std::string, Cell>;
struct LedgerCells {
  Cells own, retention;
};

bool is_ledger(const TomlMember& member) { return member.node.is_table && member.key != "open"; }
bool is_retention(const TomlMember& member) { return member.key == "retention"; }

class ConfigReader {
 public:
  explicit ConfigReader(const std::vector<PluginOptions>& known) : known_(known) {}

  void read_file(const std::string& name, std::string_view text) {
    const std::size_t slash = name.rfind('/');
    const Layer layer{name, slash == name.npos ? name : name.substr(slash + 1), true, false};
    const TomlText parsed = parse_toml(text);
    for (const auto& fault : parsed.faults) fail(layer, fault.at, fault.sentence);
    if (parsed.faults.empty()) walk(layer, parsed.root);
  }

  void read_environment(const std::string& name, const std::string& value) {
    if (!name.starts_with("KITH__")) return;
    const Layer layer{"env " + name, "env " + name, false, true};
    read_one(layer, split(environment_form(name.substr(6)), "__"), value);
  }

  void read_set(const std::string& text) {
    const std::size_t equals = text.find('=');
    const Layer layer{"--set " + text.substr(0, equals), "--set", false, false};
    if (equals == text.npos) return fail(layer, {}, "expected NAME=VALUE");
    read_one(layer, split(text.substr(0, equals), "."), text.substr(equals + 1));
  }

  ConfigVerdict finish() {
    finish_engine();
    for (const auto& [name, cells] : plugins_) {
      const PluginOptions* spec = find_named(known_, name);
      verdict_.config.plugins.push_back({name, fill("plugins." + name, *spec, cells)});
    }
    for (const auto& [name, cells] : apps_) finish_app(name, cells);
    for (const auto& [name, given] : ledgers_) finish_ledger(name, given);
    return std::move(verdict_);
  }

 private:
  void fail(const Layer& layer, TomlPlace at, const std::string& sentence) {
    verdict_.errors.push_back(layer.where(at) + ": " + sentence);
  }

  static std::vector<std::string> split(const std::string& text, std::string_view by) {
    std::vector<std::string> words;
    std::size_t at = 0;
    for (std::size_t end; (end = text.find(by, at)) != text.npos; at = end + by.size())
      words.push_back(text.substr(at, end - at));
    words.push_back(text.substr(at));
    return words;
  }

  // One value at the end of a path, walked as the table it would be in a file.
  void read_one(const Layer& layer, const std::vector<std::string>& path, const std::string& text) {
    TomlNode node;
    if (auto parsed = parse_toml_value(text)) {
      node = *std::move(parsed);
    } else {
      node.value = text;
    }
    for (auto name = path.rbegin(); name != path.rend(); ++name) {
      if (name->empty()) return fail(layer, {}, "a name between the separators is empty");
      TomlNode table;
      table.is_table = true;
      table.members.push_back({*name, std::move(node)});
      node = std::move(table);
    }
    walk(layer, node);
  }

  void walk(const Layer& layer, const TomlNode& root) {
    for (const auto& [key, node] : root.members) {
      const PluginOptions* engine = find_named(engine_options(), key);
      if (!engine && key != "plugins" && key != "apps") {
        std::vector<std::string_view> names{"plugins", "apps"};
        for (const auto& table : engine_options()) names.push_back(table.name);
        fail(layer, node.at, "unknown key '" + key + "'" + hint(key, names));
      } else if (!node.is_table) {
        fail(layer, node.at, "'" + key + "' is a table: write [" + key + "]");
      } else if (key == "plugins") {
        walk_plugins(layer, node);
      } else if (key == "apps") {
        walk_apps(layer, node);
      } else if (key == "ledgers") {
        walk_ledgers(layer, *engine, node);
      } else {
        walk_options(layer, key, *engine, node, engine_[key]);
      }
    }
  }

  void walk_plugins(const Layer& layer, const TomlNode& table) {
    for (const auto& [name, node] : table.members) {
      const PluginOptions* spec = find_named(known_, name, layer.is_environment);
      if (!spec) {
        std::vector<std::string_view> names;
        for (const auto& plugin : known_) names.push_back(plugin.name);
        const std::string near = names.empty() ? ": none is installed" : hint(name, names);
        fail(layer, node.at, "unknown plugin '" + name + "' in [plugins]" + near);
      } else if (!spec->fault.empty()) {
        fail(layer, node.at, "plugin '" + name + "' cannot be enabled: " + spec->fault);
      } else if (!node.is_table) {
        fail(layer, node.at, "'plugins." + name + "' is a table: write [plugins." + name + "]");
      } else {
        walk_options(layer, "plugins." + spec->name, *spec, node, plugins_[spec->name]);
      }
    }
  }

  // A member that is a table names a ledger; but for `open`, which names several.
  void walk_ledgers(const Layer& layer, const PluginOptions& spec, const TomlNode& table) {
    TomlNode options = table;
    std::erase_if(options.members, &is_ledger);
    walk_options(layer, "ledgers", spec, options, engine_["ledgers"]);
    for (const TomlMember& member : table.members) {
      if (!is_ledger(member)) continue;
      const auto& [name, node] = member;
      if (store::is_name_valid(name)) {
        walk_ledger(layer, node, *ledgers_.try_emplace(name).first);
      } else {
        fail(layer, node.at,
             "'" + name + "' is no ledger's name: 1 to 64 of a-z, 0-9, '.', '_' and '-'");
      }
    }
  }

  void walk_ledger(const Layer& layer, const TomlNode& node,
                   std::pair<const std::string, LedgerCells>& ledger) {
    const std::string section = "ledgers." + ledger.first;
    TomlNode options = node;
    std::erase_if(options.members, &is_retention);
    walk_options(layer, section, ledger_options(), options, ledger.second.own);
    for (const TomlMember& member : node.members) {
      if (!is_retention(member)) continue;
      const std::string path = section + ".retention";
      if (member.node.is_table) {
        walk_options(layer, path, retention_options(), member.node, ledger.second.retention);
      } else {
        fail(layer, member.node.at,
             "'" + path + "' is a table: write { max_age = \"90d\", max_bytes = \"1GiB\" }");
      }
    }
  }

  void walk_options(const Layer& layer, const std::string& section, const PluginOptions& spec,
                    const TomlNode& table, Cells& cells) {
    for (const auto& [key, node] : table.members) {
      const Option* option = find_named(spec.options, key, layer.is_environment);
      if (!option) {
        std::vector<std::string_view> names;
        for (const auto& one : spec.options) names.push_back(one.name);
        fail(layer, node.at, "unknown key '" + key + "' in [" + section + "]" + hint(key, names));
        continue;
      }
      const Value value = node.as_value();
      if (const auto good = judge_option(option->type, value); !good) {
        fail(layer, node.at, section + "." + option->name + ": " + good.error().detail());
      } else {
        cells[option->name] = {value, layer.origin_at(node.at)};
      }
    }
  }

  void walk_apps(const Layer& layer, const TomlNode& table) {
    for (const auto& [name, node] : table.members) {
      const bool plain =
          name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos &&
          name.front() != '-';
      if (!plain) {
        fail(layer, node.at, "'" + name + "' is no app name: lower-case letters, digits and '-'");
      } else if (!node.is_table) {
        fail(layer, node.at, "'apps." + name + "' is a table: write [apps." + name + "]");
      } else {
        Cells& app = apps_[name];
        for (const auto& [key, value] : node.members) {
          Cell& cell = app[key];
          merge(cell.value, value.as_value());
          cell.origin = layer.origin_at(value.at);
        }
      }
    }
  }

  // A map with every option of the spec, from the cells or by default.
  Value fill(const std::string& section, const PluginOptions& spec, const Cells& cells) {
    Value::Map options;
    for (const auto& option : spec.options) {
      if (option.type == "table") continue;  // it is filled by itself
      Cell cell;
      if (const auto given = cells.find(option.name); given != cells.end()) {
        cell = given->second;
      } else if (auto parsed = parse_toml_value(option.default_toml)) {
        cell = {parsed->as_value(), "default"};
      }
      if (auto value = judge_option(option.type, cell.value)) {
        options[option.name] = *std::move(value);
      } else {
        verdict_.errors.push_back(section + "." + option.name + ": its declared default " +
                                  option.default_toml + " is not of its type " + option.type);
      }
      verdict_.config.settings.push_back(
          {section + "." + option.name, std::move(cell.value), std::move(cell.origin)});
    }
    return options;
  }

  // A whole number in a range, or one of a few words: what a type alone cannot say.
  void hold(bool good, const std::string& path, const std::string& expected) {
    if (good) return;
    const auto& settings = verdict_.config.settings;
    const auto setting = std::find_if(settings.begin(), settings.end(),
                                      [&](const Setting& one) { return one.path == path; });
    verdict_.errors.push_back(setting->origin + ": " + path + ": expected " + expected + ", not " +
                              to_toml(setting->value));
  }

  void finish_engine() {
    Config& config = verdict_.config;
    std::map<std::string, Value> tables;
    for (const auto& spec : engine_options())
      tables[spec.name] = fill(spec.name, spec, engine_[spec.name]);
    config.log = {tables["log"].string_or("level"), tables["log"].string_or("format")};
    const auto is_one_of = [](const std::string& word, std::vector<std::string> words) {
      return std::find(words.begin(), words.end(), word) != words.end();
    };
    hold(is_one_of(config.log.level, {"trace", "debug", "info", "warn", "error"}), "log.level",
         "trace, debug, info, warn or error");
    hold(is_one_of(config.log.format, {"auto", "text", "json"}), "log.format",
         "auto, text or json");
    for (const auto& item : *tables["gate"]["allow"].list())
      config.gate.allow.push_back(*item.string());
    for (const auto& item : *tables["gate"]["deny"].list())
      config.gate.deny.push_back(*item.string());
    config.limits.connections = tables["limits"].integer_or("connections", 0);
    config.limits.connections_per_peer = tables["limits"].integer_or("connections_per_peer", 0);
    hold(config.limits.connections >= 1 && config.limits.connections <= 1'000'000,
         "limits.connections", "1 to 1000000");
    hold(config.limits.connections_per_peer >= 1 && config.limits.connections_per_peer <= 1'000,
         "limits.connections_per_peer", "1 to 1000");
    config.store.durability = tables["store"].string_or("durability");
    hold(is_one_of(config.store.durability, {"sync", "interval"}), "store.durability",
         "sync or interval");
    for (const auto& item : *tables["ledgers"]["open"].list()) {
      config.ledgers.push_back({.name = *item.string()});
      hold(store::is_name_valid(*item.string()), "ledgers.open",
           "names of 1 to 64 of a-z, 0-9, '.', '_' and '-'");
    }
  }

  void finish_app(const std::string& name, const Cells& cells) {
    Config::App app{name, {}, Value::Map()};
    for (const auto& [key, cell] : cells) {
      verdict_.config.settings.push_back({"apps." + name + "." + key, cell.value, cell.origin});
      if (key != "file") app.config[key] = cell.value;
    }
    if (const auto file = cells.find("file"); file != cells.end()) {
      const auto* path = file->second.value.string();
      if (path && !path->empty()) {
        app.file = *path;
      } else {
        verdict_.errors.push_back(file->second.origin + ": apps." + name +
                                  ".file: expected a path in quotes, not " +
                                  to_toml(file->second.value));
      }
    }
    if (const auto origins = http_origins(app.config); !origins) {
      verdict_.errors.push_back(cells.at("http").origin + ": apps." + name + "." +
                                origins.error().detail());
    }
    verdict_.config.apps.push_back(std::move(app));
  }

  void finish_ledger(const std::string& name, const LedgerCells& given) {
    const std::string section = "ledgers." + name;
    const Value own = fill(section, ledger_options(), given.own);
    const Value retention = fill(section + ".retention", retention_options(), given.retention);
    const Config::Ledger made = ledger_of(name, own, retention);
    hold(are_witnesses_good(made), section + ".witnesses",
         "at most 64 peer ids with Ed25519 keys, such as \"12D3Koo..\"");
    auto& all = verdict_.config.ledgers;
    std::erase_if(all, [&](const Config::Ledger& each) { return each.name == name; });
    all.push_back(made);
  }

  const std::vector<PluginOptions>& known_;
  std::map<std::string, Cells> engine_, plugins_, apps_;
  std::map<std::string, LedgerCells> ledgers_;
  ConfigVerdict verdict_;
};

}  // namespace

const Config::Plugin* Config::find_plugin(std::string_view name) const {
  const auto found = std::find_if(plugins.begin(), plugins.end(),
                                  [&](const Plugin& plugin) { return plugin.name == name; });
  return found == plugins.end() ? nullptr : &*found;
}

ConfigVerdict read_config(const ConfigSources& sources, const std::vector<PluginOptions>& known) {
  ConfigReader reader(known);
  reader.read_file(sources.file_name, sources.file_text);
  for (const auto& [name, value] : sources.environment) reader.read_environment(name, value);
  for (const auto& text : sources.sets) reader.read_set(text);
  return reader.finish();
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "engine/node/loader.h"

#include <dlfcn.h>
#include <fmt/core.h>

#include <filesystem>
#include <string_view>

namespace kith::node {

const char* describe(loader_error error) {
  switch (error) {
    case loader_error::unreadable: return "the plugin cannot be loaded";
    case loader_error::no_entry: return "this is no kith plugin";
    case loader_error::wrong_abi: return "the plugin was built for another version of kith";
    case loader_error::malformed: return "the plugin's entry is malformed";
  }
  return "unknown loader error";
}

namespace {

bool is_name(const char* name) {
  if (!name || !*name) return false;
  for (const char* c = name; *c; ++c) {
    if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-')) return false;
  }
  return std::string_view(name).size() <= 64;
}

std::vector<std::string> words(const char* text) {
  std::vector<std::string> out;
  std::string_view rest = text ? text : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end > 0) out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

Result<void> judge_entry(const kith_plugin& entry, const std::string& path) {
  if (entry.abi != KITH_ABI) {
    return Error(
        loader_error::wrong_abi,
        fmt::format("{} speaks ABI {}, this node {}: build it anew against this node's kith.h",
                    path, entry.abi, KITH_ABI));
  }
  // What was there from the first day; later fields are optional by size.
  if (entry.size < offsetof(kith_plugin, role) + sizeof entry.role) {
    return Error(loader_error::malformed,
                 fmt::format("{} has a table of {} bytes", path, entry.size));
  }
  if (!is_name(entry.name)) {
    return Error(loader_error::malformed, path + " has no name of a-z, 0-9 and '-'");
  }
  if (!entry.version || !entry.start || !entry.stop) {
    return Error(loader_error::malformed, path + " lacks a version, start or stop");
  }
  return {};
}

}  // namespace

Result<const kith_plugin*> open_plugin(const std::string& path) {
  // A bare name would be searched for in the system's folders.
  const std::string absolute = std::filesystem::absolute(path).string();
  void* library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return Error(loader_error::unreadable, dlerror());
  const auto* entry = static_cast<const kith_plugin*>(dlsym(library, "kith_plugin_entry"));
  if (!entry) return Error(loader_error::no_entry, path + " exports no kith_plugin_entry");
  const auto judged = judge_entry(*entry, path);
  if (!judged) return judged.error();
  return entry;
}

PluginFacts facts_of(const kith_plugin& entry, std::string path) {
  PluginFacts facts;
  facts.path = std::move(path);
  facts.name = entry.name;
  facts.version = entry.version;
  facts.summary = entry.summary ? entry.summary : "";
  facts.options.name = facts.name;
  facts.options.summary = facts.summary;
  for (const kith_option* option = entry.options; option && option->name; ++option) {
    facts.options.options.push_back({option->name, option->type, option->value ? option->value : "",
                                     option->help ? option->help : ""});
  }
  facts.needs = words(entry.needs);
  facts.offers = words(entry.offers);
  return facts;
}

Result<PluginFacts> judge_plugin(const std::string& path) {
  const auto entry = open_plugin(path);
  if (!entry) return entry.error();
  return facts_of(**entry, path);
}

std::map<std::string, std::string> find_plugins(const std::vector<std::string>& folders) {
  std::map<std::string, std::string> found;
  for (const std::string& folder : folders) {
    std::error_code ignored;  // a folder that is not there holds nothing
    for (const auto& file : std::filesystem::directory_iterator(folder, ignored)) {
      if (file.path().extension() == ".so")
        found.emplace(file.path().stem().string(), file.path().string());
    }
  }
  return found;
}

}  // namespace kith::node

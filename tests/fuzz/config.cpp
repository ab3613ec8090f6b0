// SPDX-License-Identifier: MIT
// Any text as a config file and as a --set. What is read must come back from its TOML text, and
// what was judged good must hold every option that the plugins declare.
#include "engine/node/config.h"

#include <cstdlib>

#include "engine/node/config_toml.h"

namespace {

using namespace kith::node;  // NOLINT: one file

void check_text(std::string_view text) {
  const TomlText parsed = parse_toml(text);
  if (!parsed.faults.empty()) return;
  for (const auto& [key, node] : parsed.root.members) {
    const auto value = node.as_value();
    const std::string written = to_toml(value);
    // A value that grew over the bounds by its escapes is refused, not changed.
    if (written.size() > 4096) continue;
    const auto again = parse_toml_value(written);
    if (!again || again->as_value() != value) std::abort();
    const auto keyed = parse_toml(to_toml_key(key) + " = 1");
    if (!keyed.faults.empty() || keyed.root.members.front().key != key) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<PluginOptions> known = {{"echo", "", {}},
                                                   {"tcp",
                                                    "",
                                                    {{"listen", "strings", "[]", ""},
                                                     {"keep", "duration", "\"30s\"", ""},
                                                     {"room", "size", "\"1MiB\"", ""},
                                                     {"n", "int", "1", ""},
                                                     {"any", "any", "{}", ""}}}};
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_text(text);
  const auto first = read_config({"kith.toml", text, {}, {}}, known);
  const auto set = read_config({"kith.toml", {}, {{"KITH__LOG__LEVEL", text}}, {text}}, known);
  for (const auto* verdict : {&first, &set}) {
    if (!verdict->errors.empty()) continue;
    const auto* tcp = verdict->config.find_plugin("tcp");
    if (tcp && tcp->options.map()->size() != 5) std::abort();
    if (verdict->config.limits.connections < 1) std::abort();
  }
  return 0;
}

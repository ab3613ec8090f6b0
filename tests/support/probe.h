// SPDX-License-Identifier: MIT
// Probe: an app compiled into a test, whose hold on its node the test may use as a plugin would.
#pragma once
#include <kith/plugin.h>

#include "tests/support/play.h"

namespace kith::test {

template <const char* Name>
struct ProbeNamed final : App {
  static constexpr const char* kName = Name;
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "Lends its hold on the node to a test.";
  using App::App;
};

inline constexpr char kProbeName[] = "probe", kRivalName[] = "rival";
using Probe = ProbeNamed<kProbeName>;
using Rival = ProbeNamed<kRivalName>;  // another plugin of the same node
inline constinit const kith_plugin kProbe = detail::entry_of<Probe>();
inline constinit const kith_plugin kRival = detail::entry_of<Rival>();

// What a started plugin that is compiled into the test made of itself.
template <class T>
T& started(node::Node& node, const kith_plugin& entry) {
  for (const auto& plugin : node.plugins().all()) {
    if (plugin->entry == &entry) return *static_cast<T*>(plugin->me);
  }
  throw Fault(Error(KITH_ABSENT, std::string(entry.name) + " did not start"));
}

}  // namespace kith::test

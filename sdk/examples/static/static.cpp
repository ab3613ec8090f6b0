// SPDX-License-Identifier: MIT
// static: the smallest discovery mode. Every address of its list becomes a hint; whoever dials that
// peer finds it.
#include <kith/plugin.h>

#include "engine/wire/multiaddr.h"
#include "engine/wire/value.h"

namespace {

struct Static final : kith::Discovery {
  static constexpr const char* kName = "static";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Hints at a list of addresses (an example).";
  static constexpr kith_option kOptions[] = {
      {"hints", "strings", "[]", "Addresses ending in /p2p/PEER."}, {}};
  using Discovery::Discovery;

  kith::Result<void> configure(kith::Bytes options, bool commit) {
    const auto given = kith::wire::decode_body(options).value_or(kith::wire::Value());
    const auto* hints = given.find("hints");
    if (!hints || !hints->list()) return {};
    for (const auto& entry : *hints->list()) {
      const auto address = kith::wire::Multiaddr::from_text(entry.string() ? *entry.string() : "");
      if (!address || !address->peer())
        return kith::Error(KITH_BAD, "hints: an address ending in /p2p/PEER");
      if (commit) hint(address->peer()->bytes(), address->bytes());
    }
    return {};
  }
  void addresses(std::span<const kith_bytes>) override {}
};

}  // namespace

KITH_PLUGIN(Static)

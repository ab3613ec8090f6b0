// SPDX-License-Identifier: MIT
// Any text as what a receiver asks for in Retry-After, and any JSON as what an operator writes for
// hooks: waits stay within their bounds, what is accepted is complete, and no password is shown.
#include <cstdlib>

#include "engine/wire/json.h"
#include "plugins/apps/hooks/limits.h"
#include "plugins/apps/hooks/options.h"
#include "plugins/apps/hooks/retry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith;
  using namespace kith::hooks;
  const auto holds = [](bool claim) { claim ? void() : std::abort(); };
  const std::string_view text = as_text(Bytes(data, size));

  const auto asked_s = parse_retry_after(text, 784'111'777);
  holds(!asked_s || *asked_s <= kRetryAfterMaxS);
  const std::size_t tries = 1 + size % kTriesMax;
  const std::uint64_t delay_us = retry_delay_us(tries, asked_s, size * 0x9e3779b97f4a7c15u);
  holds(delay_us >= asked_s.value_or(0) * 1'000'000);
  holds(delay_us <= kRetryAfterMaxS * 1'200'000);

  const auto value = wire::from_json(text);
  if (!value) return 0;
  const auto specs = judge_options(*value);
  if (!specs) return 0;
  holds(specs->size() <= kHooksMax);
  for (const HookSpec& spec : *specs) {
    holds(!spec.topic.empty() && spec.url.starts_with("http"));
    const std::string shown = spec.shown_url();
    const std::string host = shown.substr(0, shown.find_first_of("/?#", shown.find("//") + 2));
    const std::size_t at = host.rfind('@');
    holds(at == host.npos || host.ends_with("***" + host.substr(at)));
    holds(at == host.npos || host.find("//***@") != host.npos);
  }
  return 0;
}

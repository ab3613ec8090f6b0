// SPDX-License-Identifier: MIT
// hooks: posts messages of topics to URLs that the operator names, as the JSON line that `kith
// listen --json` prints. It keeps nothing on disk, and its receivers never hold the message path
// up.
#pragma once
#include <kith/plugin.h>

#include "plugins/apps/hooks/hook.h"

namespace kith::hooks {

class Hooks final : public App {
 public:
  static constexpr const char* kName = "hooks";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Posts the messages of topics to HTTP receivers.";
  static constexpr kith_option kOptions[] = {
      {"post", "any", "[]",
       "One table a hook, [[plugins.hooks.post]]: topic (or a pattern) and url."},
      {}};

  explicit Hooks(const Host& given);
  ~Hooks();

  // Hooks that stay as they were keep what waits for them.
  Result<void> configure(Bytes options, bool commit);

 private:
  Result<void> replace(const std::vector<HookSpec>& specs);
  void list(kith_call* call);
  void test(kith_call* call, Bytes args);
  static Task<void> run(Hooks& hooks, kith_call* call, HookSpec spec);
  std::string sample(const HookSpec& spec) const;
  void answer(kith_call* call, const wire::Value& value) const;
  void refuse(kith_call* call, int code, const std::string& sentence) const;

  Poster poster_;
  std::vector<std::unique_ptr<Hook>> hooks_;  // as the config has them
  Op list_, test_;
  Scope tests_;
};

}  // namespace kith::hooks

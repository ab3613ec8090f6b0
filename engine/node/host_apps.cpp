// SPDX-License-Identifier: MIT
// kith.apps/1: what a runner says of an app that it runs. The Apps hear it.
#include "engine/node/host.h"

namespace kith::node {

const kith_apps* apps_table() {
  static constexpr kith_apps table{
      sizeof(kith_apps),
      [](kith_host* app, int state, kith_bytes sentence) {
        if (app->told && !app->stopped) app->told(state, text(sentence));
      },
  };
  return &table;
}

}  // namespace kith::node

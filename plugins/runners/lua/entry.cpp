// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/runner.h"

KITH_PLUGIN(kith::lua::Runner)

// SPDX-License-Identifier: MIT
#include "plugins/apps/hooks/hooks.h"

KITH_PLUGIN(kith::hooks::Hooks)

// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/gossipsub.h"

using kith::gossip::Gossipsub;

KITH_PLUGIN(Gossipsub)

/* SPDX-License-Identifier: MIT */
/* Its name would not fit into a config file. */
#include <kith/kith.h>

static int start(const kith_api* api, kith_host* host, void** me) {
  (void)api, (void)host, (void)me;
  return 0;
}
static void stop(void* me) { (void)me; }

extern KITH_EXPORT const kith_plugin kith_plugin_entry;
const kith_plugin kith_plugin_entry = {.abi = KITH_ABI,
                                       .size = sizeof(kith_plugin),
                                       .name = "Bad Name",
                                       .version = "1",
                                       .start = start,
                                       .stop = stop};

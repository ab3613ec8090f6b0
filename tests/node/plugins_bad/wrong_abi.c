/* SPDX-License-Identifier: MIT */
/* Built for a later kith. Nothing behind its first field may be read. */
#include <kith/kith.h>

extern KITH_EXPORT const uint32_t kith_plugin_entry;
const uint32_t kith_plugin_entry = KITH_ABI + 1;

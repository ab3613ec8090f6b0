/* SPDX-License-Identifier: MIT */
/* Says that its table ends before `start`. */
#include <kith/kith.h>

extern KITH_EXPORT const kith_plugin kith_plugin_entry;
const kith_plugin kith_plugin_entry = {.abi = KITH_ABI, .size = 16, .name = "short-table"};

/* SPDX-License-Identifier: MIT */
/* Whole, but without start and stop. */
#include <kith/kith.h>

extern KITH_EXPORT const kith_plugin kith_plugin_entry;
const kith_plugin kith_plugin_entry = {
    .abi = KITH_ABI, .size = sizeof(kith_plugin), .name = "no-start", .version = "1"};

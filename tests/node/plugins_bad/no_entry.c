/* SPDX-License-Identifier: MIT */
/* A shared library that is no plugin. */
int nothing_here(void);
__attribute__((visibility("default"))) int nothing_here(void) { return 0; }

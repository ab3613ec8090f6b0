// SPDX-License-Identifier: MIT
// How AddressSanitizer is set in every program of a build for tests, however it is started.

// With it, every call of __tls_get_addr is watched, so that the leak check knows the thread-local
// blocks of libraries that were opened late (libcurl's). Up to GCC 13 and LLVM 16 the watch takes a
// block that malloc happened to put 16 bytes past a page for one of a glibc before 2.25, reads the
// bounds of the memory to search from the two words before it, and the check dies on what it reads.
// Nothing of ours is thread-local, so without it nothing that we allocate goes unseen.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options();
const char* __asan_default_options() { return "intercept_tls_get_addr=0"; }

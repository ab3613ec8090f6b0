// SPDX-License-Identifier: MIT
// done_of: a kith_done that calls a lambda, which must outlive it. The lambda takes (r, result), or
// nothing.
#pragma once
#include <kith/kith.h>

namespace kith::test {

template <class Fn>
kith_done done_of(Fn& fn) {
  const auto call = [](void* ctx, std::int64_t r, const void* result) {
    auto& called = *static_cast<Fn*>(ctx);
    if constexpr (requires { called(r, result); }) {
      called(r, result);
    } else {
      called();
    }
  };
  return {call, &fn};
}

}  // namespace kith::test

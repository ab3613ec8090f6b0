// SPDX-License-Identifier: MIT
#include "engine/crypto/ed25519.h"

#include <sodium.h>

namespace kith::crypto {

bool is_prime_order_point(const Key32& key) {
  return crypto_core_ed25519_is_valid_point(key.data()) == 1;
}

}  // namespace kith::crypto

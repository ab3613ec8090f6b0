// SPDX-License-Identifier: MIT
// What a bare Ed25519 key must be before anything is kept by its name. Verifying is PublicKey's.
// Pure; any thread.
#pragma once
#include "engine/crypto/crypto.h"

namespace kith::crypto {

// A canonical point of the prime-order group. About as dear as a verification: once for a key that
// will be kept, not once a signature.
bool is_prime_order_point(const Key32& key);

}  // namespace kith::crypto

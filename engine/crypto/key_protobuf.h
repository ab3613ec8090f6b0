// SPDX-License-Identifier: MIT
// The protobuf that libp2p puts around keys, public and private alike: {1 type, 2 data}
// (peer-ids/peer-ids.md "Keys"). The room's own; never looks into the data.
#pragma once
#include "engine/crypto/keys.h"

namespace kith::crypto {

struct KeyParts {
  KeyType type{};
  Bytes data;  // a view into what was decoded
};

// Both fields, in order, minimal, nothing else: what decodes is also what encodes.
Result<KeyParts> decode_key(Bytes protobuf);
ByteVector encode_key(KeyType type, Bytes data);

}  // namespace kith::crypto

// SPDX-License-Identifier: MIT
// Property: an id is its bytes, and comes back from both of its text forms.
#include "engine/wire/peer_id.h"

#include <cstdlib>

using namespace kith;
using namespace kith::wire;

namespace {

void comes_back(const PeerId& id) {
  const auto from_bytes = PeerId::from_bytes(id.bytes());
  const auto from_text = PeerId::from_text(id.text());
  const auto from_cid = PeerId::from_text(id.cid_text());
  if (!from_bytes || !from_text || !from_cid) std::abort();
  if (*from_bytes != id || *from_text != id || *from_cid != id) std::abort();
  const Bytes key = id.inline_key();
  if (!key.empty() && PeerId::from_public_key(key) != id) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  if (const auto id = PeerId::from_bytes(bytes)) {
    if (!equal(id->bytes(), bytes)) std::abort();
    comes_back(*id);
  }
  if (const auto id = PeerId::from_text(as_text(bytes))) comes_back(*id);
  if (size > 0) comes_back(PeerId::from_public_key(bytes));
  return 0;
}

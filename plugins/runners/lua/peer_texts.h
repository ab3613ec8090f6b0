// SPDX-License-Identifier: MIT
// PeerTexts: the text forms of the peer ids that a script met last: base58 takes longer than all
// the rest of a short handler. Owned by the Script; bounded; never wrong, at worst slow.
#pragma once
#include <array>
#include <string>

#include "engine/wire/encodings.h"

namespace kith::lua {

class PeerTexts {
 public:
  const std::string& of(Bytes id) {
    Entry& entry = entries_[id.empty() ? 0 : id.back() % entries_.size()];
    if (!equal(entry.id, id)) {
      entry.text = wire::to_base58(id);
      entry.id = to_vector(id);
    }
    return entry.text;
  }

 private:
  struct Entry {
    ByteVector id;
    std::string text;
  };
  std::array<Entry, 64> entries_;
};

}  // namespace kith::lua

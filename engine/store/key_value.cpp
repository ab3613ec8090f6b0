// SPDX-License-Identifier: MIT
#include "engine/store/key_value.h"

#include <iterator>

namespace kith::store {

const char* describe(store_error error) {
  switch (error) {
    case store_error::in_use: return "the store is in use";
    case store_error::damaged: return "the store is damaged";
    case store_error::full: return "the disk is full";
    case store_error::failed: return "the store failed";
  }
  return "unknown store error";
}

void Batch::append(Batch&& more) {
  bytes_ += std::exchange(more.bytes_, 0);
  if (writes_.empty()) {
    writes_ = std::exchange(more.writes_, {});
    return;
  }
  writes_.insert(writes_.end(), std::make_move_iterator(more.writes_.begin()),
                 std::make_move_iterator(more.writes_.end()));
  more.writes_.clear();
}

}  // namespace kith::store

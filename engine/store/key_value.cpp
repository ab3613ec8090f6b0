// SPDX-License-Identifier: MIT
#include "engine/store/key_value.h"

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
    keys_ = std::exchange(more.keys_, {});
    return;
  }
  for (Write& write : more.writes_) {
    write.key_at += keys_.size();
    writes_.push_back(std::move(write));
  }
  kith::append(keys_, more.keys_);
  more.writes_.clear();
  more.keys_.clear();
}

}  // namespace kith::store

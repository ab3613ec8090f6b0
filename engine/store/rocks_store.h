// SPDX-License-Identifier: MIT
// The door by which tests put a disk that fails below the store; all others use open_rocks_store of
// key_value.h. The room's own.
#pragma once
#include "engine/store/key_value.h"

namespace rocksdb {
class Env;
}

namespace kith::store {

// All files are reached by `env`, which outlives the store. The folder is there.
Result<std::unique_ptr<KeyValue>> open_rocks_store(const std::string& folder, rocksdb::Env& env);

}  // namespace kith::store

// SPDX-License-Identifier: MIT
// The files of a RocksDB database before it is opened: finds the damage that RocksDB takes for the
// end of a log or for an empty folder, and ends a log where a crash tore it. Also what is said to a
// person of a status. The room's own.
#pragma once
#include <rocksdb/env.h>

#include "engine/store/key_value.h"

namespace kith::store {

Error rocks_error(const std::string& folder, const rocksdb::Status& status);
// Under the database's lock, for a node that runs writes there. Changes nothing that is damaged.
Result<void> prepare_rocks_files(rocksdb::Env& env, const std::string& folder);

}  // namespace kith::store

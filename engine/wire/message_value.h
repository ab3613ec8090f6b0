// SPDX-License-Identifier: MIT
// The body of a message as commands, doors and hooks show it; as JSON it is the line that
// `kith listen --json` prints.
#pragma once
#include "engine/wire/value.h"

namespace kith::wire {

// {topic, from, text, data, id, seqno, via, received}; from, text, seqno and via are null where
// absent. from and via: base58 text; id: hex; seqno: decimal; text: null unless UTF-8; received:
// Unix seconds as a double.
Value message_value(const kith_message& message);

}  // namespace kith::wire

// SPDX-License-Identifier: MIT
#include "engine/wire/message_value.h"

#include "engine/wire/encodings.h"

namespace kith::wire {

Value message_value(const kith_message& message) {
  const auto peer = [](kith_bytes id) { return id.n == 0 ? Value() : Value(to_base58(view(id))); };
  const Bytes data = view(message.data);
  Value::Map body;
  body["topic"] = text(message.topic);
  body["from"] = peer(message.from);
  body["text"] = is_utf8(data) ? Value(as_text(data)) : Value();
  body["data"] = to_vector(data);
  body["id"] = to_hex(view(message.id));
  body["seqno"] = message.seqno == 0 ? Value() : Value(std::to_string(message.seqno));
  body["via"] = peer(message.via);
  body["received"] = static_cast<double>(message.received_us) / 1e6;  // Unix seconds
  return Value(std::move(body));
}

}  // namespace kith::wire

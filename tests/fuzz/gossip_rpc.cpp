// SPDX-License-Identifier: MIT
// Any bytes as a gossipsub RPC: what decodes is within its limits, encodes, and decodes to the same
// again; each of its messages is stored in canonical order, and each id has one form inside.
#include <cstdlib>

#include "plugins/routers/gossipsub/cache.h"
#include "plugins/routers/gossipsub/limits.h"
#include "plugins/routers/gossipsub/message_id.h"

namespace {

using namespace kith;
using namespace kith::gossip;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_limits(const Rpc& rpc) {
  check(rpc.subscriptions.size() <= limits::kSubscriptionsMax);
  check(rpc.messages.size() <= limits::kMessagesMax);
  check(rpc.ids.size() <= limits::kIdsMax + limits::kUnwantedIdsMax);
  std::size_t listed = 0;
  for (const auto* kind : {&rpc.ihave, &rpc.iwant, &rpc.idontwant})
    for (const auto& list : *kind) listed += list.count;
  check(listed == rpc.ids.size());
}

void check_message(const MessageView& message) {
  const Stored stored = store_message(message, as_bytes("id"), as_bytes("via"), 1);
  Bytes frame = stored.frame.bytes();
  const auto body = wire::read_prefixed(frame, frame.size());
  check(body && frame.empty());
  Rpc again;
  check(static_cast<bool>(decode_rpc(*body, again)) && again.messages.size() == 1);
  const MessageView& read = again.messages.front();
  check(read.present == message.present);
  check(equal(read.from, message.from) && equal(read.data, message.data));
  check(equal(read.seqno, message.seqno) && equal(read.topic, message.topic));
  check(equal(read.signature, message.signature) && equal(read.key, message.key));
  check(equal(stored.message.data, message.data) && equal(stored.message.topic, message.topic));
  ByteVector part;
  append_message(part, message, kSignedFields);
  check(equal(stored.signed_part, part));
  if (message.seqno.size() != kSeqnoBytes || !wire::PeerId::from_bytes(message.from)) return;
  for (const IdForm form : {IdForm::kSpec, IdForm::kRust}) {
    const ReadId id = read_id(id_in_form(message, form));
    if (id.known && id.form == form) check(equal(id.id, spec_id(message)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  Rpc rpc;
  if (!decode_rpc(bytes, rpc)) {
    check(rpc.empty());
    return 0;
  }
  check_limits(rpc);
  ByteVector once, twice;
  append_rpc(once, rpc);
  Rpc again;
  check(static_cast<bool>(decode_rpc(once, again)));
  append_rpc(twice, again);
  check(once == twice);
  for (const MessageView& message : rpc.messages) check_message(message);
  for (const Bytes id : rpc.ids) check(read_id(id).id.size() <= limits::kIdBytesMax);
  return 0;
}

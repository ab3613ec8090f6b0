// SPDX-License-Identifier: MIT
// MessageId: one id inside, whatever a peer's stack calls the message. Signed messages: the spec's
// form, from || seqno; unsigned ones: the SHA-256 of their data. Peers whose ids have another form
// hear theirs, and what they say is turned back; else IHAVE, IWANT and IDONTWANT would be void
// towards them, and each would charge the other for it.
#pragma once
#include "engine/wire/peer_id.h"
#include "plugins/routers/gossipsub/rpc.h"

namespace kith::gossip {

// kSpec: from || seqno (8 bytes, big endian); go-libp2p and the spec.
// kJs: PublicKey protobuf || seqno; js-libp2p.
// kRust: base58 of from, then seqno in decimal, as text; rust-libp2p.
enum class IdForm : std::uint8_t { kSpec, kJs, kRust };

inline constexpr std::size_t kSeqnoBytes = 8;

// from || seqno of a signed message whose seqno has 8 bytes.
ByteVector spec_id(const MessageView& message);
std::uint64_t seqno_of(Bytes seqno);

// The id of a signed message in a form. The js form of an author whose id is a hash needs the
// message's key; without it the spec's form is given.
ByteVector id_in_form(const MessageView& message, IdForm form);

struct ReadId {
  ByteVector id;       // the spec's form, or the bytes as they were
  bool known = false;  // whether `form` was recognised
  IdForm form = IdForm::kSpec;
};
ReadId read_id(Bytes id);

// Until ids were seen: by the agent version of identify.
IdForm form_of_agent(std::string_view agent);

}  // namespace kith::gossip

// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/message_id.h"

#include <charconv>

#include "engine/wire/encodings.h"

namespace kith::gossip {

namespace {

constexpr std::size_t kPeerIdTextMax = 64;

void append_seqno(ByteVector& to, std::uint64_t seqno) {
  for (int shift = 56; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(seqno >> shift));
}

// {1 type (varint), 2 data}, canonical, as every stack writes it.
bool is_public_key(Bytes bytes) {
  if (bytes.size() < 5 || bytes[0] != 0x08 || bytes[1] > 3 || bytes[2] != 0x12) return false;
  Bytes rest = bytes.subspan(3);
  const auto data = wire::read_prefixed(rest, rest.size());
  return data && rest.empty();
}

// The text of a peer id has one length for each kind of key: RSA (Qm..), Ed25519, secp256k1.
std::size_t peer_text_size(std::string_view text) {
  if (text.starts_with("12D3Koo")) return 52;
  if (text.starts_with("16Uiu2")) return 53;
  if (text.starts_with("Qm")) return 46;
  return 0;
}

bool read_rust(std::string_view text, ByteVector& to) {
  const std::size_t cut = peer_text_size(text);
  if (cut == 0 || text.size() <= cut || text.size() > cut + 20) return false;
  std::uint64_t seqno = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + cut, end, seqno);
  if (read.ec != std::errc() || read.ptr != end) return false;
  const auto from = wire::PeerId::from_text(text.substr(0, cut));
  if (!from) return false;
  append(to, from->bytes());
  append_seqno(to, seqno);
  return true;
}

}  // namespace

ByteVector spec_id(const MessageView& message) {
  ByteVector made;
  made.reserve(message.from.size() + message.seqno.size());
  append(made, message.from);
  append(made, message.seqno);
  return made;
}

std::uint64_t seqno_of(Bytes seqno) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : seqno) value = value << 8 | byte;
  return value;
}

ByteVector id_in_form(const MessageView& message, IdForm form) {
  if (form == IdForm::kSpec) return spec_id(message);
  const auto from = wire::PeerId::from_bytes(message.from);
  if (!from) return spec_id(message);
  if (form == IdForm::kRust) {
    const std::string made = from->text() + std::to_string(seqno_of(message.seqno));
    return to_vector(as_bytes(made));
  }
  const Bytes key = from->inline_key().empty() ? message.key : from->inline_key();
  if (key.empty()) return spec_id(message);
  ByteVector made = to_vector(key);
  append(made, message.seqno);
  return made;
}

ReadId read_id(Bytes id) {
  ReadId read;
  if (id.size() > kSeqnoBytes) {
    const Bytes head = id.first(id.size() - kSeqnoBytes);
    if (is_public_key(head)) {
      append(read.id, wire::PeerId::from_public_key(head).bytes());
      append(read.id, id.last(kSeqnoBytes));
      read.known = true;
      read.form = IdForm::kJs;
      return read;
    }
    if (wire::PeerId::from_bytes(head)) {
      read.known = true;
      read.id = to_vector(id);
      return read;
    }
  }
  if (id.size() <= kPeerIdTextMax + 20 && read_rust(as_text(id), read.id)) {
    read.known = true;
    read.form = IdForm::kRust;
    return read;
  }
  read.id = to_vector(id);
  return read;
}

IdForm form_of_agent(std::string_view agent) {
  if (agent.starts_with("js-libp2p")) return IdForm::kJs;
  if (agent.starts_with("rust-libp2p")) return IdForm::kRust;
  return IdForm::kSpec;
}

}  // namespace kith::gossip

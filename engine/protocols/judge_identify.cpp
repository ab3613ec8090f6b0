// SPDX-License-Identifier: MIT
#include "engine/protocols/judge_identify.h"

#include "engine/base/limits.h"
#include "engine/protocols/signed_record.h"
#include "engine/wire/encodings.h"

namespace kith::protocols {
namespace {

constexpr std::size_t kProtocolBytesMax = limits::kMultistreamLineMax - 1;

// At most so many bytes, cut between two characters; empty where it is no UTF-8.
std::string clean(const std::optional<std::string>& text, std::size_t bytes_max) {
  if (!text || !wire::is_utf8(as_bytes(*text))) return {};
  std::size_t size = std::min(text->size(), bytes_max);
  const auto continues = [&] {
    return size < text->size() && (static_cast<std::uint8_t>((*text)[size]) & 0xc0u) == 0x80u;
  };
  while (continues()) --size;
  return text->substr(0, size);
}

// Without the sender's own /p2p; nothing when it is another peer's.
std::optional<wire::Multiaddr> own_address(const wire::Multiaddr& address,
                                           const wire::PeerId& owner) {
  const auto named = address.peer();
  if (named && !(*named == owner)) return std::nullopt;
  wire::Multiaddr bare = address.without_peer();
  if (bare.empty()) return std::nullopt;
  return bare;
}

void add_address(std::vector<wire::Multiaddr>& to, const wire::Multiaddr& address,
                 const wire::PeerId& owner) {
  if (auto own = own_address(address, owner)) to.push_back(std::move(*own));
}

void take_record(Judged& judged, const ByteVector& envelope, const wire::PeerId& proven) {
  const auto record = open_record(envelope);
  if (!record) {
    judged.record_refused = record.error().message();
  } else if (!(record->peer == proven)) {
    judged.record_refused = "it is another peer's";
  } else {
    judged.what.record = envelope;
    judged.what.record_seq = record->seq;
    judged.what.addresses.clear();
    for (const auto& address : record->addresses)
      add_address(judged.what.addresses, address, proven);
  }
}

}  // namespace

Result<Judged> judge_identify(wire::IdentifyMessage message, const wire::PeerId& proven,
                              bool push) {
  if (!message.public_key && !push) return Error(KITH_BAD, "identify has no public key");
  if (message.public_key && !(wire::PeerId::from_public_key(*message.public_key) == proven))
    return Error(KITH_BAD, "identify has another peer's key");
  Judged judged;
  judged.what.push = push;
  judged.what.agent = clean(message.agent_version, limits::kAgentBytesMax);
  judged.what.protocol_version = clean(message.protocol_version, limits::kAgentBytesMax);
  for (std::string& protocol : message.protocols) {
    const bool usable = !protocol.empty() && protocol.size() <= kProtocolBytesMax;
    if (usable && wire::is_utf8(as_bytes(protocol)))
      judged.what.protocols.push_back(std::move(protocol));
  }
  for (const ByteVector& bytes : message.listen_addresses) {
    const auto address = wire::Multiaddr::from_bytes(bytes);
    if (address) add_address(judged.what.addresses, *address, proven);
  }
  if (message.signed_peer_record) take_record(judged, *message.signed_peer_record, proven);
  if (message.observed_address) {
    const auto address = wire::Multiaddr::from_bytes(*message.observed_address);
    if (address && !address->without_peer().empty()) judged.observed = address->without_peer();
  }
  return judged;
}

}  // namespace kith::protocols

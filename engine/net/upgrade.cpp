// SPDX-License-Identifier: MIT
#include "engine/net/upgrade.h"

#include <algorithm>

#include "engine/net/multistream.h"
#include "engine/net/yamux_connection.h"

namespace kith::net {

namespace {

constexpr std::string_view kNoiseProtocol = "/noise";
// Far above any key and its extensions; a stranger makes this node hold no more before it is known.
constexpr std::size_t kHandshakeMessageMax = 8 * 1024;

void check_link(int r) {
  if (r == KITH_TIMEOUT) throw Fault(Error(net_error::timeout, "during the Noise handshake"));
  if (r < 0) throw Fault(Error(net_error::closed, "cut off during the Noise handshake"));
}

Task<void> send_message(Pipe& link, ByteVector message) {
  const std::size_t size = message.size();
  const std::uint8_t prefix[] = {static_cast<std::uint8_t>(size >> 8),
                                 static_cast<std::uint8_t>(size)};
  message.insert(message.begin(), std::begin(prefix), std::end(prefix));
  const int sent = co_await write_all(link, message);
  check_link(sent);
}

Task<ByteVector> receive_message(Pipe& link) {
  ByteVector prefix(SealedLink::kPrefix);
  const int began = co_await read_exact(link, prefix);
  check_link(began);
  const std::size_t size = static_cast<std::size_t>(prefix[0]) << 8 | prefix[1];
  if (size > kHandshakeMessageMax) {
    throw Fault(Error(net_error::upgrade_failed, "a handshake message over 8 KiB"));
  }
  ByteVector message(size);
  const int got = co_await read_exact(link, message);
  check_link(got);
  co_return message;
}

Task<void> agree(Pipe& pipe, bool dialed, std::string_view protocol) {
  if (dialed) {
    const std::span<const std::string_view> proposals(&protocol, 1);
    co_await select_protocol(pipe, proposals);
  } else {
    const std::function<bool(std::string_view)> known = [protocol](std::string_view name) {
      return name == protocol;
    };
    co_await answer_protocol(pipe, known);
  }
}

// What the Noise payload said, once judged.
struct Proven {
  wire::PeerId peer;
  std::vector<std::string> muxers;
};

Proven judge(const Shared& shared, const UpgradeRequest& request, Bytes bytes,
             const crypto::Key32& remote_static) {
  crypto::NoisePayload payload = crypto::decode_noise_payload(bytes).value();
  Proven proven{crypto::judge_noise_payload(payload, remote_static).value(),
                std::move(payload.muxers)};
  if (proven.peer == shared.identity.peer_id()) throw Fault(Error(net_error::dialed_self));
  if (request.expected && *request.expected != proven.peer) {
    throw Fault(Error(net_error::wrong_peer,
                      proven.peer.text() + " in place of " + request.expected->text()));
  }
  return proven;
}

ByteVector own_payload(const Shared& shared) {
  std::vector<std::string> muxers;
  if (shared.early_muxer) muxers.emplace_back(wire::kYamuxProtocol);
  const crypto::Key32 key = crypto::x25519_public(shared.noise_secret);
  return crypto::encode_noise_payload(
      crypto::make_noise_payload(shared.identity, key, std::move(muxers)));
}

// specs/noise "XX": -> e | <- e, ee, s, es | -> s, se. Neither side says who it is in the first.
Task<Proven> shake_hands(Shared& shared, UpgradeRequest& request, crypto::NoiseXX& noise) {
  Pipe& link = request.link;
  Proven proven;
  if (request.dialed) {
    ByteVector a = noise.write(Bytes()).value();
    co_await send_message(link, std::move(a));
    const ByteVector b = co_await receive_message(link);
    const ByteVector payload = noise.read(b).value();
    proven = judge(shared, request, payload, noise.remote_static());
    ByteVector c = noise.write(own_payload(shared)).value();
    co_await send_message(link, std::move(c));
  } else {
    const ByteVector a = co_await receive_message(link);
    noise.read(a).value();
    ByteVector b = noise.write(own_payload(shared)).value();
    co_await send_message(link, std::move(b));
    const ByteVector c = co_await receive_message(link);
    const ByteVector payload = noise.read(c).value();
    proven = judge(shared, request, payload, noise.remote_static());
  }
  co_return proven;
}

// Both sent a list: the muxer is settled, and no multistream-select happens inside (specs/
// connections "Inlining Muxer Negotiation").
bool settled_early(const Shared& shared, const Proven& proven) {
  if (!shared.early_muxer || proven.muxers.empty()) return false;
  const auto& theirs = proven.muxers;
  if (std::find(theirs.begin(), theirs.end(), wire::kYamuxProtocol) == theirs.end()) {
    throw Fault(Error(net_error::no_common_protocol, "no muxer that both sides have"));
  }
  return true;
}

std::shared_ptr<const ConnectionFacts> gather_facts(const Shared& shared, UpgradeRequest& request,
                                                    const wire::PeerId& peer) {
  const kith_pipe_info info = request.link.info();
  const std::uint32_t dialed = request.dialed ? unsigned{KITH_PIPE_DIALED} : 0u;
  const auto known = [](wire::Multiaddr given, kith_bytes told) {
    if (!given.empty() || told.n == 0) return given;
    return wire::Multiaddr::from_bytes(view(told)).value_or(wire::Multiaddr());
  };
  return std::make_shared<const ConnectionFacts>(ConnectionFacts{
      shared.loop, peer, known(std::move(request.local), info.local),
      known(std::move(request.remote), info.remote), dialed | (info.flags & KITH_PIPE_LIMITED)});
}

}  // namespace

Task<std::unique_ptr<Connection>> upgrade(Shared& shared, UpgradeRequest request) {
  request.link.deadline(KITH_RD | KITH_WR, limits::kUpgradeMs);
  co_await agree(request.link, request.dialed, kNoiseProtocol);

  crypto::Key32 ephemeral;
  shared.loop.entropy(ephemeral);
  crypto::NoiseXX noise(request.dialed, shared.noise_secret, ephemeral);
  crypto::wipe(ephemeral);
  const Proven proven = co_await shake_hands(shared, request, noise);

  const bool early = settled_early(shared, proven);
  auto facts = gather_facts(shared, request, proven.peer);
  const crypto::NoiseXX::Keys keys = noise.split();
  auto sealed = std::make_unique<SealedLink>(shared.cipher, std::move(request.link), keys);
  SealedPipe inside(*sealed);
  if (!early) {
    Pipe pipe(&inside);
    co_await agree(pipe, request.dialed, wire::kYamuxProtocol);
  }
  sealed->link().deadline(KITH_RD | KITH_WR, 0);
  ByteVector rest = inside.take_rest();
  co_return std::make_unique<YamuxConnection>(shared, std::move(facts), std::move(sealed),
                                              std::move(rest));
}

}  // namespace kith::net

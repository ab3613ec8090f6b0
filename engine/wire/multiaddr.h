// SPDX-License-Identifier: MIT
// Multiaddr: a binary address of named parts (multiformats/multiaddr). A value; always well-formed.
#pragma once
#include <optional>

#include "engine/wire/peer_id.h"

namespace kith::wire {

class Multiaddr {
 public:
  Multiaddr() = default;  // empty
  // At least one part and at most 16, at most 1 KiB; names and paths in it can be shown as they
  // are.
  static Result<Multiaddr> from_bytes(Bytes bytes);
  static Result<Multiaddr> from_text(std::string_view text);

  Bytes bytes() const { return bytes_; }
  std::string text() const;
  bool empty() const { return bytes_.empty(); }

  struct Part {
    std::uint64_t code = 0;
    std::string_view name;  // "ip4", "tcp", "p2p"; static
    Bytes value;            // without a length prefix; views into the address
    std::string value_text() const;
  };
  std::vector<Part> parts() const;

  // The id of the last part, when that is a /p2p. with_peer puts it in the place of one that is
  // there, and takes nobody for none.
  std::optional<PeerId> peer() const;
  Multiaddr without_peer() const;
  Multiaddr with_peer(const PeerId& peer) const;
  // "/tcp", "/tcp/ws", "/memory": names after the host part (ip4, ip6, dns*), joined, without what
  // qualifies a layer and is none (p2p, certhash, sni). See kith_transport.
  std::string suffix() const;
  bool has(std::string_view name) const;
  // Host part: ip4 or ip6 literal, or a DNS name. Empty for /memory.
  std::string host() const;
  bool host_is_name() const;                  // dns, dns4, dns6
  std::optional<std::uint16_t> port() const;  // of the first tcp or udp part
  // The host part replaced (resolve, unspecified -> interface), an IPv6 zone dropped. Empty when
  // the literal is no IP or there is no host part.
  Multiaddr with_ip(std::string_view literal) const;
  Multiaddr with_port(std::uint16_t port) const;
  bool is_loopback() const;
  bool is_private() const;      // loopback, RFC 1918, link-local, ULA, CGNAT
  bool is_unspecified() const;  // 0.0.0.0, ::

  friend bool operator==(const Multiaddr&, const Multiaddr&) = default;
  friend auto operator<=>(const Multiaddr& a, const Multiaddr& b) { return a.bytes_ <=> b.bytes_; }

 private:
  explicit Multiaddr(ByteVector bytes) : bytes_(std::move(bytes)) {}
  ByteVector bytes_;
};

}  // namespace kith::wire

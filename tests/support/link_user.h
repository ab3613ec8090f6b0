// SPDX-License-Identifier: MIT
// LinkUser: what a plugin does with kith.links/1, by the hold on a node that a Probe lends.
#pragma once
#include "engine/wire/multiaddr.h"
#include "tests/support/plugin_host.h"
#include "tests/support/probe.h"

namespace kith::test {

inline ByteVector address_of(std::string_view text) {
  return to_vector(wire::Multiaddr::from_text(text).value().bytes());
}
inline std::string address_text(Bytes bytes) { return wire::Multiaddr::from_bytes(bytes)->text(); }

struct LinkUser {
  explicit LinkUser(Host given) : host(given) {}
  Op dial(std::string_view address, Links& to) const {
    const ByteVector bytes = address_of(address);
    return host.own(host.links().dial(host.raw(), c_bytes(Bytes(bytes)), to.done()));
  }
  // The bound address, or nothing; host.why says why.
  std::string listen(std::string_view address, Links& to) { return listen(address, to.done()); }
  std::string listen(std::string_view address, kith_done each) {
    const ByteVector bytes = address_of(address);
    std::uint8_t bound[256];
    kith_op* op = nullptr;
    code = host.links().listen(host.raw(), c_bytes(Bytes(bytes)), each, &op, bound, sizeof bound);
    listeners.push_back(host.own(op));
    return code < 0 ? "" : address_text({bound, static_cast<std::size_t>(code)});
  }
  Host host;
  int code = 0;
  std::vector<Op> listeners;
};

}  // namespace kith::test

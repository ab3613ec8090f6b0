// SPDX-License-Identifier: MIT
// Links for who builds on them: the swarm's transports and gate, nothing of its connections.
#include <algorithm>

#include "engine/net/swarm.h"

namespace kith::net {
namespace {

// The first of a name's addresses that is of the family asked for; empty when none is.
wire::Multiaddr resolved(const wire::Multiaddr& address, const std::vector<std::string>& literals) {
  const auto fits = [&](const std::string& literal) {
    const bool v6 = literal.find(':') != std::string::npos;
    return v6 ? !address.has("dns4") : !address.has("dns6");
  };
  const auto at = std::find_if(literals.begin(), literals.end(), fits);
  return at == literals.end() ? wire::Multiaddr() : address.with_ip(*at);
}

}  // namespace

Task<Pipe> Swarm::dial_link(wire::Multiaddr address) {
  if (retired_) throw Fault(net_error::closed);
  address = address.without_peer();
  std::string dns_name;
  if (address.host_is_name()) {
    dns_name = address.host();
    Completion found;
    const auto lookup = shared_.loop.resolve(dns_name, found.done());
    const std::int64_t r = co_await found;
    const auto* literals = static_cast<const std::vector<std::string>*>(found.result());
    address = r < 0 ? wire::Multiaddr() : resolved(address, *literals);
    if (address.empty())
      throw Fault(Error(KITH_ABSENT, "the name " + dns_name + " has no address"));
  }
  if (!gate_.admits_address(address)) throw Fault(net_error::gate_refused);
  co_return co_await transports_.dial(std::move(address), std::move(dns_name));
}

Result<Transports::Below> Swarm::listen_links(const wire::Multiaddr& address,
                                              std::function<void(Pipe)> each) {
  if (retired_) return net_error::closed;
  return transports_.listen_below(
      address, [this, each = std::move(each)](Pipe link, const wire::Multiaddr&) {
        const auto remote = wire::Multiaddr::from_bytes(view(link.info().remote));
        if (retired_ || (remote && !gate_.admits_address(*remote))) return;
        each(std::move(link));
      });
}

void Swarm::end_links(std::uint64_t id) { transports_.end_below(id); }

}  // namespace kith::net

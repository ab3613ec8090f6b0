// SPDX-License-Identifier: MIT
// Transports: the C tables that make links, each under the one address suffix it claims, and the
// listeners they opened. Owned by the Swarm. Knows nothing of peers; never upgrades a link.
#pragma once
#include <kith/pipe.h>

#include <functional>
#include <list>
#include <map>
#include <memory>

#include "engine/net/connection.h"

namespace kith::net {

class Transports {
 public:
  using EachLink = std::function<void(Pipe link, const wire::Multiaddr& bound)>;
  explicit Transports(EachLink each_link) : each_link_(std::move(each_link)) {}
  ~Transports();
  Transports(const Transports&) = delete;
  Transports& operator=(const Transports&) = delete;

  Result<void> add(const kith_transport* ops, void* me);  // KITH_REFUSED: suffix taken
  void remove(void* me);                                  // closes its listeners, ends its dials
  bool claims(const wire::Multiaddr& address) const;

  Result<wire::Multiaddr> listen(const wire::Multiaddr& address);
  std::vector<wire::Multiaddr> bound() const;

  // dns_name: what stood in the address before it was resolved, or empty. Throws Fault.
  Task<Pipe> dial(wire::Multiaddr address, std::string dns_name);

 private:
  struct Entry {
    const kith_transport* ops;
    void* me;
  };
  struct Listener {
    Transports& owner;
    Entry entry;
    wire::Multiaddr bound;
    kith_op* op = nullptr;
  };
  class Dial;
  static void each_link(void* listener, std::int64_t r, const void* link);
  const Entry* find(const wire::Multiaddr& address) const;

  EachLink each_link_;
  std::map<std::string, Entry> entries_;
  std::list<std::unique_ptr<Listener>> listeners_;
  std::list<Dial*> dials_;
};

}  // namespace kith::net

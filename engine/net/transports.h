// SPDX-License-Identifier: MIT
// Transports: the C tables that make links, each under the one address suffix it claims, and the
// listeners they opened: the node's own, and those below another transport's. Owned by the Swarm.
// Knows nothing of peers; never upgrades a link.
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

  // why: what the transport said of its newest refusal, or empty. KITH_REFUSED: suffix taken.
  using Why = std::function<std::string()>;
  Result<void> add(const kith_transport* ops, void* me, Why why);
  void remove(void* me);  // closes its listeners, ends its dials
  bool claims(const wire::Multiaddr& address) const;

  Result<wire::Multiaddr> listen(const wire::Multiaddr& address);
  std::vector<wire::Multiaddr> bound() const;
  // Ends the node's own listeners, and with them what these have below them.
  void end_listening();

  // A listener that is not the node's own: its links go to `each`, its address is nobody's news.
  struct Below {
    std::uint64_t id = 0;
    wire::Multiaddr bound;
  };
  Result<Below> listen_below(const wire::Multiaddr& address, EachLink each);
  void end_below(std::uint64_t id);  // fine when its transport has ended it before

  // dns_name: what stood in the address before it was resolved, or empty. Throws Fault.
  Task<Pipe> dial(wire::Multiaddr address, std::string dns_name);

 private:
  struct Entry {
    const kith_transport* ops;
    void* me;
    Why why;
  };
  struct Listener {
    Entry entry;
    EachLink each;
    std::uint64_t id = 0;  // 0: the node's own
    wire::Multiaddr bound;
    kith_op* op = nullptr;
  };
  class Dial;
  static void each_link(void* listener, std::int64_t r, const void* link);
  const Entry* find(const wire::Multiaddr& address) const;
  Result<Below> open(const wire::Multiaddr& address, EachLink each, std::uint64_t id);
  template <class Which>
  void end_where(Which which);

  EachLink each_link_;
  std::map<std::string, Entry> entries_;
  std::list<std::unique_ptr<Listener>> listeners_;
  std::uint64_t last_below_ = 0;
  std::list<Dial*> dials_;
};

}  // namespace kith::net

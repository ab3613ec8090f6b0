// SPDX-License-Identifier: MIT
#include "engine/net/dialer.h"

#include <algorithm>
#include <set>

#include "engine/base/limits.h"

namespace kith::net {
namespace {

// Attempts at a known peer are found by its id, others by the addresses as given.
std::string key_of(const wire::PeerId& peer, const std::vector<wire::Multiaddr>& addresses) {
  if (!peer.empty()) return std::string(as_text(peer.bytes()));
  std::string key;
  for (const wire::Multiaddr& address : addresses) key += " " + address.text();
  return key;
}

Error error_of(const std::exception& thrown) {
  const auto* fault = dynamic_cast<const Fault*>(&thrown);
  return fault ? fault->error() : Error(net_error::dial_failed, thrown.what());
}

std::string name_of(const wire::Multiaddr& written, const wire::Multiaddr& address) {
  if (written == address) return written.text();
  return written.text() + " (" + address.host() + ")";
}

// A sole failure keeps its kind, so that a caller can tell another peer from a dead address.
constexpr net_error kTelling[] = {net_error::wrong_peer,   net_error::gate_refused,
                                  net_error::no_transport, net_error::dialed_self,
                                  net_error::limit,        net_error::timeout};

}  // namespace

// One address under way.
struct Dialer::Try {
  Try(Dialer& by, Attempt& of, Candidate what)
      : dialer(by),
        attempt(of),
        candidate(std::move(what)),
        deadline(kith_done{&Try::expired, this}),
        scope([this](const std::exception& thrown) { end(error_of(thrown)); }) {}
  static void expired(void* self, std::int64_t, const void*) {
    auto* one = static_cast<Try*>(self);
    one->scope.clear();
    one->end(
        Error(net_error::timeout, "no answer in " + std::to_string(limits::kDialMs / 1000) + " s"));
  }
  void end(std::optional<Error> why);

  Dialer& dialer;
  Attempt& attempt;
  Candidate candidate;
  bool ended = false;
  std::optional<Error> failure;
  Timer deadline;
  Scope scope;
};

// Everything that ends an attempt or one of its tries goes through `settling`, so that none is
// destroyed from inside its own coroutine.
struct Dialer::Attempt {
  Attempt(Dialer& by, std::string under, const wire::PeerId& at)
      : dialer(by), key(std::move(under)), peer(at) {
    settling.done = kith_done{[](void* self, std::int64_t, const void*) {
                                auto* attempt = static_cast<Attempt*>(self);
                                attempt->dialer.settle(*attempt);
                              },
                              this};
    head_start.done = kith_done{[](void* self, std::int64_t, const void*) {
                                  auto* attempt = static_cast<Attempt*>(self);
                                  attempt->dialer.next_try(*attempt);
                                },
                                this};
  }
  void settle_later() { dialer.shared_.loop.start(settling, 0); }

  Dialer& dialer;
  const std::string key;
  const wire::PeerId peer;  // empty: whoever answers
  std::deque<Candidate> candidates;
  std::set<wire::Multiaddr> known;  // every address that is or was a candidate
  std::vector<std::pair<std::string, Error>> failures;
  wire::PeerId proven;  // by one of the tries
  bool started = false, arrived = false, cancelled = false;
  Timer settling, head_start;
  Line line;
  std::list<Try> tries;
};

void Dialer::Try::end(std::optional<Error> why) {
  ended = true;
  deadline.stop();
  failure = std::move(why);
  attempt.settle_later();
}

Dialer::Dialer(Shared& shared, Peers& peers, Gate& gate, Reach& reach)
    : shared_(shared), peers_(peers), gate_(gate), reach_(reach) {}
Dialer::~Dialer() = default;

Result<wire::PeerId> Dialer::meant(const wire::PeerId& peer,
                                   const std::vector<wire::Multiaddr>& addresses) {
  wire::PeerId one = peer;
  for (const wire::Multiaddr& address : addresses) {
    const auto named = address.peer();
    if (!named) continue;
    if (one.empty()) one = *named;
    if (!(one == *named))
      return Error(KITH_BAD, address.text() + " names another peer than " + one.text());
  }
  return one;
}

// What worked first, then what is near, then the rest; known ones before given ones.
std::vector<wire::Multiaddr> Dialer::ordered(const wire::PeerId& peer,
                                             const std::vector<wire::Multiaddr>& given) const {
  std::vector<wire::Multiaddr> all;
  std::size_t worked = 0;
  if (const PeerRecord* record = peers_.find(peer)) {
    all = record->addresses;
    worked = record->worked;
  }
  for (const wire::Multiaddr& address : given) all.push_back(address.without_peer());
  std::stable_partition(all.begin() + static_cast<std::ptrdiff_t>(worked), all.end(),
                        [](const wire::Multiaddr& address) { return address.is_private(); });
  return all;
}

void Dialer::add(Attempt& attempt, const std::vector<wire::Multiaddr>& addresses) {
  for (const wire::Multiaddr& address : addresses) {
    if (!address.empty() && attempt.known.insert(address).second)
      attempt.candidates.push_back(Candidate{address, address, {}});
  }
}

Result<Dialer::Line*> Dialer::start(const wire::PeerId& asked,
                                    const std::vector<wire::Multiaddr>& addresses) {
  const auto peer = meant(asked, addresses);
  if (!peer) return peer.error();
  if (*peer == shared_.identity.peer_id()) return net_error::dialed_self;
  const auto candidates = ordered(*peer, addresses);
  std::string key = key_of(*peer, addresses);
  const auto under_way = attempts_.find(key);
  if (under_way != attempts_.end()) {
    add(*under_way->second, candidates);
    return &under_way->second->line;
  }
  if (candidates.empty()) {
    return Error(net_error::no_address, peer->empty() ? "" : "none is known for " + peer->text());
  }
  if (queued_.size() >= limits::kDialsQueuedMax)
    return Error(net_error::limit, "too many dials are waiting");
  auto made = std::make_unique<Attempt>(*this, key, *peer);
  Attempt& attempt = *made;
  attempts_.emplace(std::move(key), std::move(made));
  add(attempt, candidates);
  if (started_ < limits::kDialsMax) {
    begin(attempt);
  } else {
    queued_.push_back(&attempt);
  }
  return &attempt.line;
}

void Dialer::begin(Attempt& attempt) {
  attempt.started = true;
  ++started_;
  next_try(attempt);
}

void Dialer::next_try(Attempt& attempt) {
  if (attempt.candidates.empty() || attempt.tries.size() >= limits::kDialTriesMax) return;
  Try& one = attempt.tries.emplace_back(*this, attempt, std::move(attempt.candidates.front()));
  attempt.candidates.pop_front();
  shared_.loop.start(one.deadline, std::uint64_t{limits::kDialMs} * 1000);
  shared_.loop.start(attempt.head_start, std::uint64_t{limits::kDialHeadStartMs} * 1000);
  one.scope.spawn(run(one));
}

Task<void> Dialer::run(Try& one) {
  if (one.candidate.address.host_is_name()) {
    co_await resolve(one);
  } else {
    Dialer& dialer = one.dialer;
    if (!dialer.gate_.admits_address(one.candidate.address)) throw Fault(net_error::gate_refused);
    const wire::PeerId expected = one.attempt.peer;
    wire::Multiaddr address = one.candidate.address;
    std::string dns_name = one.candidate.dns_name;
    Connection* connection =
        co_await dialer.reach_.reach(expected, std::move(address), std::move(dns_name));
    one.attempt.proven = connection->peer();
    dialer.peers_.worked(connection->peer(), one.candidate.written, dialer.shared_.loop.now_us());
  }
  one.end(std::nullopt);
}

// A name becomes candidates of its own, next in turn.
Task<void> Dialer::resolve(Try& one) {
  const wire::Multiaddr& address = one.candidate.address;
  const std::string name = address.host();
  Completion found;
  const auto lookup = one.dialer.shared_.loop.resolve(name, found.done());
  const std::int64_t r = co_await found;
  if (r < 0) throw Fault(Error(static_cast<kith_err>(r), "the name " + name + " has no address"));
  const auto literals = *static_cast<const std::vector<std::string>*>(found.result());
  std::vector<Candidate> resolved;
  for (const std::string& literal : literals) {
    const bool v6 = literal.find(':') != std::string::npos;
    if ((v6 && address.has("dns4")) || (!v6 && address.has("dns6"))) continue;
    if (resolved.size() == limits::kResolvedAddressesMax) break;
    const wire::Multiaddr target = address.with_ip(literal);
    if (one.attempt.known.insert(target).second)
      resolved.push_back(Candidate{target, one.candidate.written, name});
  }
  if (resolved.empty()) throw Fault(Error(KITH_ABSENT, "the name " + name + " has no new address"));
  auto& candidates = one.attempt.candidates;
  candidates.insert(candidates.begin(), resolved.begin(), resolved.end());
}

void Dialer::arrived(const wire::PeerId& peer) {
  const auto at = attempts_.find(key_of(peer, {}));
  if (at == attempts_.end()) return;
  at->second->arrived = true;
  at->second->settle_later();
}

void Dialer::cancel(const wire::PeerId& peer) {
  const auto at = attempts_.find(key_of(peer, {}));
  if (at == attempts_.end()) return;
  at->second->cancelled = true;
  at->second->settle_later();
}

void Dialer::cancel_all() {
  for (const auto& [key, attempt] : attempts_) {
    attempt->cancelled = true;
    attempt->settle_later();
  }
}

void Dialer::reap(Attempt& attempt) {
  for (auto at = attempt.tries.begin(); at != attempt.tries.end();) {
    if (!at->ended) {
      ++at;
      continue;
    }
    const Candidate& candidate = at->candidate;
    if (at->failure) {
      peers_.failed(attempt.peer, candidate.written);
      std::string name = name_of(candidate.written, candidate.address);
      shared_.log.debug("dial failed peer={} addr={} err={}", attempt.peer.short_text(), name,
                        at->failure->message());
      attempt.failures.emplace_back(std::move(name), *at->failure);
    }
    at = attempt.tries.erase(at);
  }
}

void Dialer::settle(Attempt& attempt) {
  reap(attempt);
  if (attempt.cancelled) {
    conclude(attempt, Error(net_error::closed, "the dial was called off"));
    return;
  }
  if (!attempt.proven.empty()) {
    Connection* open = reach_.open_to(attempt.proven);
    conclude(attempt, open ? Answer(open) : Answer(net_error::closed));
    return;
  }
  Connection* came = attempt.arrived ? reach_.open_to(attempt.peer) : nullptr;
  attempt.arrived = false;
  if (came) {
    // A try that has begun goes on: ending it could end what the other side holds to be open.
    attempt.candidates.clear();
    if (attempt.tries.empty()) {
      conclude(attempt, came);
    } else {
      attempt.line.answer(came);
    }
    return;
  }
  next_try(attempt);
  if (!attempt.tries.empty()) return;
  Connection* open = attempt.peer.empty() ? nullptr : reach_.open_to(attempt.peer);
  conclude(attempt, open ? Answer(open) : Answer(failure_of(attempt)));
}

Error Dialer::failure_of(const Attempt& attempt) {
  const auto& failures = attempt.failures;
  if (failures.empty()) return net_error::no_address;
  if (failures.size() == 1) {
    const auto& [name, why] = failures.front();
    for (const net_error kind : kTelling) {
      if (why.is(kind)) return {kind, name + (why.detail().empty() ? "" : ": " + why.detail())};
    }
  }
  std::string all = attempt.peer.empty() ? "" : attempt.peer.text() + " at ";
  for (const auto& [name, why] : failures) {
    if (&why != &failures.front().second) all += "; ";
    all += name + ": " + why.message();
  }
  return {net_error::dial_failed, all};
}

void Dialer::conclude(Attempt& attempt, Answer answer) {
  const auto at = attempts_.find(attempt.key);
  const auto ended = std::move(at->second);
  attempts_.erase(at);
  if (ended->started) {
    --started_;
  } else {
    std::erase(queued_, ended.get());
  }
  ended->tries.clear();
  while (!queued_.empty() && started_ < limits::kDialsMax) {
    Attempt* next = queued_.front();
    queued_.pop_front();
    begin(*next);
  }
  ended->line.answer(answer);
}

}  // namespace kith::net

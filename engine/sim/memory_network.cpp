// SPDX-License-Identifier: MIT
#include "engine/sim/memory_network.h"

#include <cassert>

#include "engine/sim/memory_link.h"

namespace kith::sim {

struct MemoryNetwork::State {
  // A dial that is on its way to the listener.
  struct Arrival {
    State& state;
    std::uint64_t port;
    Pipe link;
    Timer timer;
    Arrival(State& owner, std::uint64_t to, Pipe end)
        : state(owner), port(to), link(std::move(end)), timer(kith_done{&Arrival::fire, this}) {}
    static void fire(void* self, std::int64_t, const void*) {
      auto* arrival = static_cast<Arrival*>(self);
      arrival->state.arrive(arrival);
    }
  };

  explicit State(Loop& on) : loop(on) {}
  struct Listener {
    std::function<void(Pipe)> each;
    Place place;
  };
  bool are_parted(Place a, Place b) const { return parted.contains(a) != parted.contains(b); }
  void arrive(Arrival* arrival) {
    const std::uint64_t port = arrival->port;
    Pipe link = std::move(arrival->link);
    std::erase_if(arrivals, [&](const auto& held) { return held.get() == arrival; });
    const auto listener = listeners.find(port);
    if (listener == listeners.end()) return link.reset(KITH_REFUSED);
    const std::function<void(Pipe)> each = listener->second.each;  // it may unlisten in the call
    each(std::move(link));
  }

  Loop& loop;
  LinkShape shape;
  MemoryLinks links;
  std::set<Place> silent, parted;
  std::uint64_t next_port = 1;
  std::map<std::uint64_t, Listener> listeners;
  std::vector<std::unique_ptr<Arrival>> arrivals;
};

MemoryNetwork::MemoryNetwork(Loop& loop) : state_(std::make_unique<State>(loop)) {}

MemoryNetwork::~MemoryNetwork() {
  state_->arrivals.clear();
  assert(state_->links.empty() && "a link outlives its network");
}

std::pair<Pipe, Pipe> MemoryNetwork::pair(LinkShape shape) {
  return make_memory_link(state_->loop, shape, state_->links, {}, {});
}

Result<std::uint64_t> MemoryNetwork::listen(std::uint64_t port, std::function<void(Pipe)> each,
                                            Place place) {
  while (port == 0) {
    const std::uint64_t tried = state_->next_port++;
    if (!state_->listeners.contains(tried)) port = tried;
  }
  const bool is_new =
      state_->listeners.emplace(port, State::Listener{std::move(each), place}).second;
  if (!is_new) {
    return Error(KITH_REFUSED, "memory port " + std::to_string(port) + " is taken");
  }
  return port;
}

void MemoryNetwork::unlisten(std::uint64_t port) { state_->listeners.erase(port); }

Result<Pipe> MemoryNetwork::dial(std::uint64_t port, Place from) {
  const auto listener = state_->listeners.find(port);
  if (listener == state_->listeners.end() || state_->are_parted(from, listener->second.place)) {
    return Error(KITH_REFUSED, "nobody listens on memory port " + std::to_string(port));
  }
  auto ends = make_memory_link(state_->loop, state_->shape, state_->links,
                               memory_address(state_->next_port++), memory_address(port),
                               {from, listener->second.place});
  for (const bool dialer : {true, false}) {
    if (state_->silent.contains(dialer ? from : listener->second.place))
      sim::silence(*state_->links.back(), dialer);
  }
  state_->arrivals.push_back(
      std::make_unique<State::Arrival>(*state_, port, std::move(ends.second)));
  state_->loop.start(state_->arrivals.back()->timer, state_->shape.delay_us);
  return std::move(ends.first);
}

void MemoryNetwork::shape(LinkShape shape) { state_->shape = shape; }
void MemoryNetwork::silence(kith_pipe* end) { silence_memory_link(end); }

void MemoryNetwork::silence(Place whose) {
  state_->silent.insert(whose);
  for (MemoryLink* link : state_->links) {
    const auto [dialer, listener] = places_of(*link);
    if (dialer == whose) sim::silence(*link, true);
    if (listener == whose) sim::silence(*link, false);
  }
}

void MemoryNetwork::part(std::set<Place> some) {
  state_->parted = std::move(some);
  for (MemoryLink* link : state_->links) {
    const auto [dialer, listener] = places_of(*link);
    if (!state_->are_parted(dialer, listener)) continue;
    sim::silence(*link, true);
    sim::silence(*link, false);
  }
}

std::size_t MemoryNetwork::links() const { return state_->links.size(); }

}  // namespace kith::sim

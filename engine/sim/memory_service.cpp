// SPDX-License-Identifier: MIT
#include "engine/sim/memory_service.h"

namespace kith::sim {
namespace {

// A service's first argument is what it was offered with.
MemoryService* of(kith_host* self) { return reinterpret_cast<MemoryService*>(self); }

}  // namespace

// A dial is settled at once and told in a later callback, as every transport's is.
struct MemoryService::Dial {
  Dial(MemoryService& owner, std::uintptr_t number, Result<Pipe> made, kith_done to_tell)
      : service(owner), id(number), link(std::move(made)), done(to_tell) {}
  static void fire(void* self, std::int64_t, const void*) {
    auto* waiting = static_cast<Dial*>(self);
    auto& dials = waiting->service.dials_;
    const auto dial = std::move(dials.extract(waiting->id).mapped());
    const kith_done done = dial->done;
    if (dial->link) return done.fn(done.ctx, 0, dial->link->release());
    const kith_bytes sentence = c_bytes(std::string_view(dial->link.error().detail()));
    done.fn(done.ctx, dial->link.error().code(), &sentence);
  }
  MemoryService& service;
  std::uintptr_t id;
  Result<Pipe> link;
  kith_done done;
  Timer timer{kith_done{&Dial::fire, this}};
};

MemoryService::MemoryService(Loop& loop, MemoryNetwork& network, Place place)
    : loop_(loop), network_(network), place_(place) {}

MemoryService::~MemoryService() {
  for (const auto& [id, port] : ports_) network_.unlisten(port);
}

kith_op* MemoryService::dial(std::uint64_t port, kith_done done) {
  const std::uintptr_t id = next_id_++;
  auto& dial = dials_[id];
  dial = std::make_unique<Dial>(*this, id, network_.dial(port, place_), done);
  loop_.start(dial->timer, 0);
  return reinterpret_cast<kith_op*>(id);
}

int MemoryService::listen(std::uint64_t port, kith_done each_link, kith_op** op,
                          std::uint64_t* bound) {
  const auto each = [each_link](Pipe link) { each_link.fn(each_link.ctx, 0, link.release()); };
  const Result<std::uint64_t> made = network_.listen(port, each, place_);
  if (!made) return made.error().code();
  const std::uintptr_t id = next_id_++;
  ports_.emplace(id, *made);
  *bound = *made;
  *op = reinterpret_cast<kith_op*>(id);
  return 0;
}

void MemoryService::cancel(kith_op* op) {
  const auto id = reinterpret_cast<std::uintptr_t>(op);
  dials_.erase(id);
  const auto port = ports_.find(id);
  if (port == ports_.end()) return;
  network_.unlisten(port->second);
  ports_.erase(port);
}

const kith_memory* MemoryService::table() {
  static constexpr kith_memory made{
      sizeof(kith_memory),
      [](kith_host* me, std::uint64_t port, kith_done done) { return of(me)->dial(port, done); },
      [](kith_host* me, std::uint64_t port, kith_done each_link, kith_op** op,
         std::uint64_t* bound) { return of(me)->listen(port, each_link, op, bound); },
      [](kith_host* me, kith_op* op) { of(me)->cancel(op); },
  };
  return &made;
}

}  // namespace kith::sim

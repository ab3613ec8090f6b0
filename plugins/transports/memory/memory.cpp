// SPDX-License-Identifier: MIT
// /memory/N: links inside one process, for tests and the simulator. The face alone: ports, delay
// and loss live in the service kith.memory/1.
#include <kith/plugin.h>

#include <stdexcept>

#include "engine/wire/multiaddr.h"

namespace {

using namespace kith;

// A dial or a listener of the service's, ended with its holder.
class Hold {
 public:
  Hold(const kith_memory& memory, void* self) : memory_(memory), self_(self) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (op) memory_.cancel(static_cast<kith_host*>(self_), op);
  }
  kith_op* op = nullptr;

 private:
  const kith_memory& memory_;
  void* self_;
};

struct MemoryListener final : Transport::Listener {
  MemoryListener(const kith_memory& memory, void* self, Transport::EachLink to)
      : each(std::move(to)), hold(memory, self) {}
  kith_done done() {
    const auto arrived = [](void* ctx, std::int64_t, const void* link) {
      static_cast<MemoryListener*>(ctx)->each(
          Pipe(static_cast<kith_pipe*>(const_cast<void*>(link))));
    };
    return {arrived, this};
  }
  Transport::EachLink each;
  Hold hold;
};

class Memory final : public Transport {
 public:
  static constexpr const char* kName = "memory";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Links inside one process, for tests and simulations.";
  static constexpr const char* kSuffix = "/memory";
  static constexpr const char* kNeeds = KITH_MEMORY;

  explicit Memory(Host given) : Transport(given) {
    memory_ = host.service<kith_memory>(KITH_MEMORY, &self_);
    if (!memory_) throw std::runtime_error("memory needs kith.memory/1, which only tests offer");
  }

  Task<Pipe> dial(Bytes addr, std::string_view) override {
    const std::uint64_t port = port_of(addr).value();
    Completion dialed;
    Hold hold(*memory_, self_);
    hold.op = memory_->dial(service(), port, dialed.done());
    const std::int64_t r = co_await dialed;
    hold.op = nullptr;
    if (r < 0) throw Fault(Error(static_cast<kith_err>(r), dialed.sentence()));
    co_return Pipe(static_cast<kith_pipe*>(const_cast<void*>(dialed.result())));
  }

  Result<Listening> listen(Bytes addr, EachLink each) override {
    const Result<std::uint64_t> port = port_of(addr);
    if (!port) return port.error();
    auto listener = std::make_unique<MemoryListener>(*memory_, self_, std::move(each));
    std::uint64_t bound = 0;
    const int r = memory_->listen(service(), *port, listener->done(), &listener->hold.op, &bound);
    if (r < 0) {
      return Error(static_cast<kith_err>(r), "memory port " + std::to_string(*port) + " is taken");
    }
    const auto address = wire::Multiaddr::from_text("/memory/" + std::to_string(bound));
    return Listening{std::move(listener), to_vector(address->bytes())};
  }

 private:
  kith_host* service() const { return static_cast<kith_host*>(self_); }
  static Result<std::uint64_t> port_of(Bytes addr) {
    const auto address = wire::Multiaddr::from_bytes(addr);
    if (!address) return address.error();
    const auto parts = address->parts();
    if (parts.empty() || parts.front().name != "memory") return KITH_BAD;
    std::uint64_t port = 0;
    for (const std::uint8_t byte : parts.front().value) port = port << 8 | byte;
    return port;
  }
  const kith_memory* memory_;
  void* self_ = nullptr;
};

}  // namespace

KITH_PLUGIN(Memory)

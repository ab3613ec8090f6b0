// SPDX-License-Identifier: MIT
// Nodes with the websocket plugin in virtual time: a stand-in for tcp, compiled into the tests,
// whose ports are those of the memory network.
#pragma once
#include "tests/support/link_user.h"

namespace kith::test {

class FakeTcp final : public Transport {
 public:
  static constexpr const char* kName = "faketcp";
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "Links of /tcp inside one process.";
  static constexpr const char* kSuffix = "/tcp";
  static constexpr const char* kNeeds = KITH_MEMORY;
  explicit FakeTcp(Host given) : Transport(given) {
    memory_ = host.service<kith_memory>(KITH_MEMORY, &self_);
  }

  Task<Pipe> dial(Bytes addr, std::string_view dns_name) override {
    names.emplace_back(dns_name);
    const std::uint16_t port = *wire::Multiaddr::from_bytes(addr)->port();
    Completion dialed;
    const Hold hold(*this, memory_->dial(service(), port, dialed.done()));
    const std::int64_t r = co_await dialed;
    if (r < 0) throw Fault(Error(static_cast<kith_err>(r), dialed.sentence()));
    co_return Pipe(static_cast<kith_pipe*>(const_cast<void*>(dialed.result())));
  }

  Result<Listening> listen(Bytes addr, EachLink each) override {
    const auto address = wire::Multiaddr::from_bytes(addr);
    auto made = std::make_unique<FakeListener>(*this, std::move(each));
    std::uint64_t bound = 0;
    const kith_done done{&FakeListener::arrived, made.get()};
    const int r = memory_->listen(service(), *address->port(), done, &made->hold.op, &bound);
    if (r < 0) return Error(static_cast<kith_err>(r), "that port is taken");
    const auto at = address->with_port(static_cast<std::uint16_t>(bound));
    return Listening{std::move(made), to_vector(at.bytes())};
  }

  std::vector<std::string> names;  // of the dials, as they were before they were resolved

 private:
  struct Hold {
    Hold(FakeTcp& of, kith_op* held) : owner(of), op(held) {}
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { owner.memory_->cancel(owner.service(), op); }
    FakeTcp& owner;
    kith_op* op;
  };
  struct FakeListener final : Listener {
    FakeListener(FakeTcp& owner, EachLink to) : each(std::move(to)), hold(owner, nullptr) {}
    static void arrived(void* self, std::int64_t, const void* link) {
      static_cast<FakeListener*>(self)->each(
          Pipe(static_cast<kith_pipe*>(const_cast<void*>(link))));
    }
    EachLink each;
    Hold hold;
  };
  kith_host* service() const { return static_cast<kith_host*>(self_); }
  const kith_memory* memory_ = nullptr;
  void* self_ = nullptr;
};
inline constinit const kith_plugin kFakeTcp = detail::entry_of<FakeTcp>();

}  // namespace kith::test

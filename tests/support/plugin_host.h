// SPDX-License-Identifier: MIT
// PluginHost: as much of a node as a transport needs (kith.loop/1, kith.log/1 and what a test
// offers), over any Loop. LoadedTransport: a plugin from the build, started in it.
#pragma once
#include <dlfcn.h>
#include <kith/pipe.h>

#include <map>
#include <memory>
#include <stdexcept>

#include "engine/base/loop.h"
#include "tests/support/captured_log.h"

namespace kith::test {

class PluginHost {
 public:
  explicit PluginHost(Loop& loop) : loop_(loop) {}
  ~PluginHost() { ops_.clear(); }
  void offer(std::string id, const void* ops, void* self) { offers_[std::move(id)] = {ops, self}; }
  kith_host* raw() { return reinterpret_cast<kith_host*>(this); }
  static const kith_api* api();
  std::size_t ops() const { return ops_.size(); }  // hooked and not yet ended

  CapturedLog log;
  std::string failure;

 private:
  struct Held {
    kith_done done{nullptr, nullptr};
    PluginHost* host = nullptr;
    std::uintptr_t id = 0;
    Timer timer;
    std::unique_ptr<Loop::Watch> watch;
  };
  static PluginHost& of(kith_host* host) { return *reinterpret_cast<PluginHost*>(host); }
  static kith_op* op(std::uintptr_t id) { return reinterpret_cast<kith_op*>(id); }
  Held& add() {
    auto& held = ops_[next_id_];
    held = std::make_unique<Held>();
    held->host = this;
    held->id = next_id_++;
    return *held;
  }
  static kith_op* after(kith_host* host, std::uint64_t us, kith_done done) {
    Held& held = of(host).add();
    held.done = done;
    held.timer.done = {[](void* ctx, std::int64_t, const void*) {
                         auto* fired = static_cast<Held*>(ctx);
                         const kith_done told = fired->done;
                         fired->host->ops_.erase(fired->id);
                         told.fn(told.ctx, 0, nullptr);
                       },
                       &held};
    of(host).loop_.start(held.timer, us);
    return op(held.id);
  }
  static kith_op* watch(kith_host* host, int fd, kith_done ready) {
    auto watched = of(host).loop_.watch(fd, ready);
    if (!watched) return nullptr;
    Held& held = of(host).add();
    held.watch = std::move(watched);
    return op(held.id);
  }
  static int arm(kith_host* host, kith_op* watch, unsigned rd_wr) {
    of(host).ops_.at(reinterpret_cast<std::uintptr_t>(watch))->watch->arm(rd_wr);
    return 0;
  }
  static const kith_loop* loop_table();
  static const kith_log* log_table();
  static const void* service(kith_host* host, const char* id, void** self) {
    *self = host;
    if (std::string_view(id) == KITH_LOOP) return loop_table();
    if (std::string_view(id) == KITH_LOG) return log_table();
    const auto found = of(host).offers_.find(id);
    if (found == of(host).offers_.end()) return nullptr;
    *self = found->second.self;
    return found->second.ops;
  }

  struct Offer {
    const void* ops;
    void* self;
  };
  Loop& loop_;
  std::map<std::string, Offer> offers_;
  std::map<std::uintptr_t, std::unique_ptr<Held>> ops_;
  std::uintptr_t next_id_ = 1;
};

inline const kith_loop* PluginHost::loop_table() {
  static constexpr kith_loop table{
      sizeof(kith_loop),
      [](kith_host* host) { return of(host).loop_.now_us(); },
      [](kith_host* host) { return of(host).loop_.wall_us(); },
      [](kith_host* host, void* to, std::size_t n) {
        of(host).loop_.random({static_cast<std::uint8_t*>(to), n});
      },
      &PluginHost::after,
      [](kith_host* host, kith_done done) -> int {
        of(host).loop_.post(done);
        return 0;
      },
      &PluginHost::watch,
      &PluginHost::arm,
      nullptr,
  };
  return &table;
}

inline const kith_log* PluginHost::log_table() {
  static constexpr kith_log table{
      sizeof(kith_log),
      [](kith_host* host, int level, kith_bytes line) {
        of(host).log.write(static_cast<LogLevel>(level), "plugin", text(line));
      },
      [](kith_host*, int) -> int { return 1; },
  };
  return &table;
}

inline const kith_api* PluginHost::api() {
  static constexpr kith_api table{
      KITH_ABI,
      sizeof(kith_api),
      &PluginHost::service,
      [](kith_host*, const char*, const void*, void*) -> int { return KITH_REFUSED; },
      [](kith_host* host, kith_op* ended) {
        of(host).ops_.erase(reinterpret_cast<std::uintptr_t>(ended));
      },
      [](kith_host* host, kith_bytes sentence) { of(host).failure = to_string(sentence); },
  };
  return &table;
}

// The answer to a dial or the links of a listener.
struct Links {
  std::vector<Pipe> pipes;
  int answers = 0;
  std::int64_t error = 0;
  std::string sentence;
  kith_done done() {
    const auto take = [](void* self, std::int64_t r, const void* result) {
      auto* links = static_cast<Links*>(self);
      ++links->answers;
      if (r < 0) {
        links->error = r;
        if (result) links->sentence = to_string(*static_cast<const kith_bytes*>(result));
      } else {
        links->pipes.emplace_back(static_cast<kith_pipe*>(const_cast<void*>(result)));
      }
    };
    return {take, this};
  }
};

// Started from KITH_PLUGIN_DIR/<name>.so; stopped by its destructor.
class LoadedTransport {
 public:
  LoadedTransport(PluginHost& host, const std::string& name) : host_(host) {
    const std::string file = std::string(KITH_PLUGIN_DIR) + "/" + name + ".so";
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // plugins load once
    if (!library) throw std::runtime_error(dlerror());
    entry = static_cast<const kith_plugin*>(dlsym(library, "kith_plugin_entry"));
    if (!entry || entry->abi != KITH_ABI) throw std::runtime_error(name + " is no plugin of ours");
    if (entry->start(PluginHost::api(), host.raw(), &me) < 0) {
      throw std::runtime_error(host.failure);
    }
    table = static_cast<const kith_transport*>(entry->role(me, KITH_TRANSPORT));
  }
  ~LoadedTransport() {
    for (kith_op* listener : listeners_) table->cancel(me, listener);
    entry->stop(me);
  }
  kith_op* dial(Bytes addr, Links& to) {
    return table->dial(me, c_bytes(addr), kith_bytes{nullptr, 0}, to.done());
  }
  // The bound address, or nothing; host.failure says why.
  ByteVector listen(Bytes addr, Links& to) {
    ByteVector bound(256);
    kith_op* listener = nullptr;
    const int n = table->listen(me, c_bytes(addr), to.done(), &listener, bound.data(), 256);
    bound.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    if (n >= 0) listeners_.push_back(listener);
    return bound;
  }
  void stop_listening() {
    for (kith_op* listener : std::exchange(listeners_, {})) table->cancel(me, listener);
  }

  const kith_plugin* entry = nullptr;
  const kith_transport* table = nullptr;
  void* me = nullptr;

 private:
  PluginHost& host_;
  std::vector<kith_op*> listeners_;
};

}  // namespace kith::test

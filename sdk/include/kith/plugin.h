// SPDX-License-Identifier: MIT
// The C++ faces over the plugin ABI. Derive from App, Transport, Discovery or Router, declare the
// constants, and end the file with KITH_PLUGIN(Class):
//
//   struct Hello : kith::App {
//     static constexpr const char* kName = "hello";
//     static constexpr const char* kVersion = "0.1.0";
//     static constexpr const char* kSummary = "Greets every peer that arrives.";
//     using App::App;
//     kith::Op peers = host.watch_peers([this](int, const kith_peer&) { host.info("somebody came or
//     went"); });
//   };
//   KITH_PLUGIN(Hello)
//
// Optional: `static constexpr kith_option kOptions[] = {..., {}};`, kNeeds, kOffers, and
// `Result<void> configure(Bytes options, bool commit)`. What a constructor throws refuses the start
// with its sentence.
#pragma once
#include <kith/host.h>

namespace kith {

class App {
 public:
  explicit App(Host given) : host(given) {}
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  const void* role(std::string_view) { return nullptr; }

  Host host;
};

// A transport gives links. `dial` is one coroutine; `listen` registers and returns at once.
class Transport : public App {
 public:
  using App::App;
  virtual ~Transport() = default;

  struct Listener {
    virtual ~Listener() = default;  // ends listening
  };
  struct Listening {
    std::unique_ptr<Listener> listener;
    ByteVector bound;  // the address with the port that was picked
  };
  using EachLink = std::function<void(Pipe link)>;

  // addr and dns_name are owned by the caller until the task ends. Throws Fault.
  virtual Task<Pipe> dial(Bytes addr, std::string_view dns_name) = 0;
  virtual Result<Listening> listen(Bytes addr, EachLink each) = 0;

  template <class T>
  static const kith_transport* table();

 private:
  struct Dial;
  struct Held;
};

class Discovery : public App {
 public:
  using App::App;
  virtual ~Discovery() = default;
  virtual void addresses(std::span<const kith_bytes> own) = 0;
  void hint(Bytes peer, Bytes addr) { host.peers().hint(host.raw(), c_bytes(peer), c_bytes(addr)); }

  template <class T>
  static const kith_discovery* table() {
    static constexpr kith_discovery made{sizeof(kith_discovery),
                                         [](void* me, const kith_bytes* addrs, std::size_t n) {
                                           static_cast<T*>(me)->addresses({addrs, n});
                                         }};
    return &made;
  }
};

class Router : public App {
 public:
  using App::App;
  virtual ~Router() = default;
  virtual int join(std::string_view topic) = 0;
  virtual int leave(std::string_view topic) = 0;
  virtual int publish(std::string_view topic, Buffer data, kith_message& made) = 0;
  virtual void verdict(std::uint64_t ticket, int v) = 0;
  virtual void peer(int event, const kith_peer& peer) = 0;
  virtual void topic_peers(std::string_view topic, std::uint32_t& subscribed,
                           std::uint32_t& mesh) = 0;
  virtual bool settled(Bytes peer) = 0;

  template <class T>
  static const kith_router* table() {
    static constexpr kith_router made{
        sizeof(kith_router),
        [](void* me, kith_bytes topic) { return static_cast<T*>(me)->join(text(topic)); },
        [](void* me, kith_bytes topic) { return static_cast<T*>(me)->leave(text(topic)); },
        [](void* me, kith_bytes topic, kith_buf* data, kith_message* message) {
          return static_cast<T*>(me)->publish(text(topic), Buffer::share(data), *message);
        },
        [](void* me, std::uint64_t ticket, int v) { static_cast<T*>(me)->verdict(ticket, v); },
        [](void* me, int event, const kith_peer* peer) { static_cast<T*>(me)->peer(event, *peer); },
        [](void* me, kith_bytes topic, std::uint32_t* subscribed, std::uint32_t* mesh) {
          static_cast<T*>(me)->topic_peers(text(topic), *subscribed, *mesh);
          return 0;
        },
        [](void* me, kith_bytes peer) { return static_cast<T*>(me)->settled(view(peer)) ? 1 : 0; }};
    return &made;
  }
};

// ---- Transport's table: a dial is a task that ends in done; a listener is a Held.
struct Transport::Dial {
  ByteVector addr;
  std::string dns_name;
  kith_done done{};
  Transport* owner = nullptr;
  std::string sentence;
  Op settle;
  std::int64_t r = 0;
  kith_pipe* link = nullptr;
  Scope scope;

  // The answer is posted, never given from inside the call, and the Dial ends with it.
  static Task<void> run(Dial& dial) {
    try {
      Pipe link = co_await dial.owner->dial(dial.addr, dial.dns_name);
      dial.link = link.release();
    } catch (const Fault& fault) {
      dial.r = fault.error().code() < 0 ? fault.error().code() : KITH_IO;
      dial.sentence = fault.what();
    }
    dial.settle = dial.owner->host.after(0, kith_done{&Dial::answer, &dial});
  }
  static void answer(void* ctx, std::int64_t, const void*) {
    std::unique_ptr<Dial> dial(static_cast<Dial*>(ctx));
    dial->settle.forget();
    const kith_bytes sentence = c_bytes(dial->sentence);
    const void* result = dial->r < 0 ? static_cast<const void*>(&sentence)
                                     : static_cast<const void*>(std::exchange(dial->link, nullptr));
    const kith_done done = dial->done;
    const std::int64_t r = dial->r;
    done.fn(done.ctx, r, result);
  }
  ~Dial() { Pipe unclaimed(link); }
};

struct Transport::Held {
  kith_done each_link{};
  std::unique_ptr<Listener> listener;
};

template <class T>
const kith_transport* Transport::table() {
  // A kith_op of a transport's is a Dial or a Held behind a tag bit: both are only told apart by
  // cancel.
  static constexpr std::uintptr_t kHeld = 1;
  static constexpr kith_transport made{
      sizeof(kith_transport), T::kSuffix,
      [](void* me, kith_bytes addr, kith_bytes dns_name, kith_done done) -> kith_op* {
        auto* dial = new Dial;
        dial->addr = to_vector(view(addr));
        dial->dns_name = to_string(dns_name);
        dial->done = done;
        dial->owner = static_cast<T*>(me);
        dial->scope.spawn(Dial::run(*dial));
        return reinterpret_cast<kith_op*>(dial);
      },
      [](void* me, kith_bytes addr, kith_done each_link, kith_op** op, std::uint8_t* bound,
         std::size_t cap) -> int {
        auto held = std::make_unique<Held>();
        held->each_link = each_link;
        auto* target = held.get();
        auto made_listener = static_cast<T*>(me)->listen(view(addr), [target](Pipe link) {
          target->each_link.fn(target->each_link.ctx, 0, link.release());
        });
        if (!made_listener) {
          const int code = made_listener.error().code();
          return static_cast<T*>(me)->host.fail(made_listener.error().message(),
                                                code < 0 ? code : KITH_IO);
        }
        if (made_listener->bound.size() > cap) return KITH_LIMIT;
        std::copy(made_listener->bound.begin(), made_listener->bound.end(), bound);
        held->listener = std::move(made_listener->listener);
        *op = reinterpret_cast<kith_op*>(reinterpret_cast<std::uintptr_t>(held.release()) | kHeld);
        return static_cast<int>(made_listener->bound.size());
      },
      [](void*, kith_op* op) {
        const auto bits = reinterpret_cast<std::uintptr_t>(op);
        if (bits & kHeld) {
          delete reinterpret_cast<Held*>(bits & ~kHeld);
        } else {
          delete reinterpret_cast<Dial*>(op);
        }
      }};
  return &made;
}

// ---- The entry.
namespace detail {

template <class T>
const void* role_of(T& plugin, std::string_view id) {
  if constexpr (std::is_base_of_v<Transport, T>) {
    if (id == KITH_TRANSPORT) return Transport::table<T>();
  }
  if constexpr (std::is_base_of_v<Router, T>) {
    if (id == KITH_ROUTER) return Router::table<T>();
  }
  if constexpr (std::is_base_of_v<Discovery, T>) {
    if (id == KITH_DISCOVERY) return Discovery::table<T>();
  }
  return plugin.role(id);
}

template <class T>
int start_plugin(const kith_api* api, kith_host* raw, void** me) {
  const Host host(api, raw);
  try {
    *me = static_cast<T*>(new T(host));
    return 0;
  } catch (const std::exception& thrown) {
    return host.fail(thrown.what());
  }
}

template <class T>
int configure_plugin(void* me, kith_bytes options, int commit) {
  if constexpr (requires(T & t) { t.configure(Bytes(), true); }) {
    Result<void> judged = static_cast<T*>(me)->configure(view(options), commit != 0);
    if (judged) return 0;
    const int code = judged.error().code();
    return static_cast<T*>(me)->host.fail(judged.error().message(), code < 0 ? code : KITH_BAD);
  }
  return 0;
}

template <class T>
constexpr kith_plugin entry_of() {
  kith_plugin entry{};
  entry.abi = KITH_ABI;
  entry.size = sizeof entry;
  entry.name = T::kName;
  entry.version = T::kVersion;
  entry.summary = T::kSummary;
  if constexpr (requires { T::kOptions; }) entry.options = T::kOptions;
  if constexpr (requires { T::kNeeds; }) entry.needs = T::kNeeds;
  if constexpr (requires { T::kOffers; }) entry.offers = T::kOffers;
  entry.start = &start_plugin<T>;
  entry.configure = &configure_plugin<T>;
  entry.stop = [](void* me) { delete static_cast<T*>(me); };
  entry.role = [](void* me, const char* id) { return role_of(*static_cast<T*>(me), id); };
  return entry;
}

}  // namespace detail
}  // namespace kith

#define KITH_PLUGIN(Class)                                                         \
  extern "C" {                                                                     \
  extern KITH_EXPORT const kith_plugin kith_plugin_entry;                          \
  constinit const kith_plugin kith_plugin_entry = kith::detail::entry_of<Class>(); \
  }

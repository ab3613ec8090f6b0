// SPDX-License-Identifier: MIT
// Host: a plugin's typed view of the services that the node offers it. Cheap to copy; loop thread
// only. What was hooked through it is undone when the returned Op ends, or at the latest when the
// plugin stops.
#pragma once
#include <kith/pipe.h>

#include <functional>
#include <memory>

namespace kith {

// Owns a kith_op of the engine's: ending it cancels or unregisters.
class Op {
 public:
  Op() = default;
  Op(const kith_api* api, kith_host* host, kith_op* op) : api_(api), host_(host), op_(op) {}
  Op(Op&& other) noexcept
      : api_(other.api_),
        host_(other.host_),
        op_(std::exchange(other.op_, nullptr)),
        keeps_(std::move(other.keeps_)) {}
  Op& operator=(Op&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(host_, other.host_);
    std::swap(op_, other.op_);
    std::swap(keeps_, other.keeps_);
    return *this;
  }
  ~Op() { cancel(); }
  void cancel() {
    if (auto* op = std::exchange(op_, nullptr)) api_->cancel(host_, op);
    keeps_.reset();
  }
  // It has fired and is spent: there is nothing left to cancel.
  void forget() { op_ = nullptr; }
  void keep(std::shared_ptr<void> closure) { keeps_ = std::move(closure); }
  explicit operator bool() const { return op_ != nullptr; }
  kith_op* get() const { return op_; }

 private:
  const kith_api* api_ = nullptr;
  kith_host* host_ = nullptr;
  kith_op* op_ = nullptr;
  std::shared_ptr<void> keeps_;  // the closure behind a registration's ctx
};

class Host {
 public:
  Host(const kith_api* api, kith_host* host) : api_(api), host_(host) {
    find(loop_, KITH_LOOP);
    find(log_, KITH_LOG);
    find(streams_, KITH_STREAMS);
    find(peers_, KITH_PEERS);
    find(topics_, KITH_TOPICS);
    find(crypto_, KITH_CRYPTO);
    find(bus_, KITH_BUS);
    find(gate_, KITH_GATE);
    find(links_, KITH_LINKS);
    find(ledgers_, KITH_LEDGERS);
    find(kv_, KITH_KV);
    find(apps_, KITH_APPS);
  }

  const kith_api* api() const { return api_; }
  kith_host* raw() const { return host_; }
  const kith_loop& loop() const { return *loop_; }
  const kith_streams& streams() const { return *streams_; }
  const kith_peers& peers() const { return *peers_; }
  const kith_topics& topics() const { return *topics_; }
  const kith_crypto& crypto() const { return *crypto_; }
  const kith_bus& bus() const { return *bus_; }
  const kith_links& links() const { return *links_; }
  const kith_ledgers& ledgers() const { return *ledgers_; }
  const kith_kv& kv() const { return *kv_; }
  const kith_apps& apps() const { return *apps_; }

  // A service of another plugin's, or one that may be absent: NULL then. Its functions take *self
  // first.
  template <class Table>
  const Table* service(const char* id, void** self) const {
    return static_cast<const Table*>(api_->service(host_, id, self));
  }

  std::uint64_t now_us() const { return loop_->now_us(host_); }
  std::uint64_t wall_us() const { return loop_->wall_us(host_); }
  void random(MutableBytes to) const { loop_->random(host_, to.data(), to.size()); }
  std::uint64_t random_u64() const {
    std::uint64_t value = 0;
    loop_->random(host_, &value, sizeof value);
    return value;
  }
  Op after(std::uint64_t us, kith_done done) const { return own(loop_->after(host_, us, done)); }
  void post(kith_done done) const { loop_->post(host_, done); }

  void log(int level, std::string_view line) const { log_->write(host_, level, c_bytes(line)); }
  bool logs(int level) const { return log_->enabled(host_, level) != 0; }
  void debug(std::string_view line) const { log(KITH_LOG_DEBUG, line); }
  void info(std::string_view line) const { log(KITH_LOG_INFO, line); }
  void warn(std::string_view line) const { log(KITH_LOG_WARN, line); }
  void error(std::string_view line) const { log(KITH_LOG_ERROR, line); }
  // For start and configure: the sentence a person reads, and the code to return.
  int fail(std::string_view sentence, int code = KITH_BAD) const {
    api_->fail(host_, c_bytes(sentence));
    return code;
  }

  // Why the engine refused this host's newest call; the kith_err in words where it left no
  // sentence.
  std::string why(int code) const {
    const std::string said = to_string(api_->why(host_));
    return said.empty() ? describe(static_cast<kith_err>(code)) : said;
  }

  // Asked of every proven peer before any protocol runs; false refuses it. While the Op lives.
  Op guard(std::function<bool(const kith_peer&)> fn) const {
    using Fn = std::function<bool(const kith_peer&)>;
    auto kept = std::make_shared<Fn>(std::move(fn));
    kith_op* op = nullptr;
    const auto call = [](void* ctx, const kith_peer* peer) {
      return (*static_cast<Fn*>(ctx))(*peer) ? 0 : static_cast<int>(KITH_REFUSED);
    };
    gate_->guard(host_, call, kept.get(), &op);
    return keeping(op, std::move(kept));
  }

  Bytes self() const { return view(peers_->self(host_)); }

  // fn(event) -> KITH_PASS or an answer.
  Op on(const std::string& pattern, std::function<int(const kith_event&)> fn, int priority = 0,
        unsigned flags = 0) const {
    using Fn = std::function<int(const kith_event&)>;
    auto kept = std::make_shared<Fn>(std::move(fn));
    kith_op* op = nullptr;
    const auto call = [](void* ctx, const kith_event* event) -> int {
      return (*static_cast<Fn*>(ctx))(*event);
    };
    bus_->on(host_, pattern.c_str(), priority, flags, call, kept.get(), &op);
    return keeping(op, std::move(kept));
  }
  // fn(call, args): answers with any number of bus().part and exactly one bus().end.
  Op command(const kith_command& command, std::function<void(kith_call*, Bytes args)> fn) const {
    using Fn = std::function<void(kith_call*, Bytes)>;
    auto kept = std::make_shared<Fn>(std::move(fn));
    kith_op* op = nullptr;
    const auto run = [](void* ctx, kith_call* call, kith_bytes args) {
      (*static_cast<Fn*>(ctx))(call, view(args));
    };
    bus_->command(host_, &command, run, kept.get(), &op);
    return keeping(op, std::move(kept));
  }
  // Each stream that a peer opens for `protocol`. fn takes the stream over.
  Op handle(const char* protocol, std::function<void(Pipe stream)> fn) const {
    using Fn = std::function<void(Pipe)>;
    auto kept = std::make_shared<Fn>(std::move(fn));
    kith_op* op = nullptr;
    const kith_done each{
        [](void* ctx, std::int64_t, const void* stream) {
          (*static_cast<Fn*>(ctx))(Pipe(static_cast<kith_pipe*>(const_cast<void*>(stream))));
        },
        kept.get()};
    streams_->handle(host_, protocol, each, &op);
    return keeping(op, std::move(kept));
  }
  Op watch_peers(std::function<void(int event, const kith_peer&)> fn) const {
    using Fn = std::function<void(int, const kith_peer&)>;
    auto kept = std::make_shared<Fn>(std::move(fn));
    kith_op* op = nullptr;
    const auto call = [](void* ctx, int event, const kith_peer* peer) {
      (*static_cast<Fn*>(ctx))(event, *peer);
    };
    peers_->watch(host_, call, kept.get(), &op);
    return keeping(op, std::move(kept));
  }
  // Number of peers, or a kith_err.
  int publish(std::string_view topic, Bytes data, std::string* id = nullptr) const {
    std::uint8_t made[128];
    std::size_t n = 0;
    const int peers = topics_->publish(host_, c_bytes(topic), c_bytes(data), made, sizeof made, &n);
    if (id && peers >= 0) id->assign(reinterpret_cast<const char*>(made), n);
    return peers;
  }

  Op own(kith_op* op) const { return Op(api_, host_, op); }

 private:
  template <class Table>
  void find(const Table*& to, const char* id) {
    void* self = nullptr;
    to = static_cast<const Table*>(api_->service(host_, id, &self));
  }
  Op keeping(kith_op* op, std::shared_ptr<void> kept) const {
    Op owned = own(op);
    owned.keep(std::move(kept));
    return owned;
  }

  const kith_api* api_;
  kith_host* host_;
  const kith_loop* loop_ = nullptr;
  const kith_log* log_ = nullptr;
  const kith_streams* streams_ = nullptr;
  const kith_peers* peers_ = nullptr;
  const kith_topics* topics_ = nullptr;
  const kith_crypto* crypto_ = nullptr;
  const kith_bus* bus_ = nullptr;
  const kith_gate* gate_ = nullptr;
  const kith_links* links_ = nullptr;
  const kith_ledgers* ledgers_ = nullptr;
  const kith_kv* kv_ = nullptr;
  const kith_apps* apps_ = nullptr;
};

// co_await sleep: `Sleep nap(host, us); co_await nap;`
class Sleep {
 public:
  Sleep(const Host& host, std::uint64_t us) : op_(host.after(us, completion_.done())) {}
  bool await_ready() const noexcept { return completion_.await_ready(); }
  void await_suspend(std::coroutine_handle<> waiter) { completion_.await_suspend(waiter); }
  void await_resume() { op_.forget(); }

 private:
  Completion completion_;
  Op op_;
};

// Opens a stream to a connected peer. `protocols` must outlive the task; an empty Pipe and *error
// when it failed.
inline Task<Pipe> open_stream(const Host& host, Bytes peer, std::span<const char* const> protocols,
                              std::uint32_t ms, int* error = nullptr) {
  Completion opened;
  Op op = host.own(host.streams().open(host.raw(), c_bytes(peer), protocols.data(),
                                       protocols.size(), ms, opened.done()));
  const std::int64_t r = co_await opened;
  op.forget();
  if (error) *error = static_cast<int>(r);
  if (r < 0) co_return Pipe();
  co_return Pipe(static_cast<kith_pipe*>(const_cast<void*>(opened.result())));
}

}  // namespace kith

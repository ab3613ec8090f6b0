// SPDX-License-Identifier: MIT
// kith.loop/1, kith.log/1 and kith.crypto/1 over the engine's own.
#include <algorithm>

#include "engine/node/host.h"

namespace kith::node {

namespace {

class TimerOp final : public HostOp {
 public:
  TimerOp(kith_host* host, kith_done done)
      : host_(host), done_(done), timer_({&TimerOp::fire, this}) {}
  static kith_op* start(kith_host* host, std::uint64_t us, kith_done done) {
    auto made = std::make_unique<TimerOp>(host, done);
    TimerOp& op = *made;
    kith_op* const self = host->add(std::move(made));
    if (self) host->services.loop.start(op.timer_, us);
    return self;
  }

 private:
  static void fire(void* ctx, std::int64_t, const void*) {
    auto* op = static_cast<TimerOp*>(ctx);
    const kith_done done = op->done_;
    const auto spent = op->host_->spend(op->self_);
    done.fn(done.ctx, 0, nullptr);
  }
  kith_host* host_;
  kith_done done_;
  Timer timer_;
};

// A post comes from any thread and may find its host gone.
struct Posted {
  std::shared_ptr<bool> gone;
  kith_done done;
  static void fire(void* ctx, std::int64_t r, const void*) {
    const std::unique_ptr<Posted> posted(static_cast<Posted*>(ctx));
    if (!*posted->gone) posted->done.fn(posted->done.ctx, r, nullptr);
  }
};

// The answer to an offload: counted, so that a stop can wait for it.
struct Offloaded {
  std::shared_ptr<bool> gone;
  std::shared_ptr<std::size_t> jobs;
  kith_done done;
  static void fire(void* ctx, std::int64_t r, const void*) {
    const std::unique_ptr<Offloaded> job(static_cast<Offloaded*>(ctx));
    --*job->jobs;
    if (!*job->gone) job->done.fn(job->done.ctx, r, nullptr);
  }
};

class WatchOp final : public HostOp {
 public:
  explicit WatchOp(kith_done ready) : ready_(ready) {}
  std::unique_ptr<Loop::Watch> watch;
  kith_done ready_;
};

// Several claims verified beside the loop, in jobs of at most this many: 25 k verifications a
// second make 2.5 ms.
constexpr std::size_t kClaimsPerJob = 64;

struct VerifyWork {
  std::vector<kith_claim> claims;
  std::vector<std::int8_t> holds;
  std::vector<Buffer> kept;
  std::size_t next = 0;  // the first claim of the job under way

  void run(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      const kith_claim& claim = claims[i];
      const auto peer = wire::PeerId::from_bytes(view(claim.from));
      holds[i] = peer && crypto::verify_claim(*peer, view(claim.key), claim.domain,
                                              view(claim.bytes), view(claim.sig));
    }
  }
};

class VerifyOp final : public HostOp {
 public:
  VerifyOp(kith_host* host, const kith_claim* claims, std::size_t n, kith_done done)
      : host_(host), done_(done), answer_({&VerifyOp::answered, this}) {
    work_ = std::make_shared<VerifyWork>();
    work_->claims.assign(claims, claims + n);
    work_->holds.assign(n, 0);
    for (std::size_t i = 0; i < n; ++i) work_->kept.push_back(Buffer::share(claims[i].hold));
  }
  static kith_op* start(kith_host* host, const kith_claim* claims, std::size_t n, kith_done done) {
    auto made = std::make_unique<VerifyOp>(host, claims, n, done);
    VerifyOp& op = *made;
    kith_op* const self = host->add(std::move(made));
    if (self) op.begin();
    return self;
  }

 private:
  // What the worker holds while a job runs: the claims outlive a cancelled op.
  struct Job {
    std::shared_ptr<VerifyWork> work;
    std::size_t from, to;
    kith_host* host;
    kith_op* op;
    std::shared_ptr<bool> gone = host->gone;
    std::shared_ptr<std::size_t> jobs = host->services.jobs;
  };
  void begin() {
    const std::size_t n = work_->claims.size();
    if (n <= 1) {
      work_->run(0, n);
      host_->services.loop.start(answer_, 0);
      return;
    }
    next_job();
  }
  void next_job() {
    const std::size_t to = std::min(work_->next + kClaimsPerJob, work_->claims.size());
    auto* job = new Job{work_, work_->next, to, host_, self_};
    const auto run = [](void* arg) -> std::int64_t {
      auto* at = static_cast<Job*>(arg);
      at->work->run(at->from, at->to);
      return 0;
    };
    if (host_->services.loop.offload(run, job, {&VerifyOp::job_done, job}, Loop::Beside::brief)) {
      ++*host_->services.jobs;
      return;
    }
    delete job;  // the worker is full: the loop does it, which is the back-pressure
    work_->run(work_->next, work_->claims.size());
    host_->services.loop.start(answer_, 0);
  }
  static void job_done(void* ctx, std::int64_t, const void*) {
    const std::unique_ptr<Job> job(static_cast<Job*>(ctx));
    --*job->jobs;
    if (*job->gone) return;
    job->work->next = job->to;
    auto* op = static_cast<VerifyOp*>(job->host->peek(job->op));
    if (!op) return;  // cancelled meanwhile
    if (job->to < job->work->claims.size()) {
      op->next_job();
    } else {
      answered(op, 0, nullptr);
    }
  }
  static void answered(void* ctx, std::int64_t, const void*) {
    auto* op = static_cast<VerifyOp*>(ctx);
    const auto spent = op->host_->spend(op->self_);
    op->done_.fn(op->done_.ctx, 0, op->work_->holds.data());
  }
  kith_host* host_;
  kith_done done_;
  Timer answer_;
  std::shared_ptr<VerifyWork> work_;
};

LogLevel level_of(int level) { return static_cast<LogLevel>(std::clamp(level, 0, 4)); }

}  // namespace

const kith_loop* loop_table() {
  static constexpr kith_loop table{
      sizeof(kith_loop),
      [](kith_host* host) { return host->services.loop.now_us(); },
      [](kith_host* host) { return host->services.loop.wall_us(); },
      [](kith_host* host, void* to, std::size_t n) {
        host->services.loop.random({static_cast<std::uint8_t*>(to), n});
      },
      &TimerOp::start,
      [](kith_host* host, kith_done done) -> int {
        host->services.loop.post({&Posted::fire, new Posted{host->gone, done}});
        return 0;
      },
      [](kith_host* host, int fd, kith_done ready) -> kith_op* {
        auto op = std::make_unique<WatchOp>(ready);
        op->watch = host->services.loop.watch(fd, ready);
        return op->watch ? host->add(std::move(op)) : nullptr;
      },
      [](kith_host* host, kith_op* watch, unsigned rd_wr) -> int {
        auto* op = dynamic_cast<WatchOp*>(host->peek(watch));
        if (!op) return KITH_ABSENT;
        op->watch->arm(rd_wr);
        return 0;
      },
      [](kith_host* host, std::int64_t (*work)(void*), void* arg, kith_done done,
         int long_job) -> int {
        auto* answer = new Offloaded{host->gone, host->services.jobs, done};
        const auto where = long_job != 0 ? Loop::Beside::lengthy : Loop::Beside::brief;
        if (!host->services.loop.offload(work, arg, {&Offloaded::fire, answer}, where)) {
          delete answer;
          return KITH_LIMIT;
        }
        ++*host->services.jobs;
        return 0;
      },
  };
  return &table;
}

const kith_log* log_table() {
  static constexpr kith_log table{
      sizeof(kith_log),
      [](kith_host* host, int level, kith_bytes line) {
        host->log.write(level_of(level), text(line));
        if (host->tail) host->tail(level_of(level), text(line));
      },
      [](kith_host* host, int level) -> int {
        return host->tail || host->log.enabled(level_of(level)) ? 1 : 0;
      },
  };
  return &table;
}

const kith_crypto* crypto_table() {
  static constexpr kith_crypto table{
      sizeof(kith_crypto),
      [](kith_host* host, const char* domain, kith_bytes bytes, std::uint8_t out[64]) -> int {
        const crypto::Signature made = host->services.identity.sign(domain, view(bytes));
        std::copy(made.begin(), made.end(), out);
        return 0;
      },
      &VerifyOp::start,
      [](kith_host* host, void* to, std::size_t n) {
        host->services.loop.entropy({static_cast<std::uint8_t*>(to), n});
      },
      [](kith_host* host) { return c_bytes(host->services.identity.public_key()); },
      [](kith_host*, kith_bytes bytes, std::uint8_t out[32]) {
        const crypto::Hash hash = crypto::sha256(view(bytes));
        std::copy(hash.begin(), hash.end(), out);
      },
  };
  return &table;
}

}  // namespace kith::node

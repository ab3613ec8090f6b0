// SPDX-License-Identifier: MIT
#include "engine/node/real_loop.h"

#include <fcntl.h>
#include <sys/random.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>

#include "engine/node/names.h"
#include "engine/node/workers.h"

namespace kith::node {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Executor = asio::io_context::executor_type;  // named, so that Asio does not erase its type
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

constexpr int kTurnCallbacksMax = 256;
constexpr std::uint64_t kNever = UINT64_MAX;

// xoshiro256++ (Blackman, Vigna; public domain), for choices only.
struct Chance {
  std::uint64_t s[4];
  static std::uint64_t turned(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
  std::uint64_t next() {
    const std::uint64_t result = turned(s[0] + s[3], 23) + s[0];
    const std::uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = turned(s[3], 45);
    return result;
  }
};

void system_entropy(MutableBytes to) {
  while (!to.empty()) {
    const ssize_t n = getrandom(to.data(), to.size(), 0);
    if (n < 0 && errno != EINTR) std::abort();  // a node without entropy must not make keys
    if (n > 0) to = to.subspan(static_cast<std::size_t>(n));
  }
}

// Shared by a Watch and its waits under way, which Asio still completes after the Watch is gone.
struct Watched {
  Descriptor descriptor;
  kith_done ready;
  unsigned armed = 0;
  bool gone = false;
};

class FdWatch final : public Loop::Watch {
 public:
  FdWatch(std::shared_ptr<Watched> watched, bool was_blocking)
      : watched_(std::move(watched)), was_blocking_(was_blocking) {}
  ~FdWatch() override {
    watched_->gone = true;
    const int fd = watched_->descriptor.release();
    if (was_blocking_) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  }
  void arm(unsigned rd_wr) override {
    const unsigned fresh = rd_wr & ~watched_->armed;
    watched_->armed |= rd_wr;
    if (fresh & KITH_RD) wait(Descriptor::wait_read, KITH_RD);
    if (fresh & KITH_WR) wait(Descriptor::wait_write, KITH_WR);
  }

 private:
  void wait(Descriptor::wait_type type, unsigned direction) {
    auto completed = [watched = watched_, direction](const error_code&) {
      if (watched->gone) return;
      watched->armed &= ~direction;
      watched->ready.fn(watched->ready.ctx, direction, nullptr);
    };
    watched_->descriptor.async_wait(type, std::move(completed));
  }
  std::shared_ptr<Watched> watched_;
  bool was_blocking_;
};

}  // namespace

struct RealLoop::State {
  explicit State(RealLoop& owner) : loop(owner) {
    system_entropy({reinterpret_cast<std::uint8_t*>(chance.s), sizeof chance.s});
  }
  ~State() { mailbox->close(); }

  bool turn();
  void open_mail();
  void set_alarm();
  void await_signal(asio::signal_set& set, kith_done each);

  RealLoop& loop;
  Chance chance;
  asio::io_context context{1};
  asio::executor_work_guard<Executor> working{context.get_executor()};
  TimerHeap timers;
  asio::steady_timer alarm{context};
  std::uint64_t alarm_us = kNever;
  std::deque<Answer> posted;
  std::vector<std::unique_ptr<asio::signal_set>> signals;
  std::atomic<std::thread::id> thread = std::this_thread::get_id();  // other threads ask it
  bool stopped = false;

  // Called with the mailbox locked, so that close() ends it before the context goes.
  std::shared_ptr<Mailbox> mailbox =
      std::make_shared<Mailbox>([this] { asio::post(context, [this] { open_mail(); }); });
  Worker short_jobs{mailbox, Worker::Ending::waits};
  Worker long_jobs{mailbox, Worker::Ending::waits};
  Worker commits{mailbox, Worker::Ending::waits};
  Worker names{mailbox, Worker::Ending::leaves};
};

void RealLoop::State::open_mail() {
  for (Answer& answer : mailbox->take()) posted.push_back(std::move(answer));
}

// One round; true when more is to do at once. The caller blocks otherwise.
bool RealLoop::State::turn() {
  int calls = 0;
  for (int before = -1; before != calls && calls < kTurnCallbacksMax;) {
    before = calls;
    for (; !posted.empty() && calls < kTurnCallbacksMax; ++calls) {
      const Answer answer = std::move(posted.front());
      posted.pop_front();
      answer.done.fn(answer.done.ctx, answer.r, nullptr);
    }
    if (!timers.empty()) {
      const std::uint64_t now_us = loop.now_us();
      for (; calls < kTurnCallbacksMax; ++calls) {
        Timer* timer = timers.take_due(now_us);
        if (!timer) break;
        const kith_done done = timer->done;
        done.fn(done.ctx, 0, nullptr);
      }
    }
    while (calls < kTurnCallbacksMax && context.poll_one() > 0) ++calls;
  }
  loop.end_turn();
  return calls >= kTurnCallbacksMax || !posted.empty() || loop.turn_pending();
}

// An alarm that rings too early costs one empty turn; one that is moved costs system calls. So it
// is only ever moved forward.
void RealLoop::State::set_alarm() {
  if (timers.empty() || timers.next_due_us() >= alarm_us) return;
  alarm_us = timers.next_due_us();
  const auto due = std::chrono::microseconds(
      std::min<std::uint64_t>(alarm_us, std::chrono::microseconds::max().count() / 2'000));
  alarm.expires_at(Clock::time_point(due));
  alarm.async_wait([this](const error_code& error) {
    if (!error) alarm_us = kNever;
  });
}

void RealLoop::State::await_signal(asio::signal_set& set, kith_done each) {
  set.async_wait([this, &set, each](const error_code& error, int number) {
    if (error) return;
    await_signal(set, each);
    each.fn(each.ctx, number, nullptr);
  });
}

RealLoop::RealLoop() : state_(std::make_unique<State>(*this)) {}
RealLoop::~RealLoop() = default;

std::uint64_t RealLoop::now_us() const {
  const auto now = Clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::uint64_t RealLoop::wall_us() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void RealLoop::random(MutableBytes to) {
  while (!to.empty()) {
    const std::uint64_t word = state_->chance.next();
    const std::size_t n = std::min(to.size(), sizeof word);
    std::memcpy(to.data(), &word, n);
    to = to.subspan(n);
  }
}

void RealLoop::entropy(MutableBytes to) { system_entropy(to); }

void RealLoop::start(Timer& timer, std::uint64_t us) {
  const std::uint64_t now = now_us();
  state_->timers.start(timer, us > kNever - now ? kNever : now + us);
}

void RealLoop::post(kith_done done) {
  if (std::this_thread::get_id() == state_->thread) {
    state_->posted.push_back({done, 0, nullptr});
  } else {
    state_->mailbox->put({done, 0, nullptr});
  }
}

std::unique_ptr<Loop::Watch> RealLoop::watch(int fd, kith_done ready) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return nullptr;
  auto watched =
      std::make_shared<Watched>(Watched{Descriptor(state_->context.get_executor()), ready});
  error_code error;
  watched->descriptor.assign(fd, error);
  if (error) return nullptr;
  return std::make_unique<FdWatch>(std::move(watched), (flags & O_NONBLOCK) == 0);
}

bool RealLoop::offload(std::int64_t (*work)(void*), void* arg, kith_done done, Beside where) {
  Worker* const workers[] = {&state_->short_jobs, &state_->long_jobs, &state_->commits};
  return workers[static_cast<std::size_t>(where)]->add({work, arg, done, nullptr});
}

std::unique_ptr<Loop::Lookup> RealLoop::resolve(const std::string& name, kith_done done) {
  return resolve_name(*this, state_->names, name, done);
}

void RealLoop::on_signal(int number, kith_done each) {
  state_->signals.push_back(std::make_unique<asio::signal_set>(state_->context, number));
  state_->await_signal(*state_->signals.back(), each);
}

void RealLoop::run() {
  state_->thread = std::this_thread::get_id();
  state_->stopped = false;
  while (!state_->stopped) {
    if (state_->turn() || state_->stopped) continue;
    state_->set_alarm();
    state_->context.run_one();
  }
}

void RealLoop::stop() {
  const auto end = [](void* state, std::int64_t, const void*) {
    static_cast<State*>(state)->stopped = true;
  };
  post(kith_done{end, state_.get()});
}

}  // namespace kith::node

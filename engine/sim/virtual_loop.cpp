// SPDX-License-Identifier: MIT
#include "engine/sim/virtual_loop.h"

#include <algorithm>

namespace kith::sim {
namespace {

constexpr int kTurnCallbacksMax = 256;
constexpr std::uint64_t kWallStartUs = 1'767'225'600ull * 1'000'000;  // 2026-01-01T00:00:00Z
constexpr std::uint64_t kFnvPrime = 0x100000001b3u;

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void fill(std::uint64_t& state, MutableBytes to) {
  while (!to.empty()) {
    const std::uint64_t word = split_mix(state);
    const std::size_t n = std::min(to.size(), sizeof word);
    std::memcpy(to.data(), &word, n);
    to = to.subspan(n);
  }
}

// The answer is copied out before it is given, as the callback may destroy the Lookup.
class NameLookup final : public Loop::Lookup {
 public:
  NameLookup(std::vector<std::string> found, kith_done done)
      : found_(std::move(found)), done_(done) {}
  Timer& timer() { return timer_; }

 private:
  static void fire(void* self, std::int64_t, const void*) {
    auto* lookup = static_cast<NameLookup*>(self);
    const std::vector<std::string> found = std::move(lookup->found_);
    const kith_done done = lookup->done_;
    const kith_bytes sentence = c_bytes(std::string_view("no such name"));
    if (found.empty()) {
      done.fn(done.ctx, KITH_ABSENT, &sentence);
    } else {
      done.fn(done.ctx, static_cast<std::int64_t>(found.size()), &found);
    }
  }
  std::vector<std::string> found_;
  kith_done done_;
  Timer timer_{kith_done{&NameLookup::fire, this}};
};

}  // namespace

VirtualLoop::VirtualLoop(std::uint64_t seed)
    : random_state_(seed), entropy_state_(seed ^ 0x6b6974682d656e74u) {}

std::uint64_t VirtualLoop::wall_us() const { return kWallStartUs + now_us_; }
void VirtualLoop::random(MutableBytes to) { fill(random_state_, to); }
void VirtualLoop::entropy(MutableBytes to) { fill(entropy_state_, to); }
void VirtualLoop::start(Timer& timer, std::uint64_t us) {
  const std::uint64_t due_us = now_us_ + us;
  timers_.start(timer, due_us < us ? UINT64_MAX : due_us);
}
void VirtualLoop::post(kith_done done) { posted_.push_back({done, 0}); }
std::unique_ptr<Loop::Watch> VirtualLoop::watch(int, kith_done) { return nullptr; }

bool VirtualLoop::offload(std::int64_t (*work)(void*), void* arg, kith_done done, Beside) {
  answers_.push_back({done, work(arg)});
  return true;
}

std::unique_ptr<Loop::Lookup> VirtualLoop::resolve(const std::string& name, kith_done done) {
  const auto found = names_.find(name);
  auto lookup = std::make_unique<NameLookup>(
      found == names_.end() ? std::vector<std::string>() : found->second, done);
  start(lookup->timer(), 0);
  return lookup;
}

bool VirtualLoop::turn(std::uint64_t until_us) {
  posted_.insert(posted_.end(), answers_.begin(), answers_.end());
  answers_.clear();
  if (posted_.empty() && !turn_pending()) {
    if (timers_.empty() || timers_.next_due_us() > until_us) return false;
    now_us_ = std::max(now_us_, timers_.next_due_us());
  }
  ++turns_;
  for (int calls = 0; calls < kTurnCallbacksMax;) {
    const int before = calls;
    if (!posted_.empty()) {
      const Call call = posted_.front();
      posted_.pop_front();
      call.done.fn(call.done.ctx, call.r, nullptr);
      ++calls;
    }
    if (Timer* timer = timers_.take_due(now_us_)) {
      const kith_done done = timer->done;
      done.fn(done.ctx, 0, nullptr);
      ++calls;
    }
    if (calls == before) break;
  }
  end_turn();
  return true;
}

void VirtualLoop::run_for(std::uint64_t us) {
  const std::uint64_t until_us = now_us_ + us;
  while (turn(until_us)) {
  }
  now_us_ = until_us;
}

bool VirtualLoop::run_until(const std::function<bool()>& done, std::uint64_t us) {
  const std::uint64_t until_us = now_us_ + us;
  while (!done()) {
    if (turn(until_us)) continue;
    now_us_ = until_us;
    return done();
  }
  return true;
}

void VirtualLoop::trace(std::string_view fact) {
  const auto mix = [this](std::uint8_t byte) { trace_hash_ = (trace_hash_ ^ byte) * kFnvPrime; };
  for (int shift = 0; shift < 64; shift += 8) mix(static_cast<std::uint8_t>(now_us_ >> shift));
  for (const char letter : fact) mix(static_cast<std::uint8_t>(letter));
  mix(0xff);  // no UTF-8 text holds it, so two facts never look like one
}

}  // namespace kith::sim

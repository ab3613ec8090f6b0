// SPDX-License-Identifier: MIT
#include "engine/bus/exchange.h"

namespace kith::bus {

// ---- the table

Calls::~Calls() {
  for (const auto& [serial, exchange] : open_) {
    exchange->calls_ = nullptr;
    exchange->over_ = exchange->severed_ = true;
  }
}

std::shared_ptr<Exchange> Calls::begin(Answer answer) {
  auto made = std::make_shared<Exchange>(*this, ++last_, std::move(answer));
  open_[last_] = made.get();
  return made;
}

void Calls::sever(Bus::Id command, const std::string& sentence) {
  for (const auto& [serial, exchange] : open_) {
    if (exchange->command_ != command || exchange->over_) continue;
    exchange->severed_ = true;
    exchange->told_ = nullptr;
    exchange->fail_later(sentence, KITH_CLOSED);
  }
}

// ---- the two sides

class Exchange::Side final : public Call {
 public:
  explicit Side(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~Side() override {
    if (open()) exchange_->fail("the command ended without an answer", KITH_CLOSED);
  }
  bool part(const wire::Value& value) override { return open() && exchange_->part(value); }
  void end(wire::Value value) override {
    if (open()) exchange_->end(std::move(value));
  }
  void fail(std::string sentence, int code) override {
    if (open()) exchange_->fail(sentence, code);
  }
  void on_cancel(std::function<void()> told) override {
    if (!exchange_->severed_) exchange_->on_cancel(std::move(told));
  }
  bool cancelled() const override { return exchange_->cancelled_ || exchange_->severed_; }

 private:
  bool open() const { return !exchange_->over_ && !exchange_->severed_; }
  std::shared_ptr<Exchange> exchange_;
};

CallPtr Exchange::open(Bus::Id command) {
  command_ = command;
  return std::make_shared<Side>(shared_from_this());
}

Bus::Ticket Exchange::ticket() {
  auto self = shared_from_this();
  return {this, [self](Exchange* exchange) { exchange->cancel(); }};
}

void Exchange::leave() {
  if (auto* calls = std::exchange(calls_, nullptr)) calls->open_.erase(serial_);
}

// ---- answers

// Keeps the exchange and its Answer alive while a function of the Answer runs, and frees what is
// over when the last of them has returned.
class Exchange::Answering {
 public:
  explicit Answering(Exchange& exchange) : exchange_(exchange.shared_from_this()) {
    ++exchange_->answering_;
  }
  ~Answering() {
    if (--exchange_->answering_ > 0 || !exchange_->over_) return;
    const Answer freed = std::exchange(exchange_->answer_, {});
  }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

 private:
  std::shared_ptr<Exchange> exchange_;
};

bool Exchange::part(const wire::Value& value) {
  if (over_) return false;
  const Answering answering(*this);
  if (answer_.part) answer_.part(value);
  return !over_;
}

void Exchange::end(wire::Value value) {
  if (over_) return;
  const Answering answering(*this);
  over_ = true;
  told_ = nullptr;
  leave();
  if (answer_.end) answer_.end(std::move(value));
}

void Exchange::fail(const std::string& sentence, int code) {
  if (over_) return;
  const Answering answering(*this);
  over_ = true;
  told_ = nullptr;
  leave();
  if (answer_.fail) answer_.fail(sentence, code);
}

void Exchange::fail_later(std::string sentence, int code) {
  if (!calls_) return;
  auto self = shared_from_this();
  calls_->later().push(
      [self, sentence = std::move(sentence), code] { self->fail(sentence, code); });
}

// ---- cancelling

void Exchange::on_cancel(std::function<void()> told) {
  if (!cancelled_) {
    if (!over_) told_ = std::move(told);
  } else if (calls_) {
    calls_->later().push(std::move(told));  // never from inside the handler's own call
  }
}

void Exchange::cancel() {
  if (over_) return;
  const Answering answering(*this);
  over_ = cancelled_ = true;
  auto told = std::exchange(told_, nullptr);
  if (!told) return;
  // From inside a part the handler is on the stack: it is told in a later turn.
  if (answering_ > 1 && calls_) {
    told_ = std::move(told);
    auto self = shared_from_this();
    return calls_->later().push([self] {
      if (const auto late = std::exchange(self->told_, nullptr)) late();
    });
  }
  told();
}

}  // namespace kith::bus

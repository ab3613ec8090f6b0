// SPDX-License-Identifier: MIT
// TaskOp: one coroutine run for a host behind a kith_op. Owned by the host, under which it is
// cancelled; fires `done` once from a later turn, or never when it was cancelled.
#pragma once
#include "engine/node/host.h"

namespace kith::node {

// Derive, write `static Task<void> run(Derived&)`, which ends in succeed or fail, and start it.
class TaskOp : public HostOp {
 public:
  TaskOp(kith_host* host, kith_done done)
      : host_(host), done_(done), answer_({&TaskOp::answered, this}) {}

 protected:
  template <class Op>
  static kith_op* start(std::unique_ptr<Op> made) {
    Op& op = *made;
    kith_op* const self = op.host_->add(std::move(made));
    if (self) op.scope_.spawn(Op::run(op));
    return self;
  }
  kith_host& host() const { return *host_; }
  // The answer leaves the task before it is given, so that the task may be destroyed by it.
  void succeed(kith_pipe* result) {
    result_ = Pipe(result);
    host_->services.loop.start(answer_, 0);
  }
  // r >= 0, and what result() gives then.
  void succeed(std::int64_t r) {
    code_ = r;
    host_->services.loop.start(answer_, 0);
  }
  void fail(const Error& error) {
    code_ = code_of(error);
    sentence_ = error.message();
    host_->services.loop.start(answer_, 0);
  }

  // Of a success; lives until `done` has returned.
  virtual const void* result() { return result_.release(); }

 private:
  static void answered(void* ctx, std::int64_t, const void*) {
    auto* op = static_cast<TaskOp*>(ctx);
    const auto spent = op->host_->spend(op->self_);
    const kith_bytes sentence = c_bytes(op->sentence_);
    const void* result = op->code_ < 0 ? static_cast<const void*>(&sentence) : op->result();
    op->done_.fn(op->done_.ctx, op->code_, result);
  }
  kith_host* host_;
  kith_done done_;
  Timer answer_;
  Pipe result_;
  std::int64_t code_ = 0;
  std::string sentence_;

 protected:
  Scope scope_;
};

}  // namespace kith::node

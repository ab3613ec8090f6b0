// SPDX-License-Identifier: MIT
// Hook: one topic, one URL, and the messages that wait for it, in order and in bounded memory. It
// hears on the message path and posts off it, one request at a time; what it cannot deliver is
// retried, and holds back what comes after. Owned by the app.
#pragma once
#include <list>

#include "plugins/apps/hooks/options.h"
#include "plugins/apps/hooks/post.h"

namespace kith::hooks {

class Hook {
 public:
  Hook(const Host& host, const Poster& poster, HookSpec spec);
  ~Hook();  // what waits is lost, and said so
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  // Why it hears nothing, or nothing.
  Result<void> listen();
  const HookSpec& spec() const { return spec_; }
  wire::Value row() const;

 private:
  void hear(const kith_message& message);
  void make_room(std::size_t bytes);
  void drop_oldest();
  void tell_drops();
  // The first of the queue is done with.
  void advance();
  static Task<void> deliver(Hook& hook);
  // How long until the next try, or nothing: it goes on with the next message, or not at all.
  std::optional<std::uint64_t> judge(const Outcome& outcome);
  void stop_for_good();
  std::string named() const { return " topic=" + spec_.topic + " url=" + spec_.shown_url(); }

  const Host& host_;
  const Poster& poster_;
  const HookSpec spec_;
  std::list<std::string> waiting_;  // bodies; the first is the one that is tried
  std::size_t waiting_bytes_ = 0;
  std::size_t tries_ = 0;  // of the first
  bool is_posting_ = false, is_gone_ = false;
  std::uint64_t delivered_ = 0, failed_ = 0, dropped_ = 0, dropped_told_ = 0;
  std::uint64_t next_try_us_ = 0;  // wall clock; 0: none is waited for
  int last_status_ = 0;
  std::string last_error_;  // of the newest try; empty when that was delivered
  Op heard_, notice_;
  Scope tasks_;
};

}  // namespace kith::hooks

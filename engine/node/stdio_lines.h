// SPDX-License-Identifier: MIT
// StdioLines: `kith run --stdio`, the control protocol on stdin and stdout for whoever started the
// node. Owned by the program's run; loop thread. The end of stdin is told once.
#pragma once
#include <functional>

#include "engine/node/control_caller.h"

namespace kith::node {

class StdioLines final : public LineSink {
 public:
  StdioLines(Loop& loop, bus::Bus& bus, std::function<void()> ended);
  ~StdioLines();
  void write(std::string_view line) override;
  std::size_t queued_bytes() const override { return queue_.size() - sent_; }
  void close(std::string_view why) override;

 private:
  static void readable(void* self, std::int64_t, const void*);
  static void writable(void* self, std::int64_t, const void*);
  void read();
  void flush();
  void end();

  Loop& loop_;
  std::function<void()> ended_;
  std::string queue_;
  std::size_t sent_ = 0;
  bool over_ = false;
  Timer ending_;
  ControlCaller caller_;
  std::unique_ptr<Loop::Watch> in_, out_;
};

}  // namespace kith::node

// SPDX-License-Identifier: MIT
// One POST over the node's kith.http/1, and what came of it.
#pragma once
#include <kith/host.h>

#include <optional>
#include <string>

namespace kith::hooks {

struct Outcome {
  int status = 0;     // 0: no answer
  std::string error;  // why it counts as not delivered
  std::optional<std::uint64_t> retry_after_s;
  bool delivered() const { return status >= 200 && status < 300; }
  bool is_gone() const { return status == 410; }
};

class Poster {
 public:
  explicit Poster(const Host& host);
  bool is_able() const { return http_ != nullptr; }
  // Everything given outlives the task, which cancels the request when it is destroyed.
  Task<Outcome> post(const std::string& url, const std::string& body) const;

 private:
  const Host& host_;
  void* http_self_ = nullptr;  // found with the table, so it stands first
  const kith_http* http_;
};

}  // namespace kith::hooks

// SPDX-License-Identifier: MIT
#include "plugins/apps/hooks/post.h"

#include "plugins/apps/hooks/limits.h"
#include "plugins/apps/hooks/retry.h"

namespace kith::hooks {
namespace {

constexpr std::string_view kType = "content-type: application/json";
constexpr std::string_view kRetryAfter = "retry-after:";

Outcome outcome_of(const kith_http_reply& reply, std::uint64_t wall_s) {
  Outcome outcome;
  outcome.status = reply.status;
  if (outcome.delivered()) return outcome;
  outcome.error = "answered " + std::to_string(reply.status);
  if (reply.status >= 300 && reply.status < 400) outcome.error += ": redirects are not followed";
  for (std::size_t i = 0; i < reply.n_headers; ++i) {
    const std::string_view line = text(reply.headers[i]);
    if (line.starts_with(kRetryAfter))
      outcome.retry_after_s = parse_retry_after(line.substr(kRetryAfter.size()), wall_s);
  }
  return outcome;
}

}  // namespace

Poster::Poster(const Host& host)
    : host_(host), http_(host.service<kith_http>(KITH_HTTP, &http_self_)) {}

Task<Outcome> Poster::post(const std::string& url, const std::string& body) const {
  const kith_bytes type = c_bytes(kType);
  kith_http_request request{};
  request.size = sizeof request;
  request.flags = KITH_HTTP_OPERATOR;  // the URL stands in the operator's own config
  request.method = "POST";
  request.url = c_bytes(url);
  request.headers = &type;
  request.n_headers = 1;
  request.body = c_bytes(body);
  request.ms = kPostMs;
  request.reply_max = kReplyBytesMax;
  Completion answered;
  Op op = host_.own(http_->request(static_cast<kith_host*>(http_self_), &request, answered.done()));
  Outcome outcome;
  if (!op) {
    outcome.error = host_.why(KITH_LIMIT);
    co_return outcome;
  }
  const std::int64_t r = co_await answered;
  op.forget();
  if (r < 0) {
    outcome.error = answered.sentence();
    if (outcome.error.empty()) outcome.error = describe(static_cast<kith_err>(r));
    co_return outcome;
  }
  // Still inside the answer's call, so that its views live.
  const auto* reply = static_cast<const kith_http_reply*>(answered.result());
  co_return outcome_of(*reply, host_.wall_us() / 1'000'000);
}

}  // namespace kith::hooks

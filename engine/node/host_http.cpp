// SPDX-License-Identifier: MIT
// kith.http/1 over the node's HttpClient.
#include "engine/node/host.h"

namespace kith::node {

namespace {

// A request of a host's: fires `done` once from a later turn, or never when it was cancelled.
class HttpOp final : public HostOp {
 public:
  HttpOp(kith_host* host, const kith_http_request& asked, kith_done done)
      : host_(host), done_(done), answer_({&HttpOp::answered, this}) {
    if (asked.method) request_.method = asked.method;
    request_.url = to_string(asked.url);
    for (std::size_t i = 0; i < asked.n_headers; ++i)
      request_.headers.push_back(to_string(asked.headers[i]));
    request_.body = to_vector(view(asked.body));
    if (asked.ms > 0) request_.ms = asked.ms;
    if (asked.reply_max > 0) request_.reply_max = asked.reply_max;
    // The operator's config speaks to plugins; what it grants an app is in its own table.
    request_.by_operator = !host->owner.is_app && (asked.flags & KITH_HTTP_OPERATOR) != 0;
    request_.allowed = host->http_allowed;
    if (host->owner.is_app) request_.asked_by = host->owner.name;
  }
  static kith_op* start(kith_host* host, const kith_http_request* asked, kith_done done) {
    host->failure.clear();
    if (!host->services.http) {
      host->failure = "this node speaks no HTTP";
      return nullptr;
    }
    auto made = std::make_unique<HttpOp>(host, *asked, done);
    HttpOp& op = *made;
    kith_op* const self = host->add(std::move(made));
    if (!self) return nullptr;  // and the op is gone
    op.scope_.spawn(run(op));
    return self;
  }

 private:
  // The answer leaves the task before it is given, so that the task may be destroyed by it.
  static Task<void> run(HttpOp& op) {
    net::HttpClient& http = *op.host_->services.http;
    try {
      op.reply_ = co_await http.request(std::move(op.request_));
      op.code_ = op.reply_.status;
    } catch (const Fault& fault) {  // the C border
      op.code_ = code_of(fault.error());
      op.sentence_ = fault.error().message();
    }
    op.host_->services.loop.start(op.answer_, 0);
  }
  static void answered(void* ctx, std::int64_t, const void*) {
    auto* op = static_cast<HttpOp*>(ctx);
    const auto spent = op->host_->spend(op->self_);
    const kith_bytes sentence = c_bytes(op->sentence_);
    std::vector<kith_bytes> headers;
    for (const std::string& line : op->reply_.headers) headers.push_back(c_bytes(line));
    const kith_http_reply reply{sizeof reply, op->reply_.status, headers.data(), headers.size(),
                                c_bytes(Bytes(op->reply_.body))};
    const void* result = op->code_ < 0 ? static_cast<const void*>(&sentence) : &reply;
    op->done_.fn(op->done_.ctx, op->code_, result);
  }

  kith_host* host_;
  kith_done done_;
  net::HttpRequest request_;
  net::HttpReply reply_;
  int code_ = 0;
  std::string sentence_;
  Timer answer_;
  Scope scope_;
};

}  // namespace

const kith_http* http_table() {
  static constexpr kith_http table{sizeof(kith_http), &HttpOp::start};
  return &table;
}

}  // namespace kith::node

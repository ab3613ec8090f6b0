// SPDX-License-Identifier: MIT
// FakeHttp: kith.http/1 for a Node under test. It keeps what was asked and gives the answer that it
// was told, a millisecond later, or none. Outlives the node.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/loop.h"
#include "engine/wire/varint.h"

namespace kith::test {

class FakeHttp {
 public:
  explicit FakeHttp(Loop& loop) : loop_(loop) {}

  struct Asked {
    std::string method, url, body;
    std::vector<std::string> headers;
    unsigned flags = 0;
    std::uint32_t ms = 0;
  };
  std::vector<Asked> asked;
  int status = 200;  // < 0: a kith_err, and `body` its sentence
  std::string body;
  std::vector<std::string> headers;
  bool silent = false;

  const kith_http* table() const {
    static constexpr kith_http made{sizeof(kith_http), &FakeHttp::request};
    return &made;
  }

 private:
  struct Reply {
    explicit Reply(FakeHttp& given, kith_done to)
        : http(given), done(to), timer({&FakeHttp::answer, this}) {}
    FakeHttp& http;
    kith_done done;
    Timer timer;
  };

  static kith_op* request(kith_host* self, const kith_http_request* given, kith_done done) {
    auto& http = *reinterpret_cast<FakeHttp*>(self);
    Asked asked{given->method, to_string(given->url), to_string(given->body), {}, given->flags,
                given->ms};
    for (std::size_t i = 0; i < given->n_headers; ++i)
      asked.headers.push_back(to_string(given->headers[i]));
    http.asked.push_back(std::move(asked));
    http.replies_.push_back(std::make_unique<Reply>(http, done));
    if (!http.silent) http.loop_.start(http.replies_.back()->timer, 1'000);
    return reinterpret_cast<kith_op*>(1);  // a number that no host ever gave
  }
  static void answer(void* ctx, std::int64_t, const void*) {
    const auto& reply = *static_cast<Reply*>(ctx);
    const FakeHttp& http = reply.http;
    const kith_bytes sentence = c_bytes(std::string_view(http.body));
    if (http.status < 0) return reply.done.fn(reply.done.ctx, http.status, &sentence);
    std::vector<kith_bytes> lines;
    for (const std::string& line : http.headers) lines.push_back(c_bytes(std::string_view(line)));
    const kith_http_reply made{sizeof made, http.status, lines.data(), lines.size(), sentence};
    reply.done.fn(reply.done.ctx, http.status, &made);
  }

  Loop& loop_;
  std::deque<std::unique_ptr<Reply>> replies_;
};

}  // namespace kith::test

// SPDX-License-Identifier: MIT
#include "engine/net/http_client.h"

#include <algorithm>
#include <deque>

#include "engine/base/limits.h"
#include "engine/net/http_guard.h"
#include "engine/net/http_transfer.h"

namespace kith::net {
namespace {

bool is_token(std::string_view text) {  // RFC 9110 section 5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// What says where the message ends or goes is libcurl's and the URL's to say.
constexpr std::string_view kFraming[] = {
    "connection", "content-length", "expect",  "host",
    "te",         "trailer",        "upgrade", "transfer-encoding"};

void judge_header(const std::string& line) {
  const std::size_t colon = line.find(':');
  std::string name = line.substr(0, colon);
  if (colon == line.npos || !is_token(name) ||
      line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos)
    throw Fault(Error(KITH_BAD, "a header is one line, \"name: value\""));
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  if (std::find(std::begin(kFraming), std::end(kFraming), name) != std::end(kFraming))
    throw Fault(Error(KITH_BAD, "the header " + name + " is not for a request to set"));
}

void judge(const HttpRequest& request) {
  const std::string& method = request.method;
  if (!is_token(method) || method.size() > 16 || method == "CONNECT" || method == "TRACE")
    throw Fault(Error(KITH_BAD, "a method is a word such as GET or POST"));
  std::size_t bytes = 0;
  for (const std::string& line : request.headers) {
    judge_header(line);
    bytes += line.size();
  }
  if (bytes > limits::kHttpReplyHeaderMax)
    throw Fault(Error(KITH_LIMIT,
                      "headers of over " + std::to_string(limits::kHttpReplyHeaderMax) + " bytes"));
}

}  // namespace

struct HttpClient::State {
  State(Loop& given_loop, Log given_log, std::string given_agent)
      : loop(given_loop), log(given_log), agent(std::move(given_agent)) {}

  // One of those under way, or one in the line for that.
  class Slot {
   public:
    explicit Slot(State& state) : state_(state) {
      if (state_.waiting.size() >= limits::kHttpWaitingMax)
        throw Fault(Error(KITH_LIMIT, "too many HTTP requests wait"));
      state_.waiting.push_back(this);
      state_.admit();
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
      std::erase(state_.waiting, this);
      if (!held) return;
      --state_.under_way;
      state_.admit();
    }
    bool held = false;
    Completion told;

   private:
    friend struct State;
    State& state_;
    Timer turn_{told.done()};  // told from the loop: an end does not run its successor
  };
  void admit() {
    while (!waiting.empty() && under_way < limits::kHttpRequestsMax) {
      Slot* next = waiting.front();
      waiting.pop_front();
      next->held = true;
      ++under_way;
      loop.start(next->turn_, 0);
    }
  }

  HttpPool& pool(const CurlLibrary& curl, bool named) {
    auto& made = named ? named_pool : public_pool;
    if (!made) made = std::make_unique<HttpPool>(curl, loop);
    return *made;
  }
  // What is waited for ends with r = 0 when the time of the whole request is up.
  void limit(Timer& timer, Completion& ends, std::uint64_t due_us) {
    timer.done = ends.done();
    const std::uint64_t now_us = loop.now_us();
    loop.start(timer, due_us > now_us ? due_us - now_us : 0);
  }
  static Task<HttpReply> run(State& state, HttpRequest request);
  static Task<std::vector<std::string>> find(State& state, const HttpUrl& url,
                                             std::uint64_t due_us);

  Loop& loop;
  Log log;
  const std::string agent;
  std::size_t under_way = 0;
  std::deque<Slot*> waiting;
  // Apart, so that nobody rides on a kept connection to where only another may go.
  std::unique_ptr<HttpPool> public_pool, named_pool;
};

namespace {

Fault late(const HttpUrl& url) {
  return Fault(Error(KITH_TIMEOUT, url.origin() + " gave no answer in time"));
}

}  // namespace

Task<std::vector<std::string>> HttpClient::State::find(State& state, const HttpUrl& url,
                                                       std::uint64_t due_us) {
  if (Cidr::ip_from_text(url.host())) co_return std::vector<std::string>(1, url.host());
  Completion found;
  Timer limit;
  state.limit(limit, found, due_us);
  const auto lookup = state.loop.resolve(url.host(), found.done());
  const std::int64_t r = co_await found;
  if (r == 0 || r == KITH_TIMEOUT) throw late(url);
  if (r < 0) throw Fault(Error(KITH_IO, url.host() + ": " + found.sentence()));
  co_return *static_cast<const std::vector<std::string>*>(found.result());
}

Task<HttpReply> HttpClient::State::run(State& state, HttpRequest request) {
  const std::uint64_t begun_us = state.loop.now_us();
  const std::uint64_t due_us = begun_us + std::uint64_t{request.ms} * 1000;
  judge(request);
  const CurlLibrary& curl = *CurlLibrary::get().value();
  const HttpUrl url = HttpUrl::from_text(curl, request.url).value();
  const bool named = is_named(request, curl, url);

  Slot slot(state);
  Timer limit;
  state.limit(limit, slot.told, due_us);
  co_await slot.told;
  if (!slot.held) throw late(url);
  limit.stop();

  const auto addresses = co_await find(state, url, due_us);
  const auto approved = approve(request, url, named, addresses).value();
  Completion ended;
  state.limit(limit, ended, due_us);
  HttpTransfer transfer(curl, state.pool(curl, named), request, url, state.agent, approved,
                        ended.done());
  const std::int64_t r = co_await ended;
  if (r == 0) throw late(url);
  HttpReply reply = transfer.take(r);
  state.log.debug("http method={} origin={} status={} ms={}", request.method, url.origin(),
                  reply.status, (state.loop.now_us() - begun_us) / 1000);
  co_return reply;
}

HttpClient::HttpClient(Loop& loop, Log log, std::string agent)
    : state_(std::make_unique<State>(loop, log, std::move(agent))) {}

HttpClient::~HttpClient() = default;

Task<HttpReply> HttpClient::request(HttpRequest request) {
  return State::run(*state_, std::move(request));
}

}  // namespace kith::net

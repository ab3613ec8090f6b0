// SPDX-License-Identifier: MIT
#include "engine/node/names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>

namespace kith::node {
namespace {

constexpr std::uint64_t kLookupUs = 5'000'000;
constexpr std::size_t kAddressesMax = 16;

class NameLookup;

struct Question {
  std::string name;
  std::vector<std::string> found;  // the worker's until it has answered
  std::string sentence;
  NameLookup* asker = nullptr;  // the loop's
};

class NameLookup final : public Loop::Lookup {
 public:
  NameLookup(std::shared_ptr<Question> question, kith_done done)
      : question_(std::move(question)), done_(done) {
    question_->asker = this;
  }
  ~NameLookup() override { question_->asker = nullptr; }
  Timer& limit() { return limit_; }
  // Why the limit fires: time is up, or the queue of names was full.
  void give_up_with(int error) { error_ = error; }

  static void answered(void* ctx, std::int64_t r, const void*) {
    auto* question = static_cast<Question*>(ctx);  // held by the answer
    if (question->asker) question->asker->answer(r);
  }

 private:
  static void give_up(void* ctx, std::int64_t, const void*) {
    auto* lookup = static_cast<NameLookup*>(ctx);
    lookup->answer(lookup->error_);
  }
  // The last thing that happens here: the callback may destroy this.
  void answer(std::int64_t r) {
    limit_.stop();
    question_->asker = nullptr;
    const std::shared_ptr<Question> question = question_;
    const kith_done done = done_;
    if (r > 0) return done.fn(done.ctx, r, &question->found);
    const bool is_told = r == KITH_ABSENT;  // else the worker may be writing it now
    const kith_bytes sentence = c_bytes(is_told ? std::string_view(question->sentence)
                                                : "the name service gave no answer in time");
    done.fn(done.ctx, r, &sentence);
  }
  std::shared_ptr<Question> question_;
  kith_done done_;
  int error_ = KITH_TIMEOUT;
  Timer limit_{kith_done{&NameLookup::give_up, this}};
};

std::string literal(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text,
              sizeof text);
  }
  return text;
}

std::int64_t ask(void* arg) {
  auto& question = *static_cast<Question*>(arg);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // one entry an address
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(question.name.c_str(), nullptr, &hints, &list);
  if (failed != 0) {
    question.sentence = gai_strerror(failed);
    return KITH_ABSENT;
  }
  for (const addrinfo* at = list; at && question.found.size() < kAddressesMax; at = at->ai_next) {
    std::string text = literal(*at->ai_addr);
    const bool is_new =
        std::find(question.found.begin(), question.found.end(), text) == question.found.end();
    if (!text.empty() && is_new) question.found.push_back(std::move(text));
  }
  freeaddrinfo(list);
  if (!question.found.empty()) return static_cast<std::int64_t>(question.found.size());
  question.sentence = "the name has no address";
  return KITH_ABSENT;
}

}  // namespace

std::unique_ptr<Loop::Lookup> resolve_name(Loop& loop, Worker& worker, const std::string& name,
                                           kith_done done) {
  auto question = std::make_shared<Question>();
  question->name = name;
  auto lookup = std::make_unique<NameLookup>(question, done);
  const bool is_queued = worker.add(
      {&ask, question.get(), kith_done{&NameLookup::answered, question.get()}, question});
  if (!is_queued) lookup->give_up_with(KITH_LIMIT);
  loop.start(lookup->limit(), is_queued ? kLookupUs : 0);
  return lookup;
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "engine/cli/listen.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "engine/base/limits.h"
#include "engine/cli/run.h"
#include "engine/cli/stop_wait.h"
#include "engine/wire/encodings.h"
#include "engine/wire/peer_id.h"

namespace kith::cli {
namespace {

using wire::Value;

// The first part of `listen` says that the topic is joined.
bool is_notice(const Value& part) { return part.find("listening") != nullptr; }

void print_notice(Output& out, const Value& part) {
  const std::int64_t peers = part.integer_or("peers", 0);
  out.note("listening on " + part.string_or("listening") + ", " + std::to_string(peers) +
           (peers == 1 ? " peer" : " peers"));
}

// Talk: two calls are interleaved with what is typed. What is published here comes back on
// `listen`; it is known by its id, which its own answer brings a little later.
class Talk {
 public:
  Talk(const Place& place, ControlClient& client, std::string topic)
      : place_(place), client_(client), topic_(std::move(topic)) {}

  int run(int in_fd) {
    Value args;
    args["topic"] = topic_;
    auto started = client_.start_call("listen", std::move(args));
    if (!started) return refuse(place_, started.error());
    listen_id_ = *std::move(started);
    StopWait stop;
    while (!over_ && !stop.is_over() && !place_.out.gone() && !(at_end_ && pending_ == 0)) {
      const bool reads = joined_ && !at_end_ && pending_ < kPendingMax;
      pollfd waits[] = {
          {client_.fd(), POLLIN, 0}, {stop.fd(), POLLIN, 0}, {reads ? in_fd : -1, POLLIN, 0}};
      if (::poll(waits, 3, -1) < 0) continue;
      if (waits[0].revents != 0) hear();
      if (waits[2].revents != 0 && !over_) type(in_fd);
    }
    return code_;
  }

 private:
  static constexpr int kPendingMax = 16;
  static constexpr std::size_t kOwnMax = 64;

  void hear() {
    for (;;) {
      auto reply = client_.next();
      if (!reply) return finish(refuse(place_, reply.error()));
      if (!*reply) return;
      if ((*reply)->id == listen_id_) {
        hear_topic(**reply);
      } else {
        hear_published(**reply);
      }
      if (over_) return;
    }
  }

  void hear_topic(node::Reply& reply) {
    if (reply.kind == node::Reply::Kind::error) {
      place_.out.note(reply.message);
      return finish(kExitFailure);
    }
    if (reply.kind == node::Reply::Kind::end) return finish(kExitOk);
    if (reply.kind != node::Reply::Kind::part) return;
    if (is_notice(reply.value)) {
      joined_ = true;
      return print_notice(place_.out, reply.value);
    }
    held_.push_back(std::move(reply.value));
    if (pending_ == 0) print_held();
  }

  void hear_published(const node::Reply& reply) {
    if (reply.kind == node::Reply::Kind::error) {
      place_.out.note(reply.message);
      code_ = kExitFailure;
    } else if (reply.kind == node::Reply::Kind::end) {
      own_.push_back(reply.value.string_or("id"));
      if (own_.size() > kOwnMax) own_.pop_front();
    } else {
      return;
    }
    if (--pending_ == 0) print_held();
  }

  void print_held() {
    for (const Value& message : held_) {
      const bool own = std::find(own_.begin(), own_.end(), message.string_or("id")) != own_.end();
      if (own) continue;
      if (place_.out.json()) {
        place_.out.value(message);
      } else {
        place_.out.text(message_line(message) + "\n");
      }
    }
    held_.clear();
  }

  void type(int in_fd) {
    char space[4096];
    const ssize_t got = ::read(in_fd, space, sizeof space);
    if (got < 0 && errno == EINTR) return;
    at_end_ = got <= 0;
    typed_.append(space, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    for (std::size_t end; (end = typed_.find('\n')) != typed_.npos; typed_.erase(0, end + 1))
      publish(typed_.substr(0, end));
    const bool too_long = typed_.size() > limits::kMessageBytesMax;
    if ((at_end_ && !typed_.empty()) || too_long) publish(std::exchange(typed_, {}));
  }

  void publish(const std::string& text) {
    if (text.empty() || over_) return;
    Value args;
    args["topic"] = topic_;
    args[wire::is_utf8(as_bytes(text)) ? "text" : "data"] =
        wire::is_utf8(as_bytes(text)) ? text : wire::to_base64(as_bytes(text));
    const auto started = client_.start_call("publish", std::move(args));
    if (!started) return finish(refuse(place_, started.error()));
    ++pending_;
  }

  void finish(int code) {
    over_ = true;
    code_ = code;
  }

  const Place& place_;
  ControlClient& client_;
  const std::string topic_;
  Value listen_id_;
  std::string typed_;            // a line that has not ended
  std::vector<Value> held_;      // heard while a publish is unanswered
  std::deque<std::string> own_;  // ids of what was published here
  int pending_ = 0, code_ = kExitOk;
  bool joined_ = false, at_end_ = false, over_ = false;
};

}  // namespace

std::string message_line(const Value& message) {
  const auto from = wire::PeerId::from_text(message.string_or("from"));
  const std::string who = from ? from->short_text() : "?";
  if (const Value* text = message.find("text"); text && text->string())
    return who + " " + wire::escape_text(*text->string());
  const auto bytes = wire::from_base64(message.string_or("data"));
  return who + " (" + std::to_string(bytes ? bytes->size() : 0) + " bytes)";
}

int listen_to(const Place& place, const ListenRequest& request) {
  auto client = ControlClient::connect(place.home);
  if (!client) return refuse(place, client.error());
  const bool is_pattern = request.topic.find_first_of("+#") != std::string::npos;
  StopWait stop;
  std::int64_t heard = 0;
  ControlClient::Hearing hearing;
  hearing.stop_fd = stop.fd();
  hearing.dropped = [&](std::int64_t count) {
    place.out.note(std::to_string(count) +
                   " messages were dropped: they are not read as fast as they come");
  };
  hearing.part = [&](const Value& part) {
    if (is_notice(part)) {
      if (request.timeout_s) stop.start(*request.timeout_s);
      print_notice(place.out, part);
      return true;
    }
    if (place.out.json()) {
      place.out.value(part);
    } else {
      const std::string topic = is_pattern ? part.string_or("topic") + " " : std::string();
      place.out.text(wire::escape_text(topic) + message_line(part) + "\n");
    }
    ++heard;
    return !place.out.gone() && (!request.count || heard < *request.count);
  };
  Value args;
  args["topic"] = request.topic;
  const auto outcome = client->call("listen", std::move(args), hearing);
  if (!outcome) return refuse(place, outcome.error());
  if (!outcome->ok && !outcome->cancelled) return print_outcome(place, {}, *outcome);
  if (stop.was_told() || place.out.gone() || !request.count || heard >= *request.count)
    return kExitOk;
  place.out.note("heard " + std::to_string(heard) + " of " + std::to_string(*request.count) +
                 " messages on " + request.topic + " before the time was up");
  return kExitFailure;
}

int talk_on(const Place& place, const std::string& topic, int in_fd) {
  auto client = ControlClient::connect(place.home);
  if (!client) return refuse(place, client.error());
  return Talk(place, *client, topic).run(in_fd);
}

}  // namespace kith::cli

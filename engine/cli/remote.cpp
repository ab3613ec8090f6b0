// SPDX-License-Identifier: MIT
#include "engine/cli/remote.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/cli/run.h"
#include "engine/cli/stop_wait.h"
#include "engine/node/home.h"
#include "engine/wire/encodings.h"

namespace kith::cli {
namespace {

using node::control_error;
using wire::Value;

constexpr int kLookEveryMs = 20;
constexpr double kStopS = 30;

Result<ByteVector> read_to_end(int fd, std::size_t most) {
  ByteVector bytes;
  std::uint8_t space[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd, space, sizeof space);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(KITH_IO, std::string("stdin: ") + std::strerror(errno));
    if (got == 0) return bytes;
    append(bytes, Bytes(space, static_cast<std::size_t>(got)));
    if (bytes.size() > most)
      return Error(KITH_LIMIT, "a message is at most " + std::to_string(most) + " bytes");
  }
}

std::string seconds_text(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

// Until nothing more comes: the node has closed its end.
void await_close(ControlClient& client, StopWait& stop) {
  while (!stop.is_over()) {
    auto reply = client.next();
    if (!reply) return;
    if (*reply) continue;
    pollfd waits[] = {{client.fd(), POLLIN, 0}, {stop.fd(), POLLIN, 0}};
    ::poll(waits, 2, -1);
  }
}

}  // namespace

int refuse(const Place& place, const Error& error) {
  if (error.is(control_error::no_node)) {
    place.out.note("no node runs in " + place.home + ": kith run");
  } else if (error.is(control_error::closed)) {
    place.out.note("the node in " + place.home + " ended before it answered: see its log");
  } else {
    place.out.note(error.message());
  }
  return kExitFailure;
}

int print_outcome(const Place& place, Value::List parts, const ControlClient::Outcome& outcome) {
  if (!outcome.ok && !outcome.cancelled) {
    place.out.note(outcome.message.empty() ? outcome.code : outcome.message);
    return outcome.code == "unknown_command" ? kExitUsage : kExitFailure;
  }
  // A verdict is a result, whatever it says; a script asks the exit code.
  const int code = outcome.end.boolean_or("ok", true) ? kExitOk : kExitFailure;
  if (parts.empty()) {
    place.out.value(outcome.end);
    return code;
  }
  if (!outcome.end.is_null()) parts.push_back(outcome.end);
  place.out.value(std::move(parts));
  return code;
}

int call_once(const Place& place, std::string_view command, Value args) {
  auto client = ControlClient::connect(place.home);
  if (!client) return refuse(place, client.error());
  Value::List parts;
  ControlClient::Hearing hearing;
  hearing.part = [&](const Value& part) {
    if (part.find("of")) {
      place.out.progress(part);
    } else {
      parts.push_back(part);
    }
    return true;
  };
  const auto outcome = client->call(command, std::move(args), hearing);
  place.out.end_progress();
  if (!outcome) return refuse(place, outcome.error());
  return print_outcome(place, std::move(parts), *outcome);
}

int call_status(const Place& place, std::optional<double> wait_s) {
  if (!wait_s) return call_once(place, "status", {});
  StopWait stop;
  stop.start(*wait_s);
  do {
    auto client = ControlClient::connect(place.home);
    if (!client && !client.error().is(control_error::no_node)) return refuse(place, client.error());
    if (!client) continue;
    ControlClient::Hearing hearing;
    hearing.stop_fd = stop.fd();
    const auto outcome = client->call("status", {}, hearing);
    if (outcome && outcome->ok && !outcome->cancelled) return print_outcome(place, {}, *outcome);
  } while (!stop.wait(kLookEveryMs));
  if (!stop.was_told())
    place.out.note("no node answered in " + place.home + " within " + seconds_text(*wait_s) +
                   ": kith run");
  return kExitFailure;
}

int call_stop(const Place& place) {
  auto client = ControlClient::connect(place.home);
  if (!client) return refuse(place, client.error());
  const int pid = node::running_pid(place.home);
  StopWait stop;
  stop.start(kStopS);
  ControlClient::Hearing hearing;
  hearing.stop_fd = stop.fd();
  const auto outcome = client->call("stop", {}, hearing);
  // A node may be gone before its answer is read.
  if (!outcome && !outcome.error().is(control_error::closed)) return refuse(place, outcome.error());
  if (outcome && !outcome->ok && !outcome->cancelled) return print_outcome(place, {}, *outcome);
  await_close(*client, stop);
  while (node::running_pid(place.home) != 0 && !stop.wait(kLookEveryMs)) {
  }
  if (node::running_pid(place.home) == 0) {
    place.out.value({});
    return kExitOk;
  }
  if (stop.was_told()) return kExitFailure;
  place.out.note("the node has not ended within " + seconds_text(kStopS) + ": kill -9 " +
                 std::to_string(pid));
  return kExitFailure;
}

int call_publish(const Place& place, const std::string& topic, const std::string& text, int in_fd) {
  Value args;
  args["topic"] = topic;
  if (text == "-") {
    auto bytes = read_to_end(in_fd, limits::kMessageBytesMax);
    if (!bytes) {
      place.out.note(bytes.error().detail());
      return kExitFailure;
    }
    args["data"] = wire::to_base64(*bytes);
  } else if (wire::is_utf8(as_bytes(text))) {
    args["text"] = text;
  } else {
    args["data"] = wire::to_base64(as_bytes(text));
  }
  auto client = ControlClient::connect(place.home);
  if (!client) return refuse(place, client.error());
  const auto outcome = client->call("publish", std::move(args), {});
  if (!outcome) return refuse(place, outcome.error());
  if (outcome->ok && outcome->end.integer_or("peers", 1) == 0)
    place.out.note("no peer is known to be subscribed to " + topic + ": nobody was sent it");
  return print_outcome(place, {}, *outcome);
}

}  // namespace kith::cli

// SPDX-License-Identifier: MIT
#include "engine/node/control_caller.h"

#include <climits>

#include "engine/base/limits.h"
#include "engine/bus/arguments.h"
#include "engine/bus/nearest.h"
#include "engine/bus/topics.h"
#include "engine/wire/json.h"
#include "engine/wire/message_value.h"

namespace kith::node {

namespace {

constexpr int kMalformedMax = 16;

// Callers look on before anybody ends a walk, and never end one themselves.
constexpr int kPriority = INT_MAX;

}  // namespace

ControlCaller::ControlCaller(bus::Bus& bus, LineSink& sink)
    : bus_(bus), sink_(sink), reader_(limits::kControlLineMax) {}

ControlCaller::~ControlCaller() {
  closed_ = true;  // what the tickets still say goes nowhere
  ongoing_.clear();
  bus_.forget(owner_);
}

void ControlCaller::receive(Bytes bytes) {
  if (closed_) return;
  reader_.feed(bytes);
  while (const auto line = reader_.next()) {
    if (line->empty()) continue;
    auto request = parse_request(*line);
    if (request) {
      take(*std::move(request));
    } else {
      reject(request.error().message());
    }
    if (closed_) return;
  }
  if (!reader_.too_long()) return;
  write(error_line({}, "limit", describe(line_error::too_long)));
  close("line too long");
}

// ---- requests

void ControlCaller::take(Request request) {
  const Key key = wire::to_json(request.id);
  if (request.kind == Request::Kind::cancel) return cancel(key);
  if (ongoing_.contains(key)) return reject("the id " + key + " is under way already");
  if (ongoing_.size() >= limits::kControlCallsMax) {
    return write(error_line(request.id, "limit", "too many calls are under way"));
  }
  ongoing_[key].id = request.id;
  if (request.kind == Request::Kind::on) return on(key, request);
  call(key, request);
}

void ControlCaller::call(const Key& key, Request& request) {
  const bus::CommandSpec* spec = bus_.find_command(request.name);
  if (!spec) return fail(key, "unknown_command", bus::unknown_command(bus_, request.name));
  if (const auto* words = request.args.list()) {
    std::vector<std::string> texts;
    for (const wire::Value& word : *words) texts.push_back(*word.string());
    auto args = bus::args_from_words(*spec, texts);
    if (!args) return fail(key, "bad_arguments", args.error().detail());
    request.args = *std::move(args);
  }
  bus::Answer answer;
  answer.part = [this, key](const wire::Value& part) {
    stream(key, part_line(ongoing_.at(key).id, part));
  };
  answer.end = [this, key](const wire::Value& end) {
    finish(key, end_line(ongoing_.at(key).id, end));
  };
  answer.fail = [this, key](const std::string& sentence, int code) {
    fail(key, code_name(code), sentence);
  };
  ongoing_[key].ticket = bus_.call(request.name, std::move(request.args), std::move(answer));
}

void ControlCaller::on(const Key& key, const Request& request) {
  const auto id =
      bus_.on(owner_, request.name, kPriority, KITH_ON_OWN, [this, key](const kith_event& event) {
        hear(key, event);
        return KITH_PASS;
      });
  if (id == 0) return fail(key, "bad_arguments", "no pattern: " + bus::in_quotes(request.name));
  ongoing_[key].handler = id;
}

// An id that nothing is under way by has ended a moment ago: nothing to say.
void ControlCaller::cancel(const Key& key) {
  const auto found = ongoing_.find(key);
  if (found == ongoing_.end()) return;
  if (const bus::Bus::Id handler = found->second.handler) {
    bus_.off(handler);
    return finish(key, end_line(found->second.id, {}));
  }
  found->second.ticket.reset();
  fail(key, "cancelled", "cancelled by the caller");
}

void ControlCaller::hear(const Key& key, const kith_event& event) {
  const auto found = ongoing_.find(key);
  if (found == ongoing_.end()) return;
  wire::Value body;
  if (event.message) {
    body = wire::message_value(*event.message);
  } else if (auto decoded = wire::decode_body(view(event.body))) {
    body = *std::move(decoded);
  }
  stream(key, event_line(found->second.id, text(event.name), body));
}

// ---- replies

void ControlCaller::stream(const Key& key, const std::string& line) {
  if (closed_) return;
  Ongoing& ongoing = ongoing_.at(key);
  const std::size_t queued = sink_.queued_bytes();
  const bool fits =
      line.size() <= limits::kControlLineMax && queued + line.size() <= limits::kControlQueueMax;
  if (fits && ongoing.dropped == 0) return sink_.write(line);
  ++ongoing.dropped;  // until it drains, so that the count stands where the gap is
  if (queued == 0) tell_dropped(ongoing);
}

void ControlCaller::drained() {
  for (auto& [key, ongoing] : ongoing_) tell_dropped(ongoing);
}

void ControlCaller::tell_dropped(Ongoing& ongoing) {
  if (ongoing.dropped > 0) write(dropped_line(ongoing.id, std::exchange(ongoing.dropped, 0)));
}

void ControlCaller::finish(const Key& key, const std::string& line) {
  const auto found = ongoing_.find(key);
  if (found == ongoing_.end()) return;
  const Ongoing ended = std::move(found->second);
  ongoing_.erase(found);
  if (ended.dropped > 0) write(dropped_line(ended.id, ended.dropped));
  const bool fits = line.size() <= limits::kControlLineMax;
  write(fits ? line : error_line(ended.id, "limit", "the answer is too long for a line"));
}

void ControlCaller::fail(const Key& key, std::string_view code, std::string_view message) {
  const auto found = ongoing_.find(key);
  if (found != ongoing_.end()) finish(key, error_line(found->second.id, code, message));
}

void ControlCaller::reject(std::string_view message) {
  write(error_line({}, "malformed", message));
  if (++malformed_ >= kMalformedMax) close("too many malformed lines");
}

// What is no part or event is never dropped. One line more than the queue has room for is taken,
// then the caller is cut off.
void ControlCaller::write(const std::string& line) {
  if (closed_) return;
  if (sink_.queued_bytes() > limits::kControlQueueMax) return close("takes nothing");
  sink_.write(line);
}

void ControlCaller::close(std::string_view why) {
  if (std::exchange(closed_, true)) return;
  sink_.close(why);
}

}  // namespace kith::node

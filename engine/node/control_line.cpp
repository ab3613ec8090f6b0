// SPDX-License-Identifier: MIT
#include "engine/node/control_line.h"

#include <algorithm>

#include "engine/wire/json.h"

namespace kith::node {

namespace {

using wire::Value;

constexpr std::size_t kIdBytesMax = 128;

Error bad(const char* why) { return Error(line_error::malformed, why); }

bool is_id(const Value& id) {
  const std::string* text = id.string();
  return id.integer() || (text && text->size() <= kIdBytesMax);
}

// Opens a line: {"id":..,"KEY":
std::string begin(const Value& id, std::string_view key) {
  return "{\"id\":" + wire::to_json(id) + ",\"" + std::string(key) + "\":";
}

Result<Value> parse_object(std::string_view line) {
  auto parsed = wire::from_json(line);
  if (!parsed) return Error(line_error::malformed, parsed.error().message());
  if (!parsed->map()) return bad("a line is one JSON object");
  return parsed;
}

bool only_has(const Value& object, std::initializer_list<std::string_view> keys) {
  return std::all_of(object.map()->begin(), object.map()->end(), [keys](const auto& member) {
    return std::find(keys.begin(), keys.end(), member.first) != keys.end();
  });
}

bool are_arguments(const Value& args) {
  const Value::List* words = args.list();
  const auto is_text = [](const Value& word) { return word.string() != nullptr; };
  return args.is_null() || args.map() ||
         (words && std::all_of(words->begin(), words->end(), is_text));
}

}  // namespace

const char* describe(line_error error) {
  switch (error) {
    case line_error::malformed: return "not a line of the control protocol";
    case line_error::too_long: return "the line is too long";
  }
  return "unknown error";
}

Result<Request> parse_request(std::string_view line) {
  auto object = parse_object(line);
  if (!object) return object.error();
  Request request;
  const Value* id = object->find("id");
  if (!id || !is_id(*id)) return bad("it has no id (an integer or a short text)");
  request.id = *id;
  if (const Value* call = object->find("call")) {
    if (!call->string() || !only_has(*object, {"id", "call", "args"}))
      return bad("a call has id, call (text) and args");
    request.name = *call->string();
    if (const Value* args = object->find("args")) request.args = *args;
    if (!are_arguments(request.args)) return bad("args is an object, or an array of texts");
    return request;
  }
  if (const Value* on = object->find("on")) {
    if (!on->string() || !only_has(*object, {"id", "on"})) return bad("on is a text");
    request.kind = Request::Kind::on;
    request.name = *on->string();
    return request;
  }
  if (!object->boolean_or("cancel", false) || !only_has(*object, {"id", "cancel"}))
    return bad("it has neither call nor on nor cancel");
  request.kind = Request::Kind::cancel;
  return request;
}

std::string request_line(const Request& request) {
  switch (request.kind) {
    case Request::Kind::on: return begin(request.id, "on") + wire::to_json(request.name) + "}\n";
    case Request::Kind::cancel: return begin(request.id, "cancel") + "true}\n";
    case Request::Kind::call: break;
  }
  std::string line = begin(request.id, "call") + wire::to_json(request.name);
  if (!request.args.is_null()) line += ",\"args\":" + wire::to_json(request.args);
  return line + "}\n";
}

Result<Reply> parse_reply(std::string_view line) {
  auto object = parse_object(line);
  if (!object) return object.error();
  Reply reply;
  const Value* id = object->find("id");
  if (!id || !(is_id(*id) || id->is_null()) || object->map()->size() != 2)
    return bad("a reply has an id and one more member");
  reply.id = *id;
  if (const Value* part = object->find("part")) {
    reply.kind = Reply::Kind::part;
    reply.value = *part;
  } else if (const Value* end = object->find("end")) {
    reply.value = *end;
  } else if (const Value* error = object->find("error")) {
    reply.kind = Reply::Kind::error;
    reply.code = error->string_or("code");
    reply.message = error->string_or("message");
  } else if (const Value* event = object->find("event")) {
    reply.kind = Reply::Kind::event;
    reply.name = event->string_or("name");
    if (const Value* body = event->find("body")) reply.value = *body;
  } else {
    reply.kind = Reply::Kind::dropped;
    reply.dropped = object->integer_or("dropped", 0);
    if (reply.dropped <= 0) return bad("a reply is part, end, error, event or dropped");
  }
  return reply;
}

std::string part_line(const Value& id, const Value& part) {
  return begin(id, "part") + wire::to_json(part) + "}\n";
}
std::string end_line(const Value& id, const Value& end) {
  return begin(id, "end") + wire::to_json(end) + "}\n";
}
std::string error_line(const Value& id, std::string_view code, std::string_view message) {
  return begin(id, "error") + "{\"code\":" + wire::to_json(code) +
         ",\"message\":" + wire::to_json(message) + "}}\n";
}
std::string event_line(const Value& id, std::string_view name, const Value& body) {
  return begin(id, "event") + "{\"name\":" + wire::to_json(name) +
         ",\"body\":" + wire::to_json(body) + "}}\n";
}
std::string dropped_line(const Value& id, std::size_t count) {
  return begin(id, "dropped") + std::to_string(count) + "}\n";
}

const char* code_name(int code) {
  switch (code) {
    case KITH_AGAIN: return "again";
    case KITH_CLOSED: return "closed";
    case KITH_RESET: return "reset";
    case KITH_TIMEOUT: return "timeout";
    case KITH_REFUSED: return "refused";
    case KITH_LIMIT: return "limit";
    case KITH_BAD: return "bad_arguments";
    case KITH_ABSENT: return "absent";
    case KITH_IO: return "io";
    default: return "failed";
  }
}

void LineReader::feed(Bytes bytes) {
  held_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  held_ += as_text(bytes);
}

std::optional<std::string_view> LineReader::next() {
  const std::size_t newline = held_.find('\n', searched_);
  if (newline == std::string::npos || newline - begin_ > max_bytes_) {
    searched_ = newline == std::string::npos ? held_.size() : searched_;
    return std::nullopt;
  }
  std::string_view line(held_.data() + begin_, newline - begin_);
  begin_ = searched_ = newline + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace kith::node

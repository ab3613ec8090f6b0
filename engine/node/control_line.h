// SPDX-License-Identifier: MIT
// The lines of the control socket: one JSON object a line, UTF-8, at most limits::kControlLineMax.
//   caller: {"id":1,"call":"publish","args":{..} or ["word",..]}  {"id":2,"on":"message/chat/+"}
//           {"id":1,"cancel":true}
//   node:   {"id":1,"part":..}*, then {"id":1,"end":..} or
//   {"id":1,"error":{"code":..,"message":..}}
//           {"id":2,"event":{"name":..,"body":..}}*   {"id":1,"dropped":7}
// An id is an integer or text, chosen by the caller, null where none is known. Pure.
#pragma once
#include <optional>

#include "engine/wire/value.h"

namespace kith::node {

enum class line_error { malformed = 1, too_long };
const char* describe(line_error error);

struct Request {
  enum class Kind { call, on, cancel };
  Kind kind = Kind::call;
  wire::Value id;
  std::string name;  // the command, or the pattern
  wire::Value args;  // of a call: a map by name, a list of words, or null
};
Result<Request> parse_request(std::string_view line);
std::string request_line(const Request& request);

struct Reply {
  enum class Kind { part, end, error, event, dropped };
  Kind kind = Kind::end;
  wire::Value id;
  wire::Value value;          // of a part, an end, an event's body
  std::string name;           // of an event
  std::string code, message;  // of an error
  std::int64_t dropped = 0;
};
Result<Reply> parse_reply(std::string_view line);

// Each with its newline.
std::string part_line(const wire::Value& id, const wire::Value& part);
std::string end_line(const wire::Value& id, const wire::Value& end);
std::string error_line(const wire::Value& id, std::string_view code, std::string_view message);
std::string event_line(const wire::Value& id, std::string_view name, const wire::Value& body);
std::string dropped_line(const wire::Value& id, std::size_t count);

// A kith_err as the lines name it: "bad_arguments", "absent", "timeout" ..
const char* code_name(int code);

// Cuts lines out of what arrives in pieces.
class LineReader {
 public:
  void feed(Bytes bytes);
  // The next one without its end; a view until the next feed. Nothing: more bytes are needed.
  std::optional<std::string_view> next();
  bool too_long() const { return held_.size() - begin_ > max_bytes_; }
  explicit LineReader(std::size_t max_bytes) : max_bytes_(max_bytes) {}

 private:
  std::size_t max_bytes_;
  std::string held_;
  std::size_t begin_ = 0, searched_ = 0;  // where the next line begins; no newline before
};

}  // namespace kith::node

// SPDX-License-Identifier: MIT
// Output: results on stdout, a line at a time and flushed; sentences on stderr. As JSON or as
// people read it; what strangers said is escaped. A reader that went away ends it quietly.
#pragma once
#include <string>
#include <string_view>

#include "engine/wire/value.h"

namespace kith::cli {

// Tables for lists of maps, "key: value" for maps, one line an item; "" for null. Ends in a
// newline unless it is empty.
std::string readable(const wire::Value& value);

class Output {
 public:
  Output(int out_fd, int error_fd, bool json) : out_fd_(out_fd), error_fd_(error_fd), json_(json) {}

  bool json() const { return json_; }
  bool gone() const { return gone_; }  // nobody reads any more
  // A result, in the form that was asked for.
  void value(const wire::Value& value);
  void line(std::string_view text);      // escaped, one line
  void text(std::string_view text);      // as it is: our own
  void note(std::string_view sentence);  // stderr, escaped: "kith: .."
  // A part that has `of` tells how far long work is: one line on a terminal, drawn over by the
  // next; nothing where nobody looks.
  void progress(const wire::Value& part);
  void end_progress();

 private:
  int out_fd_, error_fd_;
  bool json_, gone_ = false, in_progress_ = false;
};

}  // namespace kith::cli

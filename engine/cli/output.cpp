// SPDX-License-Identifier: MIT
#include "engine/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "engine/cli/run.h"
#include "engine/wire/encodings.h"
#include "engine/wire/json.h"

namespace kith::cli {
namespace {

using wire::Value;

// False: nobody reads there any more.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string cell(const Value& value) {
  if (value.is_null()) return "-";
  if (const auto* text = value.string()) return wire::escape_text(*text);
  if (const auto* list = value.list()) {
    std::string made;
    for (const auto& item : *list) made += (made.empty() ? "" : ", ") + cell(item);
    return made.empty() ? "-" : made;
  }
  if (const auto* map = value.map()) {
    std::string made;
    for (const auto& [name, held] : *map)
      made += (made.empty() ? "" : " ") + wire::escape_text(name) + "=" + cell(held);
    return made.empty() ? "-" : made;
  }
  return wire::to_json(value);
}

// Seconds since 1970 under a name that says so, as the clock on the wall shows them.
std::string cell(const std::string& name, const Value& value) {
  constexpr double kYear2000 = 946'684'800, kYear9999 = 253'402'300'799;
  const double seconds = value.number() ? *value.number() : 0;
  const bool is_time = name == "time" || name == "oldest" || name == "newest";
  if (!is_time || !(seconds >= kYear2000 && seconds < kYear9999)) return cell(value);
  const auto whole = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[32];
  if (!localtime_r(&whole, &parts)) return cell(value);
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // not a continuation in UTF-8
  }));
}

// What a row is known by stands first and what nobody reads last, the rest as maps order it.
std::vector<std::string> columns(const Value::List& rows) {
  constexpr std::string_view kFirst[] = {"time",  "name", "peer_id", "topic", "state",
                                         "short", "by",   "type",    "text"};
  constexpr std::string_view kLast[] = {"author", "links", "feed", "grant", "id", "data"};
  const auto rank = [&](std::string_view name) {
    const auto first = std::find(std::begin(kFirst), std::end(kFirst), name);
    if (first != std::end(kFirst)) return first - std::end(kFirst);
    const auto last = std::find(std::begin(kLast), std::end(kLast), name);
    return last == std::end(kLast) ? 0 : last - std::begin(kLast) + 1;
  };
  std::vector<std::string> names;
  for (const auto& row : rows) {
    for (const auto& [name, value] : *row.map())
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::stable_sort(names.begin(), names.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return names;
}

std::string table(const Value::List& rows, std::string_view indent) {
  const auto names = columns(rows);
  std::vector<std::vector<std::string>> grid{names};
  for (const auto& row : rows) {
    auto& cells = grid.emplace_back();
    for (const auto& name : names) {
      const Value* value = row.find(name);
      cells.push_back(value ? cell(name, *value) : "-");
    }
  }
  std::vector<std::size_t> widths(names.size());
  for (const auto& cells : grid) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width(cells[i]));
  }
  std::string made;
  for (const auto& cells : grid) {
    made += indent;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      made += cells[i];
      if (i + 1 < cells.size()) made.append(widths[i] - width(cells[i]) + 2, ' ');
    }
    made += '\n';
  }
  return made;
}

bool is_table(const Value& value) {
  const auto* list = value.list();
  return list && !list->empty() && std::all_of(list->begin(), list->end(), [](const Value& item) {
           return item.map() != nullptr;
         });
}

std::string pairs(const Value::Map& map) {
  std::string made;
  for (const auto& [name, value] : map) {
    made += wire::escape_text(name) + ":";
    const auto* list = value.list();
    if (is_table(value)) {
      made += '\n' + table(*list, "  ");
    } else if (list && !list->empty()) {
      made += '\n';
      for (const auto& item : *list) made += "  " + cell(item) + '\n';
    } else {
      made += ' ' + (list ? "none" : cell(name, value)) + '\n';
    }
  }
  return made;
}

}  // namespace

std::string readable(const Value& value) {
  if (value.is_null()) return {};
  if (is_table(value)) return table(*value.list(), "");
  if (const auto* map = value.map()) return pairs(*map);
  if (const auto* list = value.list()) {
    std::string made;
    for (const auto& item : *list) made += cell(item) + '\n';
    return made;
  }
  return cell(value) + '\n';
}

void Output::value(const Value& value) {
  text(json_ ? wire::to_json(value) + "\n" : readable(value));
  const auto* list = value.list();
  if (!json_ && list && list->empty()) note("none");
}

void Output::line(std::string_view text_given) { text(wire::escape_text(text_given) + "\n"); }

void Output::text(std::string_view text) {
  if (!gone_ && !write_all(out_fd_, text)) gone_ = true;
}

void Output::note(std::string_view sentence) {
  write_all(error_fd_, "kith: " + wire::escape_text(sentence) + "\n");
}

void Output::progress(const Value& part) {
  if (!isatty(error_fd_) || !part.map()) return;
  std::string line;
  for (const auto& [name, value] : *part.map())
    line += (line.empty() ? "" : ", ") + name + " " + wire::to_json(value);
  in_progress_ = true;
  write_all(error_fd_, "\r\x1b[K" + wire::escape_text(line));
}

void Output::end_progress() {
  if (std::exchange(in_progress_, false)) write_all(error_fd_, "\r\x1b[K");
}

void print_running(const RunningFacts& facts, bool json) {
  Value::List addresses(facts.addresses.begin(), facts.addresses.end());
  Output output(STDOUT_FILENO, STDERR_FILENO, json);
  if (!json) {
    std::string where;
    for (const auto& address : facts.addresses) where += (where.empty() ? "" : " ") + address;
    if (where.empty()) where = "no address";
    return output.line("running " + facts.peer_id + " on " + where + " (home " + facts.home +
                       ", pid " + std::to_string(facts.pid) + ")");
  }
  Value made;
  made["peer_id"] = facts.peer_id;
  made["addresses"] = std::move(addresses);
  made["home"] = facts.home;
  made["pid"] = facts.pid;
  output.value(made);
}

}  // namespace kith::cli

// SPDX-License-Identifier: MIT
// Commands by their words: what the running node has (commands.list) decides, so that an app's
// commands are verbs like any other.
#include <algorithm>
#include <filesystem>

#include "engine/bus/arguments.h"
#include "engine/bus/nearest.h"
#include "engine/cli/command_line.h"
#include "engine/cli/remote.h"
#include "engine/cli/run.h"
#include "engine/cli/stop_wait.h"
#include "engine/wire/encodings.h"
#include "engine/wire/json.h"

namespace kith::cli {
namespace {

using wire::Value;

constexpr double kListS = 5;

std::string words_of(std::string name) {
  std::replace(name.begin(), name.end(), '.', ' ');
  return name;
}

// "chat say TEXT [--to PEER]"
std::string usage_of(const bus::CommandSpec& spec) {
  std::string made = words_of(spec.name);
  for (const auto& arg : spec.args) {
    std::string name = arg.name;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (arg.rest) name += "...";
    if (arg.option) name = "--" + arg.name + (arg.type == "bool" ? "" : " " + name);
    made += arg.required ? " " + name : " [" + name + "]";
  }
  return made;
}

std::string help_of(const bus::CommandSpec& spec) {
  std::string made =
      "kith " + wire::escape_text(usage_of(spec)) + "\n  " + wire::escape_text(spec.summary) + "\n";
  for (const auto& arg : spec.args)
    made += wire::escape_text("    " + arg.name + " (" + arg.type + ")  " + arg.help) + "\n";
  if (!spec.result.empty()) made += "  answers " + wire::escape_text(spec.result) + "\n";
  return made;
}

bool is_in_group(const bus::CommandSpec& spec, const std::string& group) {
  return spec.name == group || spec.name.starts_with(group + ".");
}

// The command with the longest name that the first words make; `words` keeps what is left.
const bus::CommandSpec* find(const std::vector<bus::CommandSpec>& specs,
                             std::vector<std::string>& words) {
  const bus::CommandSpec* found = nullptr;
  std::size_t used = 0;
  std::string name;
  for (std::size_t i = 0; i < words.size(); ++i) {
    name += (i > 0 ? "." : "") + words[i];
    for (const auto& spec : specs) {
      if (spec.name != name) continue;
      found = &spec;
      used = i + 1;
    }
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(used));
  return found;
}

int refuse_words(const Place& place, const std::vector<bus::CommandSpec>& specs,
                 const std::vector<std::string>& words, bool help) {
  std::string listed;
  std::vector<std::string_view> groups;
  for (const auto& spec : specs) {
    if (is_in_group(spec, words.front())) listed += help_of(spec);
    groups.push_back(std::string_view(spec.name).substr(0, spec.name.find('.')));
  }
  if (!listed.empty() && help) {
    place.out.text(listed);
    return kExitOk;
  }
  if (!listed.empty()) {
    place.out.note(words.size() < 2 ? words.front() + " what? kith " + words.front() + " --help"
                                    : "no command " + ("'" + words[1] + "'") + " in " +
                                          words.front() + ": kith " + words.front() + " --help");
    return kExitUsage;
  }
  for (const auto& verb : own_verbs()) groups.push_back(verb.name);
  place.out.note("no command " + ("'" + words.front() + "'") + ": did you mean '" +
                 std::string(bus::nearest(words.front(), groups)) + "'?");
  return kExitUsage;
}

// One line a part: a log line, what is run, or what the part holds. Of a list of log lines, each.
void print_part(Output& out, const Value& part) {
  if (out.json()) return out.value(part);
  const Value::List* list = part.list();
  if (list && !list->empty() && list->front().find("text")) {
    for (const Value& item : *list) print_part(out, item);
    return;
  }
  if (const Value* running = part.find("running"); running && part.find("file")) {
    return out.line("running " + (running->string() ? *running->string() : std::string("?")) +
                    " from " + part.string_or("file"));
  }
  if (const Value* text = part.find("text"); text && text->string()) {
    const std::string level = part.string_or("level");
    return out.line(level.empty() ? *text->string() : level + " " + *text->string());
  }
  if (!part.map()) return out.value(part);
  std::string made;
  for (const auto& [name, value] : *part.map())
    made += (made.empty() ? "" : " ") + name + "=" +
            (value.string() ? *value.string() : wire::to_json(value));
  out.line(made);
}

int stream(const Place& place, ControlClient& client, const bus::CommandSpec& spec, Value args) {
  StopWait stop;
  ControlClient::Hearing hearing;
  hearing.stop_fd = stop.fd();
  bool has_parts = false;  // beside progress
  hearing.part = [&](const Value& part) {
    if (part.find("of")) {
      place.out.progress(part);
    } else {
      has_parts = true;
      print_part(place.out, part);
    }
    return !place.out.gone();
  };
  hearing.dropped = [&](std::int64_t count) {
    place.out.note(std::to_string(count) + " were dropped: they are not read as fast as they come");
  };
  const auto outcome = client.call(spec.name, std::move(args), hearing);
  place.out.end_progress();
  if (!outcome) return refuse(place, outcome.error());
  if (outcome->cancelled || (outcome->ok && outcome->end.is_null())) return kExitOk;
  if (!outcome->ok || !has_parts) return print_outcome(place, {}, *outcome);
  print_part(place.out, outcome->end);
  return kExitOk;
}

// Names of files: the node has another working folder.
void make_absolute(std::string_view command, Value& args) {
  const bool has_file =
      command == "app.run" || command == "ledger.export" || command == "ledger.import";
  const char* const name = has_file ? "file" : command == "ledger.prove" ? "out" : "";
  const std::string given = args.string_or(name);
  if (!given.empty()) args[name] = std::filesystem::absolute(given).lexically_normal().string();
}

}  // namespace

bus::CommandSpec spec_of(const Value& row) {
  bus::CommandSpec spec;
  spec.name = row.string_or("name");
  spec.summary = row.string_or("summary");
  spec.result = row.string_or("result");
  spec.read = row.boolean_or("read", false);
  spec.admin = row.boolean_or("admin", false);
  spec.stream = row.boolean_or("stream", false);
  const Value* args = row.find("args");
  if (!args || !args->list()) return spec;
  for (const auto& from : *args->list()) {
    bus::ArgSpec& arg = spec.args.emplace_back();
    arg.name = from.string_or("name");
    arg.type = from.string_or("type");
    arg.required = from.boolean_or("required", false);
    arg.option = from.boolean_or("option", false);
    arg.rest = from.boolean_or("rest", false);
    arg.help = from.string_or("help");
  }
  return spec;
}

Result<std::vector<bus::CommandSpec>> list_commands(ControlClient& client) {
  StopWait stop;
  stop.start(kListS);
  ControlClient::Hearing hearing;
  hearing.stop_fd = stop.fd();
  auto outcome = client.call("commands.list", {}, hearing);
  if (!outcome) return outcome.error();
  if (outcome->cancelled) return Error(node::control_error::timeout);
  if (!outcome->ok || !outcome->end.list())
    return Error(node::control_error::malformed, outcome->message);
  std::vector<bus::CommandSpec> specs;
  for (const auto& row : *outcome->end.list()) specs.push_back(spec_of(row));
  return specs;
}

int call_words(const Place& place, std::vector<std::string> words, bool help) {
  auto client = ControlClient::connect(place.home);
  if (!client) return refuse(place, client.error());
  const auto specs = list_commands(*client);
  if (!specs) return refuse(place, specs.error());
  const std::vector<std::string> given = words;
  const bus::CommandSpec* spec = find(*specs, words);
  if (!spec) return refuse_words(place, *specs, given, help);
  if (help) {
    place.out.text(help_of(*spec));
    return kExitOk;
  }
  auto args = bus::args_from_words(*spec, words);
  if (args) {
    const auto judged = bus::judge_arguments(*spec, *args);
    if (!judged) args = judged.error();
  }
  if (!args) {
    place.out.note(args.error().detail() + ": kith " + usage_of(*spec));
    return kExitUsage;
  }
  make_absolute(spec->name, *args);
  if (spec->stream) return stream(place, *client, *spec, *std::move(args));
  return call_once(place, spec->name, *std::move(args));
}

}  // namespace kith::cli

// SPDX-License-Identifier: MIT
#include "engine/cli/program.h"

#include <signal.h>

#include "engine/cli/command_line.h"
#include "engine/cli/doctor.h"
#include "engine/cli/ledger_file.h"
#include "engine/cli/listen.h"
#include "engine/cli/local.h"
#include "engine/wire/encodings.h"
#include "engine/wire/multiaddr.h"

namespace kith::cli {
namespace {

using wire::Value;

constexpr std::string_view kOptions =
    "\nanywhere on the line:\n"
    "  --home DIR     the folder that is the node; else KITH_HOME, $XDG_STATE_HOME/kith,\n"
    "                 ~/.local/state/kith\n"
    "  --json         results as JSON\n"
    "  --help         of the program, a verb or an app's command\n"
    "  --config FILE  instead of HOME/kith.toml\n"
    "  --set plugins.tcp.listen='[...]'\n"
    "                 one value, over the file and the environment; any number of them\n"
    "\nexit codes: 0, 1 failure, 2 usage, 78 config.\n";

std::string row(std::string_view usage, std::string_view summary) {
  std::string made = "  " + std::string(usage);
  made.append(made.size() < 40 ? 40 - made.size() : 1, ' ');
  return made + std::string(summary) + "\n";
}

// What apps and plugins of the running node add; nothing when none runs.
std::string others_help(const std::string& home) {
  auto client = ControlClient::connect(home);
  if (!client) return {};
  const auto specs = list_commands(*client);
  if (!specs) return {};
  std::string made;
  for (const auto& spec : *specs) {
    const std::string first = spec.name.substr(0, spec.name.find('.'));
    if (is_own_verb(first) || first == "commands") continue;
    std::string words = spec.name;
    for (char& c : words) c = c == '.' ? ' ' : c;
    made += row(wire::escape_text(words), wire::escape_text(spec.summary));
  }
  return made.empty() ? made : "\nof the node that runs:\n" + made;
}

std::string help_text(const std::string& home) {
  std::string made = "kith: a peer-to-peer node that speaks libp2p and is scripted in Lua.\n\n";
  for (const auto& verb : own_verbs()) made += row(verb.usage, verb.summary);
  return made + others_help(home) + std::string(kOptions);
}

// One line of the program, from its words to its exit code.
class Program {
 public:
  Program(const CommandLine& line, std::string home, const Doors& doors, Output& out)
      : line_(line), home_(std::move(home)), doors_(doors), out_(out), place_{home_, out_} {}

  int run() {
    if (is_of_node(line_.verb)) {
      std::vector<std::string> words{line_.verb};
      words.insert(words.end(), line_.words.begin(), line_.words.end());
      return call_words(place_, std::move(words), line_.help);
    }
    if (line_.help) {
      words_.action = line_.verb;
      return help();
    }
    const auto words = parse_verb(line_.verb, line_.words);
    if (!words) {
      out_.note(words.error().detail());
      return kExitUsage;
    }
    words_ = *words;
    return own(line_.verb);
  }

 private:
  int own(const std::string& verb) {
    if (verb == "run") return run_here();
    if (verb == "help") return help();
    if (verb == "id") return show_id(place_);
    if (verb == "config") return config();
    if (verb == "ledger") return check_ledger_file(place_, words_.file);
    if (verb == "plugin" && words_.action == "check") return check_plugin(place_, words_.file);
    if (verb == "plugin") return call_once(place_, "plugin.list", {});
    if (verb == "doctor")
      return call_doctor(place_, {home_, line_.config, line_.sets}, doors_.known_plugins);
    if (verb == "status") return call_status(place_, words_.wait_s);
    if (verb == "stop") return call_stop(place_);
    if (verb == "connect") return connect();
    if (verb == "disconnect" || verb == "ping") return call_peer(verb);
    if (verb == "publish") return call_publish(place_, words_.topic, words_.text, doors_.in_fd);
    if (verb == "listen") return listen_to(place_, {words_.topic, words_.count, words_.timeout_s});
    if (verb == "talk") return talk_on(place_, words_.topic, doors_.in_fd);
    return call_once(place_, verb, {});
  }

  // Judged by what the running node has.
  bool is_of_node(std::string_view verb) const {
    if (verb == "ledger" && line_.words.empty()) return !line_.help;
    if (verb == "ledger") return line_.words.front() != "check";
    return verb == "app" || !is_own_verb(verb);
  }

  int run_here() {
    RunRequest request;
    request.home = home_;
    request.config = line_.config;
    request.sets = line_.sets;
    request.json = line_.json;
    request.stdio = words_.stdio;
    request.version = doors_.version;
    return doors_.run(request);
  }

  int help() {
    if (words_.action.empty()) {
      out_.text(help_text(home_));
    } else if (words_.action == "app" || !is_own_verb(words_.action)) {
      return call_words(place_, {words_.action}, true);
    } else {
      out_.text(verb_help(words_.action));
      const bool has_more = words_.action == "ledger" && ControlClient::connect(home_);
      if (has_more) return call_words(place_, {words_.action}, true);
    }
    return kExitOk;
  }

  int config() {
    const node::ConfigRequest request{home_, line_.config, line_.sets};
    const auto known = doors_.known_plugins(home_);
    if (words_.action == "check") return check_config(place_, request, known);
    return show_config(place_, request, known, words_.origin);
  }

  int connect() {
    if (const auto address = wire::Multiaddr::from_text(words_.address); !address) {
      out_.note("'" + words_.address +
                "' is no multiaddr such as /ip4/192.0.2.1/tcp/4001: " + address.error().message());
      return kExitUsage;
    }
    Value args;
    args["address"] = words_.address;
    return call_once(place_, "connect", std::move(args));
  }

  int call_peer(const std::string& verb) {
    if (const auto peer = wire::PeerId::from_text(words_.peer); !peer) {
      out_.note("'" + words_.peer + "' is no peer id such as 12D3KooW..: see 'kith peers'");
      return kExitUsage;
    }
    Value args;
    args["peer"] = words_.peer;
    return call_once(place_, verb, std::move(args));
  }

  const CommandLine& line_;
  const std::string home_;
  const Doors& doors_;
  Output& out_;
  const Place place_;
  VerbWords words_;
};

}  // namespace

int run_program(const std::vector<std::string>& args, const Doors& doors) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto line = split_command_line(args);
  Output out(doors.out_fd, doors.error_fd, line && line->json);
  if (!line) {
    out.note(line.error().detail());
    return kExitUsage;
  }
  if (line->version) {
    Value made;
    made["version"] = doors.version;
    line->json ? out.value(made) : out.line("kith " + doors.version);
    return kExitOk;
  }
  auto home = node::home_path(line->home, doors.environment);
  if (!home) {
    out.note(home.error().message());
    return kExitFailure;
  }
  if (!line->verb.empty()) return Program(*line, *std::move(home), doors, out).run();
  if (line->help) {
    out.text(help_text(*home));
    return kExitOk;
  }
  out.note("what is to be done? See 'kith help'");
  return kExitUsage;
}

}  // namespace kith::cli

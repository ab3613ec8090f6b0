// SPDX-License-Identifier: MIT
#include "engine/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "engine/wire/quantity.h"

namespace kith::cli {
namespace {

// Verbs whose words are the running node's to judge: an --config there is theirs.
bool takes_its_own_words(std::string_view verb) {
  return !verb.empty() && (!is_own_verb(verb) || verb == "app" || verb == "ledger");
}

class Splitter {
 public:
  explicit Splitter(const std::vector<std::string>& args) : args_(args) {}

  Result<CommandLine> split() {
    while (at_ < args_.size()) {
      const std::string& word = args_[at_++];
      if (word == "--") {
        keep_rest();
      } else if (auto taken = take(word); !taken) {
        return taken.error();
      }
    }
    return std::move(line_);
  }

 private:
  Result<void> take(const std::string& word) {
    const bool before = line_.verb.empty();
    const bool config = !takes_its_own_words(line_.verb);
    if (word == "--json") {
      line_.json = true;
    } else if (word == "--help" || word == "-h") {
      line_.help = true;
    } else if (word == "--version" && before) {
      line_.version = true;
    } else if (is_option(word, "--home")) {
      return value_of(word, line_.home);
    } else if (config && is_option(word, "--config")) {
      return value_of(word, line_.config);
    } else if (config && is_option(word, "--set")) {
      return value_of(word, line_.sets.emplace_back());
    } else if (before && word.starts_with("-")) {
      return Error(usage_error::bad_usage, "no option " + word + ": see 'kith help'");
    } else if (before) {
      line_.verb = word;
    } else {
      line_.words.push_back(word);
    }
    return {};
  }

  static bool is_option(const std::string& word, std::string_view name) {
    return word == name ||
           (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=');
  }

  Result<void> value_of(const std::string& word, std::string& to) {
    if (const std::size_t equals = word.find('='); equals != word.npos) {
      to = word.substr(equals + 1);
      return {};
    }
    if (at_ == args_.size())
      return Error(usage_error::bad_usage, word + " needs a value: see 'kith help'");
    to = args_[at_++];
    return {};
  }

  void keep_rest() {
    if (!line_.verb.empty()) line_.words.emplace_back("--");
    for (; at_ < args_.size(); ++at_) {
      if (line_.verb.empty()) {
        line_.verb = args_[at_];
      } else {
        line_.words.push_back(args_[at_]);
      }
    }
  }

  const std::vector<std::string>& args_;
  std::size_t at_ = 0;
  CommandLine line_;
};

// The words of one verb, and the texts that become numbers when all have been read.
struct VerbParser {
  explicit VerbParser(std::string_view verb) : app(about(verb), "kith " + std::string(verb)) {
    app.set_help_flag();
    add(verb);
  }

  static std::string about(std::string_view verb) {
    for (const auto& facts : own_verbs()) {
      if (facts.name == verb) return std::string(facts.summary);
    }
    return {};
  }

  void add_required(const char* name, std::string& to, const char* help) {
    app.add_option(name, to, help)->required();
  }

  void add(std::string_view verb) {
    if (verb == "run") app.add_flag("--stdio", made.stdio, "JSON lines on stdin and stdout");
    if (verb == "status")
      app.add_option("--wait", wait, "Wait this many seconds for the node to answer");
    if (verb == "connect")
      add_required("MULTIADDR", made.address, "Where, best with /p2p/PEER at its end");
    if (verb == "disconnect" || verb == "ping") add_required("PEER", made.peer, "A peer id");
    if (verb == "publish" || verb == "listen" || verb == "talk")
      add_required("TOPIC", made.topic, "The topic");
    if (verb == "publish") add_required("TEXT", made.text, "The message, or - for stdin");
    if (verb == "listen") {
      app.add_option("--count", made.count, "End after this many messages")
          ->check(CLI::PositiveNumber);
      app.add_option("--timeout", timeout, "End after this many seconds");
    }
    if (verb == "plugin") {
      add_required("list|check", made.action, "list, or check FILE");
      app.add_option("FILE", made.file, "A plugin's shared library");
    }
    if (verb == "ledger") {
      add_required("check", made.action, "Needs no node: every CID, chain and signature");
      add_required("FILE", made.file, "What 'ledger export' or 'ledger prove' wrote");
    }
    if (verb == "config") {
      add_required("check|show", made.action, "Judge the config, or show what counts");
      app.add_flag("--origin", made.origin, "Where each value comes from");
    }
    if (verb == "help") app.add_option("VERB", made.action, "One verb");
  }

  Result<void> seconds(const char* name, const std::string& text, std::optional<double>& to) {
    if (text.empty()) return {};
    to = wire::parse_duration(text);
    if (to) return {};
    return Error(usage_error::bad_usage,
                 std::string(name) + " " + text + ": expected seconds, or a text such as 30s");
  }

  CLI::App app;
  VerbWords made;
  std::string wait, timeout;
};

Result<void> judge_action(std::string_view verb, const VerbWords& words) {
  if (verb == "plugin") {
    if (words.action == "list" && words.file.empty()) return {};
    if (words.action == "check" && !words.file.empty()) return {};
    return Error(usage_error::bad_usage, "kith plugin list, or kith plugin check FILE");
  }
  if (verb == "config" && words.action != "check" && words.action != "show")
    return Error(usage_error::bad_usage, "kith config check, or kith config show --origin");
  return {};
}

}  // namespace

const char* describe(usage_error) { return "usage"; }

Result<CommandLine> split_command_line(const std::vector<std::string>& args) {
  return Splitter(args).split();
}

const std::vector<VerbFacts>& own_verbs() {
  static const std::vector<VerbFacts> verbs = {
      {"run", "run [--stdio]", "run a node in this home until it is stopped"},
      {"status", "status [--wait S]", "what the running node is and whom it is connected to"},
      {"doctor", "doctor", "what is wrong with the node or its home, and what to do"},
      {"id", "id", "this home's peer id"},
      {"stop", "stop", "stop the running node"},
      {"connect", "connect MULTIADDR", "connect to a peer and stay connected"},
      {"disconnect", "disconnect PEER", "close the connections to a peer"},
      {"peers", "peers", "the connected peers"},
      {"topics", "topics", "the joined topics"},
      {"ping", "ping PEER", "the round trip to a connected peer"},
      {"publish", "publish TOPIC TEXT|-", "send one message; - is stdin to its end"},
      {"listen", "listen TOPIC [--count N] [--timeout S]", "hear a topic, one line a message"},
      {"talk", "talk TOPIC", "listen, and publish what is typed"},
      {"plugin", "plugin list|check FILE", "the plugins, or whether one would load"},
      {"app", "app run FILE|list|reload|stop|logs", "the apps of the running node"},
      {"ledger", "ledger check FILE|list|export|prove..", "a ledger's file, or the node's ledgers"},
      {"config", "config check|show [--origin]", "judge the config, or show what counts"},
      {"help", "help [VERB]", "this"}};
  return verbs;
}

bool is_own_verb(std::string_view name) {
  const auto& verbs = own_verbs();
  return std::any_of(verbs.begin(), verbs.end(), [&](const auto& one) { return one.name == name; });
}

Result<VerbWords> parse_verb(std::string_view verb, const std::vector<std::string>& words) {
  VerbParser parser(verb);
  try {
    parser.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& refused) {  // CLI11 has no other way to say it
    return Error(usage_error::bad_usage,
                 std::string(refused.what()) + ": see 'kith help " + std::string(verb) + "'");
  }
  if (auto good = parser.seconds("--wait", parser.wait, parser.made.wait_s); !good)
    return good.error();
  if (auto good = parser.seconds("--timeout", parser.timeout, parser.made.timeout_s); !good)
    return good.error();
  if (auto good = judge_action(verb, parser.made); !good) return good.error();
  return std::move(parser.made);
}

std::string verb_help(std::string_view verb) {
  return VerbParser(verb).app.help() +
         "\n--home DIR and --json may stand anywhere: see 'kith help'.\n";
}

}  // namespace kith::cli

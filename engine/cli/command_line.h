// SPDX-License-Identifier: MIT
// The command line: what may stand anywhere (--home, --json ..), the verb, and what each verb of
// the program's own takes. The one door to CLI11. Runs nothing.
#pragma once
#include <kith/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

enum class usage_error { bad_usage = 1 };
const char* describe(usage_error error);

// A line, cut at its verb. Words keep their order; after "--" nothing is taken out.
struct CommandLine {
  std::string home, config;
  std::vector<std::string> sets;
  bool json = false, help = false, version = false;
  std::string verb;                // empty: none was given
  std::vector<std::string> words;  // behind it
};
Result<CommandLine> split_command_line(const std::vector<std::string>& args);

struct VerbFacts {
  std::string_view name, usage, summary;
};
const std::vector<VerbFacts>& own_verbs();
bool is_own_verb(std::string_view name);

// What the own verbs take; each fills a few of these.
struct VerbWords {
  std::string topic, text, address, peer, file, action;
  std::optional<std::int64_t> count;
  std::optional<double> timeout_s, wait_s;
  bool origin = false, stdio = false;
};
// bad_usage with a sentence that ends in the verb's usage.
Result<VerbWords> parse_verb(std::string_view verb, const std::vector<std::string>& words);
std::string verb_help(std::string_view verb);

}  // namespace kith::cli

// SPDX-License-Identifier: MIT
// Doctor: small checks of the place that a node lives in, each an honest sentence and, where it is
// not well, what to do next. Needs no node; what only a running one knows stands in
// command_doctor.cpp. Changes nothing.
#pragma once
#include "engine/wire/value.h"

namespace kith::node {

struct Check {
  std::string check;  // one word
  bool ok = true;
  std::string detail;
  std::string next;  // what to do; empty where it is well
};
using Checks = std::vector<Check>;

// The folder and the key in it, which others are to have no access to.
Check check_home(const std::string& home);
// Free space where the home is or would be.
Check check_disk(const std::string& home);
// Whether as many files may be open as connections are allowed (0: the engine's own bound). By the
// hard limit, to which `kith run` raises its own.
Check check_files(std::int64_t connections);

// What they judge.
Check judge_space(std::uint64_t free_bytes, std::uint64_t of_bytes);
Check judge_files(std::uint64_t files, std::uint64_t connections);

// {ok, checks}
wire::Value doctor_body(const Checks& checks);

}  // namespace kith::node

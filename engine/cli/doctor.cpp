// SPDX-License-Identifier: MIT
#include "engine/cli/doctor.h"

#include <fmt/core.h>

#include <filesystem>

#include "engine/cli/run.h"
#include "engine/cli/stop_wait.h"
#include "engine/node/doctor.h"
#include "engine/node/home.h"

namespace kith::cli {
namespace {

using wire::Value;

constexpr double kAnswerS = 10;

// What the node says of itself. It may be the patient: no waiting for ever.
Result<Value> ask(const std::string& home) {
  auto client = ControlClient::connect(home);
  if (!client) return client.error();
  StopWait stop;
  stop.start(kAnswerS);
  ControlClient::Hearing hearing;
  hearing.stop_fd = stop.fd();
  auto outcome = client->call("doctor", {}, hearing);
  if (!outcome) return outcome.error();
  if (outcome->cancelled) return Error(node::control_error::timeout);
  if (!outcome->ok) return Error(node::control_error::malformed, outcome->message);
  return std::move(outcome->end);
}

node::Check judge_node(const std::string& home, const Error& why) {
  const int pid = node::running_pid(home);
  if (pid == 0) return {"node", false, "no node runs in " + home, "kith run"};
  return {"node", false, fmt::format("{} (pid {}): {}", home, pid, why.message()),
          fmt::format("look at its log; where it hangs, 'kill {}' and 'kith run'", pid)};
}

node::Check judge_config(const node::ConfigRequest& request, const KnownPlugins& known,
                         std::int64_t& connections) {
  const std::string file =
      request.config.empty() ? node::HomeFiles{request.home}.config() : request.config;
  std::error_code failed;
  if (request.config.empty() && !std::filesystem::exists(file, failed))
    return {"config", true, file + " is not there yet: kith run writes it", ""};
  const auto [config, errors] = node::load_config(request, known(request.home));
  connections = config.limits.connections;
  if (errors.empty()) return {"config", true, file + " is good", ""};
  const std::string more =
      errors.size() > 1 ? fmt::format(" (and {} more: kith config check)", errors.size() - 1) : "";
  return {"config", false, errors.front() + more, "mend it there; then 'kith config check'"};
}

// Columns for people; what to do stands below what is the matter.
void show(Output& out, const Value& body) {
  const Value* const checks = body.find("checks");
  if (!checks || !checks->list()) return out.value(body);
  for (const Value& row : *checks->list()) {
    out.line(fmt::format("{}  {:9}  {}", row.boolean_or("ok", false) ? "ok" : "!!",
                         row.string_or("check"), row.string_or("detail")));
    if (const std::string next = row.string_or("next"); !next.empty())
      out.line(fmt::format("    {:9}  -> {}", "", next));
  }
}

}  // namespace

int call_doctor(const Place& place, const node::ConfigRequest& request, const KnownPlugins& known) {
  Result<Value> told = ask(place.home);
  if (!told) {
    std::int64_t connections = 0;
    const node::Check config = judge_config(request, known, connections);
    told = node::doctor_body({judge_node(place.home, told.error()), config,
                              node::check_home(place.home), node::check_disk(place.home),
                              node::check_files(connections)});
  }
  if (place.out.json()) {
    place.out.value(*told);
  } else {
    show(place.out, *told);
  }
  return told->boolean_or("ok", false) ? kExitOk : kExitFailure;
}

}  // namespace kith::cli

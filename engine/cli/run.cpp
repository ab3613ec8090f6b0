// SPDX-License-Identifier: MIT
// `kith run`: home, config, loop, node, control socket, in that order; and their end.
#include "engine/cli/run.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "engine/base/spdlog_sink.h"
#include "engine/node/config_change.h"
#include "engine/node/config_text.h"
#include "engine/node/control.h"
#include "engine/node/home.h"
#include "engine/node/node.h"
#include "engine/node/real_loop.h"
#include "engine/node/stdio_lines.h"

namespace kith::cli {

namespace {

constexpr unsigned kDrainSeconds = 15;  // a stop that hangs ends the process all the same

std::string program_folder() {
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? "." : program.parent_path().string();
}

std::vector<std::string> plugin_folders(const std::string& home) {
  return {node::HomeFiles{home}.plugins(), program_folder() + "/plugins"};
}

// Literal addresses of the interfaces that are up; link-local ones are of no use to others.
std::vector<std::string> interface_addresses() {
  std::vector<std::string> out;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return out;
  for (const ifaddrs* at = first; at; at = at->ifa_next) {
    if (!at->ifa_addr || !(at->ifa_flags & IFF_UP)) continue;
    char text[INET6_ADDRSTRLEN] = {};
    if (at->ifa_addr->sa_family == AF_INET) {
      const auto* ip4 = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
      inet_ntop(AF_INET, &ip4->sin_addr, text, sizeof text);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      const auto* ip6 = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
      if (IN6_IS_ADDR_LINKLOCAL(&ip6->sin6_addr)) continue;
      inet_ntop(AF_INET6, &ip6->sin6_addr, text, sizeof text);
    } else {
      continue;
    }
    out.emplace_back(text);
  }
  freeifaddrs(first);
  return out;
}

// Which store this is: a copied or restored one is another. "": not to be told.
std::string origin_of(const std::string& folder) {
  struct stat facts {};
  if (::stat(folder.c_str(), &facts) != 0) return "";
  std::string machine;
  if (std::ifstream file("/etc/machine-id"); file) std::getline(file, machine);
  return fmt::format("{}/{}/{}", machine, facts.st_dev, facts.st_ino);
}

// Each connection is one; the first limit of many machines is 1,024.
void raise_open_files() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int fail(std::string_view sentence, int code) {
  fmt::print(stderr, "kith: {}\n", sentence);
  return code;
}

// A node and what holds it to this process, from start to stop.
class Running {
 public:
  Running(const RunRequest& request, node::NodeSetup setup, LogSink& sink, node::RealLoop& loop)
      : request_(request),
        loop_(loop),
        log_(sink, "run"),
        node_(loop, sink, std::move(setup)),
        control_(loop, node_.bus(), log_.in("control")),
        scope_([this](const std::exception& thrown) { failed(thrown.what()); }) {}

  int run() {
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
      loop_.on_signal(number, {[](void* self, std::int64_t which, const void*) {
                                 static_cast<Running*>(self)->signalled(which);
                               },
                               this});
    }
    node_.on_stop_asked = [this] { stop(); };
    scope_.spawn(start());
    loop_.run();
    return code_;
  }

 private:
  Task<void> start() {
    co_await node_.start();
    control_.open(request_.home).value();
    if (request_.stdio)
      lines_ = std::make_unique<node::StdioLines>(loop_, node_.bus(), [this] { stop(); });
    RunningFacts facts;
    facts.peer_id = node_.setup().identity.peer_id().text();
    for (const auto& address : node_.addresses()) facts.addresses.push_back(address.text());
    facts.home = request_.home;
    facts.pid = getpid();
    if (!request_.stdio) print_running(facts, request_.json);
    log_.info("running peer={} home={}", facts.peer_id, facts.home);
  }
  // A hangup asks for the config to be read anew, unless it is the terminal that is gone.
  void signalled(std::int64_t number) {
    const bool is_alone = had_terminal_ && isatty(STDERR_FILENO) == 0;
    if (number != SIGHUP || is_alone) return stop();
    if (!stopping_) reload();
  }
  // The apps follow; plugins and connections are left alone.
  void reload() {
    const node::ConfigRequest wanted{request_.home, request_.config, request_.sets};
    auto [config, errors] = node::load_config(wanted, known_plugins(request_.home));
    for (const std::string& sentence : errors) log_.error("config refused err={}", sentence);
    if (!errors.empty()) return log_.error("config not taken: all goes on as it was");
    for (const std::string& section : changed_sections(node_.setup().config, config))
      log_.warn("config changed section={} hint=it counts when the node starts anew", section);
    log_.info("config read anew apps={} ledgers={}", config.apps.size(), config.ledgers.size());
    try {
      node_.keep_ledgers(config.ledgers);
    } catch (const Fault& fault) {  // the border to the operator
      log_.error("ledgers not kept as the config says err={}", fault.what());
    }
    scope_.spawn(node_.apps().configure(std::move(config.apps)));
  }
  void stop() {
    if (std::exchange(stopping_, true)) return;
    alarm(kDrainSeconds);
    scope_.spawn(finish());
  }
  Task<void> finish() {
    log_.info("stopping");
    co_await node_.stop();
    // One turn more, so that answers to `stop` leave.
    Nap nap(loop_, 20'000);
    co_await nap;
    loop_.stop();
  }
  void failed(const char* why) {
    code_ = fail(why, kExitFailure);
    loop_.stop();
  }

  const RunRequest& request_;
  node::RealLoop& loop_;
  Log log_;
  node::Node node_;
  node::ControlSocket control_;
  std::unique_ptr<node::StdioLines> lines_;
  Scope scope_;
  int code_ = kExitOk;
  const bool had_terminal_ = isatty(STDERR_FILENO) == 1;
  bool stopping_ = false;
};

Result<node::Config> ready_config(const RunRequest& request,
                                  const std::vector<node::PluginOptions>& known, int& code) {
  const node::ConfigRequest wanted{request.home, request.config, request.sets};
  code = kExitFailure;
  const auto wrote = node::ensure_first_config(wanted, known);
  if (!wrote) return wrote.error();
  if (*wrote)
    fmt::print(stderr, "kith: wrote {}: what runs here is what it says\n",
               node::HomeFiles{request.home}.config());
  node::ConfigVerdict verdict = node::load_config(wanted, known);
  if (verdict.errors.empty()) return std::move(verdict.config);
  code = kExitConfig;
  std::string all;
  for (const std::string& sentence : verdict.errors)
    all += (all.empty() ? "" : "\nkith: ") + sentence;
  return Error(KITH_BAD, all);
}

// Every plugin that can be opened here, those that the config does not name left unopened.
std::map<std::string, const kith_plugin*> open_plugins(const node::Config& config,
                                                       const std::string& home) {
  std::map<std::string, const kith_plugin*> out;
  for (const auto& [name, path] : node::find_plugins(plugin_folders(home))) {
    const auto opened = node::open_plugin(path);
    if (opened) {
      out[name] = *opened;
    } else if (config.find_plugin(name)) {
      throw Fault(opened.error());
    }
  }
  return out;
}

}  // namespace

std::vector<node::PluginOptions> known_plugins(const std::string& home) {
  std::vector<node::PluginOptions> out;
  for (const auto& [name, path] : node::find_plugins(plugin_folders(home))) {
    const auto facts = node::judge_plugin(path);
    if (facts) {
      out.push_back(facts->options);
    } else {
      out.push_back({name, {}, {}, facts.error().message()});
    }
  }
  return out;
}

int run_node(const RunRequest& request) {
  crypto::start_crypto();
  raise_open_files();
  auto home = node::Home::open(request.home);
  if (!home) return fail(home.error().message(), kExitFailure);
  int code = kExitFailure;
  auto config = ready_config(request, known_plugins(request.home), code);
  if (!config) return fail(config.error().message(), code);
  try {
    SpdlogSink sink(config->log.level, config->log.format);
    node::RealLoop loop;
    crypto::Key32 fresh;
    loop.entropy(fresh);
    auto identity = crypto::Identity::load_or_create(home->files().identity(), fresh);
    crypto::wipe(fresh);
    node::NodeSetup setup{.identity = std::move(identity).value(),
                          .config = std::move(config).value()};
    setup.plugins = open_plugins(setup.config, request.home);
    setup.script_folders = {request.home + "/scripts", program_folder() + "/scripts"};
    setup.version = request.version;
    setup.home = request.home;
    setup.interfaces = &interface_addresses;
    setup.store = store::open_rocks_store(home->files().store()).value();
    setup.store_origin = origin_of(home->files().store());
    setup.http = true;
    Running running(request, std::move(setup), sink, loop);
    return running.run();
  } catch (const std::exception& thrown) {
    return fail(thrown.what(), kExitFailure);
  }
}

}  // namespace kith::cli

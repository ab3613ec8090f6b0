// SPDX-License-Identifier: MIT
#include "engine/node/config_text.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/net/gate.h"
#include "engine/node/config_toml.h"
#include "engine/node/home.h"

namespace kith::node {
namespace {

constexpr std::size_t kFileMax = 1024 * 1024;
constexpr int kPickTries = 64;

constexpr std::string_view kHeader =
    "# kith.toml: all that this node is told. Remove a table to disable what it enables; a line\n"
    "# that is commented shows a default. The environment (KITH__PLUGINS__TCP__LISTEN=...) and\n"
    "# --set plugins.tcp.listen=... win over this file and are never written back.\n"
    "# 'kith config check' judges it, 'kith config show --origin' shows what counts and why.\n";

constexpr std::string_view kFirstApps =
    "\n# Scripts that this node runs; what stands in a table is the script's kith.config.\n"
    "# Rooms to talk in: kith chat say hello\n"
    "[apps.chat]\n"
    "rooms = [\"lobby\"]\n"
    "\n# Notes that all who run this app keep, signed and in order: kith notes add milk\n"
    "[apps.notes]\n";

constexpr std::string_view kAppExample =
    "\n# [apps.echo]\n"
    "# file = \"/path/to/echo.lua\"  # Else HOME/scripts/echo.lua, or the one that ships.\n"
    "# http = [\"http://127.0.0.1:8080\"]  # Private addresses that it may ask; public ones it "
    "may.\n";

constexpr std::string_view kLedgerExample =
    "\n# [ledgers.notes]\n"
    "# witness = true  # Sign receipts for what this node holds of others.\n"
    "# witnesses = [\"12D3KooW..\"]  # Whose receipts are believed beside members'.\n"
    "# retention = { max_age = \"90d\", max_bytes = \"1GiB\" }  # Older bodies are dropped.\n";

// Not of one line, as options are.
constexpr std::string_view kHookExample =
    "\n# Each message of a topic to a URL:\n"
    "# [[plugins.hooks.post]]\n"
    "# topic = \"alerts\"\n"
    "# url = \"http://127.0.0.1:8080/alerts\"\n";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

void append_options(std::string& to, const PluginOptions& spec, const ListenAddresses& listen) {
  for (const auto& option : spec.options) {
    to += "# " + option.name + " = " + option.default_toml;
    if (!option.help.empty()) to += "  # " + option.help;
    to += '\n';
  }
  const auto own = listen.find(spec.name);
  if (own == listen.end()) return;
  wire::Value::List list(own->second.begin(), own->second.end());
  to += "listen = " + to_toml(list) + '\n';
}

bool is_first(const PluginOptions& plugin) {
  return std::find(std::begin(kFirstPlugins), std::end(kFirstPlugins), plugin.name) !=
         std::end(kFirstPlugins);
}

// Binds a TCP port on every address of the family; the socket keeps it until both are known.
int bind_port(int family, std::uint16_t& port) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_in);
  storage.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    const int only = 1;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
    size = sizeof(sockaddr_in6);
  } else {
    reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  }
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::bind(fd, address, size) != 0 || ::getsockname(fd, address, &size) != 0) {
    ::close(fd);
    return -1;
  }
  port = ntohs(family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                  : reinterpret_cast<sockaddr_in&>(storage).sin_port);
  return fd;
}

bool has_family(int family) {
  std::uint16_t port = 0;
  return Descriptor(bind_port(family, port)).get() >= 0;
}

Error unwritable(const std::string& path) {
  return Error(config_error::unwritable, path + ": " + std::strerror(errno));
}

Result<void> write_whole(const Descriptor& file, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return unwritable(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return unwritable(path);
  return {};
}

}  // namespace

std::string first_config(const std::vector<PluginOptions>& known, const ListenAddresses& listen) {
  std::string made(kHeader);
  for (const auto& spec : engine_options()) {
    made += "\n# " + spec.summary + "\n[" + spec.name + "]\n";
    append_options(made, spec, {});
  }
  for (const auto name : kFirstPlugins) {
    const auto spec = std::find_if(known.begin(), known.end(),
                                   [&](const auto& plugin) { return plugin.name == name; });
    if (spec == known.end() || !spec->fault.empty()) continue;
    made += "\n# " + spec->summary + "\n[plugins." + to_toml_key(spec->name) + "]\n";
    append_options(made, *spec, listen);
  }
  std::string others;
  for (const auto& spec : known) {
    if (!is_first(spec) && spec.fault.empty())
      others += "# [plugins." + to_toml_key(spec.name) + "]  # " + spec.summary + '\n';
  }
  if (!others.empty()) made += "\n# Not enabled: take the '#' away to have one.\n" + others;
  const auto has = [&known](std::string_view name) {
    return std::any_of(known.begin(), known.end(), [name](const auto& plugin) {
      return plugin.name == name && plugin.fault.empty();
    });
  };
  if (has("hooks")) made += kHookExample;
  if (has("lua")) made += kFirstApps;
  made += kAppExample;
  return made += kLedgerExample;
}

Result<ListenAddresses> pick_listen_addresses() {
  const bool has_ip6 = has_family(AF_INET6);
  std::uint16_t ws_port = 0;
  const Descriptor ws(bind_port(AF_INET, ws_port));  // held, so that the other is another
  for (int tries = 0; ws.get() >= 0 && tries < kPickTries; ++tries) {
    std::uint16_t port = 0;
    const Descriptor ip4(bind_port(AF_INET, port));
    if (ip4.get() < 0) break;
    const std::string number = std::to_string(port);
    ListenAddresses made;
    made["websocket"].push_back("/ip4/127.0.0.1/tcp/" + std::to_string(ws_port) + "/ws");
    made["tcp"].push_back("/ip4/0.0.0.0/tcp/" + number);
    if (!has_ip6) return made;
    const Descriptor ip6(bind_port(AF_INET6, port));
    if (ip6.get() < 0) continue;
    made["tcp"].push_back("/ip6/::/tcp/" + number);
    return made;
  }
  return Error(config_error::unwritable, std::string("no free TCP port: ") + std::strerror(errno));
}

Result<std::string> read_config_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Error(config_error::unreadable, path + ": " + std::strerror(errno));
  std::string text(kFileMax + 1, '\0');
  std::size_t size = 0;
  for (ssize_t got = 1; got != 0 && size < text.size(); size += static_cast<std::size_t>(got)) {
    got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0) return Error(config_error::unreadable, path + ": " + std::strerror(errno));
  }
  if (size > kFileMax) return Error(config_error::unreadable, path + " is longer than 1 MiB");
  text.resize(size);
  return text;
}

Result<void> write_first_config(const std::string& path, std::string_view text) {
  const std::string fresh = path + "." + std::to_string(::getpid()) + ".new";
  const Descriptor file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.get() < 0) return unwritable(fresh);
  Result<void> written = write_whole(file, fresh, text);
  // A link, and not a rename: it never replaces a file that somebody wrote meanwhile.
  if (written && ::link(fresh.c_str(), path.c_str()) != 0 && errno != EEXIST)
    written = unwritable(path);
  ::unlink(fresh.c_str());
  return written;
}

Result<bool> ensure_first_config(const ConfigRequest& request,
                                 const std::vector<PluginOptions>& known) {
  const std::string path = HomeFiles{request.home}.config();
  if (!request.config.empty() || ::access(path.c_str(), F_OK) == 0) return false;
  const auto listen = pick_listen_addresses();
  if (!listen) return listen.error();
  if (auto written = write_first_config(path, first_config(known, *listen)); !written)
    return written.error();
  return true;
}

ConfigVerdict load_config(const ConfigRequest& request, const std::vector<PluginOptions>& known) {
  ConfigSources sources;
  sources.file_name = request.config.empty() ? HomeFiles{request.home}.config() : request.config;
  sources.environment = config_environment(::environ);
  sources.sets = request.sets;
  auto text = read_config_file(sources.file_name);
  if (!text) return {{}, {text.error().message()}};
  sources.file_text = *std::move(text);
  ConfigVerdict verdict = read_config(sources, known);
  net::Gate gate;
  if (const auto set = gate.set({verdict.config.gate.allow, verdict.config.gate.deny}); !set)
    verdict.errors.push_back(sources.file_name + ": [gate]: " + set.error().message());
  return verdict;
}

std::vector<std::pair<std::string, std::string>> config_environment(const char* const* entries) {
  std::vector<std::pair<std::string, std::string>> found;
  for (; entries && *entries; ++entries) {
    const std::string_view entry(*entries);
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with("KITH__") || equals == entry.npos) continue;
    found.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace kith::node

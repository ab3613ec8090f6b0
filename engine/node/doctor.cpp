// SPDX-License-Identifier: MIT
#include "engine/node/doctor.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/base/limits.h"
#include "engine/node/home.h"

namespace kith::node {
namespace {

constexpr std::uint64_t kGiB = 1ull << 30;
// Beside connections: 256 of the store, links that are not yet proven, and the node's own.
constexpr std::uint64_t kFilesBeside = 256 + limits::kPendingUpgradesMax + 64;
constexpr mode_t kOfOthers = 077, kWrittenByOthers = 022;

Check well(const char* check, std::string detail) { return {check, true, std::move(detail), ""}; }
Check unwell(const char* check, std::string detail, std::string next) {
  return {check, false, std::move(detail), std::move(next)};
}

std::string size_text(std::uint64_t bytes) {
  const double gib = static_cast<double>(bytes) / static_cast<double>(kGiB);
  return gib >= 1 ? fmt::format("{:.1f} GiB", gib) : fmt::format("{:.0f} MiB", gib * 1'024);
}

}  // namespace

Check check_home(const std::string& home) {
  const HomeFiles files{home};
  struct stat facts {};
  if (::stat(home.c_str(), &facts) != 0) {
    if (errno == ENOENT) return well("home", home + " is not there yet: kith run makes it");
    return unwell("home", home + ": " + std::strerror(errno), "give --home a folder of your own");
  }
  if ((facts.st_mode & kWrittenByOthers) != 0)
    return unwell("home", home + " can be written by others, who may then replace what is in it",
                  "chmod 700 " + home);
  if (::stat(files.identity().c_str(), &facts) != 0) {
    if (errno == ENOENT) return well("home", home + " has no key yet: kith run makes one");
    return unwell("home", files.identity() + ": " + std::strerror(errno),
                  "chown it to the user who runs kith");
  }
  if ((facts.st_mode & kOfOthers) != 0)
    return unwell("home", files.identity() + " is open to others, who may then pass for this node",
                  "chmod 600 " + files.identity());
  return well("home", home + ": nobody else has access to its key");
}

Check check_disk(const std::string& home) {
  std::filesystem::path place = home;
  std::error_code failed;
  while (!std::filesystem::exists(place, failed) && place.has_relative_path())
    place = place.parent_path();
  struct statvfs facts {};
  if (::statvfs(place.c_str(), &facts) != 0)
    return unwell("disk", place.string() + ": " + std::strerror(errno),
                  "see that its file system is there");
  return judge_space(std::uint64_t{facts.f_bavail} * facts.f_frsize,
                     std::uint64_t{facts.f_blocks} * facts.f_frsize);
}

Check check_files(std::int64_t connections) {
  struct rlimit limit {};
  const bool is_known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
  const auto allowed = static_cast<std::uint64_t>(std::max<std::int64_t>(connections, 0));
  return judge_files(is_known ? limit.rlim_max : RLIM_INFINITY,
                     allowed > 0 ? allowed : limits::kConnectionsMax);
}

Check judge_space(std::uint64_t free_bytes, std::uint64_t of_bytes) {
  const std::string detail =
      fmt::format("{} of {} free where the home is", size_text(free_bytes), size_text(of_bytes));
  if (free_bytes >= kGiB && free_bytes >= of_bytes / 20) return well("disk", detail);
  return unwell("disk", detail,
                "free some, or bound what ledgers keep (retention in kith.toml): a store that "
                "cannot write takes nothing more");
}

Check judge_files(std::uint64_t files, std::uint64_t connections) {
  if (files == RLIM_INFINITY) return well("files", "any number may be open at once");
  const std::string detail =
      fmt::format("{} may be open at once, for {} connections", files, connections);
  if (files >= connections + kFilesBeside) return well("files", detail);
  const std::uint64_t room = files > kFilesBeside ? files - kFilesBeside : 1;
  return unwell("files", detail,
                fmt::format("allow {} (LimitNOFILE= in a unit, or nofile in limits.conf), or set "
                            "connections = {} under [limits] in kith.toml",
                            connections + kFilesBeside, room));
}

wire::Value doctor_body(const Checks& checks) {
  wire::Value::List rows;
  bool is_well = true;
  for (const Check& check : checks) {
    wire::Value row;
    row["check"] = check.check;
    row["ok"] = check.ok;
    row["detail"] = check.detail;
    row["next"] = check.next;
    rows.push_back(std::move(row));
    is_well = is_well && check.ok;
  }
  wire::Value made;
  made["ok"] = is_well;
  made["checks"] = std::move(rows);
  return made;
}

}  // namespace kith::node

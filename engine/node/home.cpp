// SPDX-License-Identifier: MIT
#include "engine/node/home.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace kith::node {
namespace {

std::string reason() { return std::strerror(errno); }

// An open file description lock, and not flock: whether it is held can be asked without taking it,
// so that a look never gets in the way of a node that starts.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

int pid_in(int fd) {
  char text[16] = {};
  const ssize_t size = ::pread(fd, text, sizeof text - 1, 0);
  int pid = 0;
  if (size > 0) std::from_chars(text, text + size, pid);
  return pid;
}

Result<std::string> absolute(const std::string& path) {
  std::error_code failed;
  std::filesystem::path full = std::filesystem::absolute(path, failed);
  if (failed) return Error(home_error::unusable, path + ": " + failed.message());
  std::string text = full.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace

const char* describe(home_error error) {
  switch (error) {
    case home_error::unusable: return "this home cannot be used";
    case home_error::locked: return "this home is in use";
  }
  return "unknown home error";
}

Result<std::string> home_path(const std::string& given, const Environment& environment) {
  const auto value = [&](const char* name) {
    const char* text = environment(name);
    return std::string(text ? text : "");
  };
  if (!given.empty()) return absolute(given);
  if (const auto home = value("KITH_HOME"); !home.empty()) return absolute(home);
  // A relative XDG path is to be ignored (XDG Base Directory Specification, "Environment").
  if (const auto state = value("XDG_STATE_HOME"); state.starts_with('/'))
    return absolute(state + "/kith");
  if (const auto user = value("HOME"); !user.empty()) return absolute(user + "/.local/state/kith");
  return Error(home_error::unusable, "neither --home nor HOME is set: give --home DIR");
}

Result<void> Home::make(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failed);
  if (failed) return Error(home_error::unusable, parent.string() + ": " + failed.message());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return Error(home_error::unusable, path + ": " + reason());
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode))
    return Error(home_error::unusable, path + " is not a directory");
  return {};
}

Result<Home> Home::open(const std::string& path) {
  if (auto made = make(path); !made) return made.error();
  HomeFiles files{path};
  const int fd = ::open(files.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Error(home_error::unusable, files.lock() + ": " + reason());
  struct flock lock = whole_file();
  if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    const bool held = errno == EAGAIN || errno == EACCES;
    const std::string why = held ? std::to_string(pid_in(fd)) : reason();
    ::close(fd);  // what it says stays: it is the other's
    if (!held) return Error(home_error::unusable, path + ": " + why);
    return Error(home_error::locked, "a node already runs in " + path + " (pid " + why +
                                         "): stop it with 'kith stop', or choose another --home");
  }
  Home home(std::move(files), fd);
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return Error(home_error::unusable, path + ": " + reason());
  return home;
}

Home::Home(Home&& other) noexcept
    : files_(std::move(other.files_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

Home& Home::operator=(Home&& other) noexcept {
  std::swap(files_, other.files_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}

Home::~Home() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

int running_pid(const std::string& path) {
  const int fd = ::open(HomeFiles{path}.lock().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return 0;
  struct flock lock = whole_file();
  const bool held = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  const int pid = held ? std::max(pid_in(fd), 1) : 0;
  ::close(fd);
  return pid;
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
// Home: the folder that is a node (identity, config, socket, data), and the lock that keeps it to
// one node at a time. Created 0700. The lock lives as long as the Home that took it.
#pragma once
#include <kith/result.h>

#include <functional>
#include <string>

namespace kith::node {

enum class home_error { unusable = 1, locked };
const char* describe(home_error error);

// --home, else KITH_HOME, else $XDG_STATE_HOME/kith, else ~/.local/state/kith. Absolute.
using Environment = std::function<const char*(const char* name)>;  // as getenv
Result<std::string> home_path(const std::string& given, const Environment& environment);

// The files of a home, whether it is there or not.
struct HomeFiles {
  std::string home;
  std::string config() const { return home + "/kith.toml"; }
  std::string identity() const { return home + "/identity.key"; }
  std::string socket() const { return home + "/kith.sock"; }
  std::string lock() const { return home + "/lock"; }
  std::string store() const { return home + "/store"; }
  std::string plugins() const { return home + "/plugins"; }
};

class Home {
 public:
  // Makes the folder (and its parents) where it is missing. Locks nothing.
  static Result<void> make(const std::string& path);
  // Makes it and takes the lock; `locked` says who holds it and what to do.
  static Result<Home> open(const std::string& path);

  Home(Home&& other) noexcept;
  Home& operator=(Home&& other) noexcept;
  ~Home();  // gives the lock back

  const std::string& path() const { return files_.home; }
  const HomeFiles& files() const { return files_; }

 private:
  Home(HomeFiles files, int lock_fd) : files_(std::move(files)), lock_fd_(lock_fd) {}
  HomeFiles files_;
  int lock_fd_ = -1;
};

// The pid of the node that holds a home's lock, 0 when none does; 1 in the instant before it is
// written.
int running_pid(const std::string& path);

}  // namespace kith::node

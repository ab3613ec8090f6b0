// SPDX-License-Identifier: MIT
// AppRun: one `app run FILE`. Loads the file, shows its caller the app's log, loads it anew at each
// save, and gives the name back to the config when the caller goes. Owned by its own task and by
// the call that it answers.
#pragma once
#include "engine/node/node.h"

namespace kith::node {

struct AppRequest {
  std::string file, name;
  wire::Value config;
  bool detach = false;  // it runs on until it is stopped, and is not watched
};

class AppRun : public std::enable_shared_from_this<AppRun> {
 public:
  AppRun(Node& node, Scope& scope, bus::CallPtr call, AppRequest request);
  void start();  // in the scope, which also restores what was there before

 private:
  static Task<void> play(std::shared_ptr<AppRun> run);
  Task<std::string> load();  // why not
  void show();
  void claim();
  void lose(const std::string& why);
  void leave();
  void give_up(const std::string& why, bool was_listed);

  Node& node_;
  Scope& scope_;
  const bus::CallPtr call_;
  const AppRequest request_;
  Apps::Follower follower_;
  bool is_claimed_ = false, over_ = false;
};

}  // namespace kith::node

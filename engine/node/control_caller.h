// SPDX-License-Identifier: MIT
// ControlCaller: one caller of the control protocol, whatever its lines travel over (the control
// socket, stdin and stdout, a child process). Owned by whoever owns the way; loop thread. Its end
// cancels all that it asked for. Does no I/O.
#pragma once
#include "engine/bus/bus.h"
#include "engine/node/control_line.h"

namespace kith::node {

// The way out. Its owner calls ControlCaller::drained() when little is queued again.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void write(std::string_view line) = 0;  // with its newline; all of it is queued
  virtual std::size_t queued_bytes() const = 0;
  // The caller misbehaves, or takes nothing: to be cut off, in a later turn.
  virtual void close(std::string_view why) = 0;
};

class ControlCaller {
 public:
  ControlCaller(bus::Bus& bus, LineSink& sink);
  ~ControlCaller();
  ControlCaller(const ControlCaller&) = delete;
  ControlCaller& operator=(const ControlCaller&) = delete;

  void receive(Bytes bytes);
  void drained();
  std::size_t under_way() const { return ongoing_.size(); }

 private:
  struct Ongoing {
    wire::Value id;
    bus::Bus::Ticket ticket;   // of a call
    bus::Bus::Id handler = 0;  // of an on
    std::size_t dropped = 0;   // parts or events that found no room
  };
  using Key = std::string;  // the id as JSON

  void take(Request request);
  void call(const Key& key, Request& request);
  void on(const Key& key, const Request& request);
  void cancel(const Key& key);
  void hear(const Key& key, const kith_event& event);
  void stream(const Key& key, const std::string& line);
  void finish(const Key& key, const std::string& line);
  void fail(const Key& key, std::string_view code, std::string_view message);
  void reject(std::string_view message);
  void tell_dropped(Ongoing& ongoing);
  void write(const std::string& line);
  void close(std::string_view why);

  bus::Bus& bus_;
  LineSink& sink_;
  bus::Owner owner_{"control", false};
  LineReader reader_;
  std::map<Key, Ongoing> ongoing_;
  int malformed_ = 0;
  bool closed_ = false;
};

}  // namespace kith::node

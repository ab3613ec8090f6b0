// SPDX-License-Identifier: MIT
// Topics: who joined what, and the walk of a message: validate/T, relay, message/T. Between the
// router (a plugin, by its C table) and the bus. Loop thread.
#pragma once
#include "engine/bus/bus.h"

namespace kith::bus {

class Topics {
 public:
  Topics(Bus& bus, Log log);  // watches the bus's interest
  ~Topics();

  // One; nullptr takes it away. Joins what is joined already.
  void set_router(const kith_router* ops, void* me);

  // Counted per owner; also by the interest of a literal message/T handler.
  // bad_name: empty, over limits::kTopicBytesMax, '+' or '#'.
  Result<void> join(const Owner& owner, std::string_view topic);
  static Result<void> judge(std::string_view topic);  // as join does
  void leave(const Owner& owner, std::string_view topic);
  void forget(const Owner& owner);  // what it joined; its handlers are the bus's to forget

  struct Published {
    std::size_t peers = 0;
    ByteVector id;
  };
  // Sends through the router and walks message/T at home, past handlers of `owner` (but
  // KITH_ON_OWN). Without a router, or over limits::kMessageBytesMax: refused.
  Result<Published> publish(const Owner& owner, std::string_view topic, Bytes data);

  // From the router: see kith_topics.deliver.
  void deliver(const kith_message* messages, const std::uint64_t* tickets, int* verdicts,
               std::size_t n);

  struct Row {
    std::string topic;
    std::uint32_t mesh = 0, peers = 0;
    std::vector<std::string> joined_by;  // owners' names
  };
  std::vector<Row> rows() const;
  std::pair<std::uint32_t, std::uint32_t> peers_of(
      std::string_view topic) const;  // subscribed, mesh
  bool settled(Bytes peer) const;     // true without a router

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::bus

// SPDX-License-Identifier: MIT
// Swarm::Live: one connection of a Swarm and the streams on it that are still being negotiated.
// Private to the Swarm's own files.
#pragma once
#include "engine/net/swarm.h"

namespace kith::net {

struct Swarm::Live final : ConnectionEvents {
  Live(Swarm& by, std::unique_ptr<Connection> made, std::uint64_t number)
      : swarm(by),
        connection(std::move(made)),
        serial(number),
        negotiating([this](const auto& why) {
          swarm.log_.debug("stream refused peer={} err={}", connection->peer().short_text(),
                           why.what());
        }) {}
  void on_stream(Pipe stream) override;
  void on_closed(std::string_view why) override { swarm.closed(*this, why); }

  Swarm& swarm;
  std::unique_ptr<Connection> connection;
  const std::uint64_t serial;
  bool open = true;
  Scope negotiating;
};

// In the order in which they came; one that leaves meanwhile is told no more, one that comes
// meanwhile not yet.
template <class Fn>
void Swarm::tell(Fn fn) {
  ++telling_;
  const std::size_t count = observers_.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (SwarmObserver* observer = observers_[i]) fn(*observer);
  }
  if (--telling_ == 0) std::erase(observers_, nullptr);
}

}  // namespace kith::net

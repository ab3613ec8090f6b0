// SPDX-License-Identifier: MIT
// Connection: a proven peer and many streams. An interface with two makers: the upgrader (Noise and
// Yamux over a link), and later transports that bring their own security and streams. Owned by the
// Swarm; owns its streams' insides, while a stream's holder keeps a kith_pipe that survives it
// until drop.
#pragma once
#include <kith/pipe.h>

#include "engine/wire/multiaddr.h"

namespace kith::net {

enum class net_error {
  wrong_peer = 1,  // the other side proved another peer id than was asked for
  no_common_protocol,
  upgrade_failed,
  gate_refused,
  no_address,
  no_transport,
  dial_failed,
  limit,
  closed,
  timeout,
  protocol_violation,
  dialed_self,
};
const char* describe(net_error error);

// Called by a Connection. Everything may be called from inside; the Connection must not be
// destroyed from inside (post it).
class ConnectionEvents {
 public:
  // A stream that the peer opened; not yet negotiated. The receiver owns it.
  virtual void on_stream(Pipe stream) = 0;
  // Once, after every stream has been reset. why: a sentence.
  virtual void on_closed(std::string_view why) = 0;

 protected:
  ~ConnectionEvents() = default;
};

class Connection {
 public:
  virtual ~Connection() = default;

  virtual const wire::PeerId& peer() const = 0;
  virtual const wire::Multiaddr& local() const = 0;  // may be empty
  virtual const wire::Multiaddr& remote() const = 0;
  virtual bool dialed() const = 0;
  virtual bool limited() const = 0;

  // Before the first turn after it was made.
  virtual void listen(ConnectionEvents& events) = 0;
  // A stream without a negotiated protocol; net_error::limit or closed.
  virtual Result<Pipe> open_stream() = 0;
  // The name that info().protocol tells, once negotiated. `protocol` is interned by the caller for
  // the node's life.
  virtual void name_stream(kith_pipe* stream, std::string_view protocol) = 0;
  // GoAway, then the link is dropped in a later turn; on_closed follows. Idempotent.
  virtual void close(std::string_view why) = 0;
  virtual bool closed() const = 0;

  virtual std::size_t streams() const = 0;
  virtual std::uint64_t rtt_us() const = 0;  // of the last muxer ping; 0 = unknown
  virtual std::uint64_t opened_us() const = 0;
  virtual std::uint64_t bytes_in() const = 0;
  virtual std::uint64_t bytes_out() const = 0;
};

}  // namespace kith::net

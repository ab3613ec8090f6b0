// SPDX-License-Identifier: MIT
// Reader: cuts the frames of one inbound stream, in place where a frame arrived whole. Keeps only a
// frame's first part, outside of the stream, so that a frame may be larger than the window. Owned
// by the peer's state; knows nothing of what a frame means.
#pragma once
#include <kith/pipe.h>

namespace kith::gossip {

struct PeerState;

class FrameSink {
 public:
  // May drop the reader's stream, but not the reader.
  virtual void on_frame(PeerState& peer, Bytes frame) = 0;
  virtual void on_wake_end(PeerState& peer) = 0;             // after the frames of one wake
  virtual void on_stream_end(PeerState& peer, int why) = 0;  // 0 = FIN, or a kith_err
  virtual bool may_read(PeerState& peer) = 0;                // false: resume() comes later

 protected:
  ~FrameSink() = default;
};

class Reader {
 public:
  Reader(FrameSink& sink, PeerState& peer) : sink_(sink), peer_(peer) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void open(Pipe stream);  // replaces the one that was there
  void close(int error) { stream_.reset(error); }
  bool is_open() const { return static_cast<bool>(stream_); }
  void resume() {
    if (stream_) arm();
  }

 private:
  void arm();
  void wake(std::int64_t r);
  void cut(Bytes view);
  Bytes complete(Bytes view);  // the partial frame by the view's first bytes; what is left
  void end(int why);

  FrameSink& sink_;
  PeerState& peer_;
  Pipe stream_;
  ByteVector partial_;  // length prefix and first bytes of one frame
  bool timed_ = false;
};

}  // namespace kith::gossip

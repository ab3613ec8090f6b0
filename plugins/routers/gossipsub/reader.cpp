// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/reader.h"

#include "engine/wire/varint.h"
#include "plugins/routers/gossipsub/limits.h"

namespace kith::gossip {

namespace {

// Where a frame ends, seen from its prefix: 0 = the prefix is not complete, -1 = no frame of ours.
std::int64_t frame_end(Bytes from, std::size_t& prefix) {
  std::uint64_t size = 0;
  const int taken = wire::read_varint(from, size);
  if (taken <= 0) return taken;
  if (size > limits::kFrameBytesMax) return -1;
  prefix = static_cast<std::size_t>(taken);
  return static_cast<std::int64_t>(prefix + size);
}

}  // namespace

void Reader::open(Pipe stream) {
  stream_ = std::move(stream);
  partial_ = {};
  timed_ = false;
  arm();
}

void Reader::arm() {
  stream_.want(KITH_RD, kith_done{[](void* self, std::int64_t r, const void*) {
                                    static_cast<Reader*>(self)->wake(r);
                                  },
                                  this});
}

void Reader::wake(std::int64_t r) {
  if (!sink_.may_read(peer_)) return;
  Bytes view;
  if (r >= 0) r = stream_.peek(view);
  if (r == KITH_AGAIN) return arm();
  if (r <= 0) return end(static_cast<int>(r));
  const std::size_t seen = view.size();
  cut(view);
  if (!stream_) return sink_.on_wake_end(peer_);
  stream_.consume(seen);
  if (timed_ != !partial_.empty()) {
    timed_ = !partial_.empty();
    stream_.deadline(KITH_RD, timed_ ? limits::kStallMs : 0);
  }
  sink_.on_wake_end(peer_);
  if (stream_) arm();
}

void Reader::cut(Bytes view) {
  if (!partial_.empty()) view = complete(view);
  while (stream_ && !view.empty()) {
    std::size_t prefix = 0;
    const std::int64_t size = frame_end(view, prefix);
    if (size < 0) return end(KITH_LIMIT);
    if (size == 0 || static_cast<std::size_t>(size) > view.size()) {
      partial_.assign(view.begin(), view.end());
      return;
    }
    const Bytes frame = view.first(static_cast<std::size_t>(size));
    view = view.subspan(frame.size());
    sink_.on_frame(peer_, frame.subspan(prefix));
  }
}

Bytes Reader::complete(Bytes view) {
  std::size_t prefix = 0;
  std::int64_t size = frame_end(partial_, prefix);
  while (size == 0 && !view.empty()) {
    partial_.push_back(view.front());
    view = view.subspan(1);
    size = frame_end(partial_, prefix);
  }
  if (size < 0) {
    end(KITH_LIMIT);
    return {};
  }
  if (size == 0) return view;
  const std::size_t needed = static_cast<std::size_t>(size) - partial_.size();
  const std::size_t taken = std::min(needed, view.size());
  append(partial_, view.first(taken));
  if (taken < needed) return {};
  const ByteVector frame = std::exchange(partial_, {});
  sink_.on_frame(peer_, Bytes(frame).subspan(prefix));
  return view.subspan(taken);
}

void Reader::end(int why) {
  if (why == 0) {
    stream_.close();
  } else {
    stream_.reset(why);
  }
  partial_ = {};
  sink_.on_stream_end(peer_, why);
}

}  // namespace kith::gossip

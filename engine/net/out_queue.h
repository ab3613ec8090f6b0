// SPDX-License-Identifier: MIT
// OutQueue: Yamux frames of one connection that are not yet sealed, first in, first out. Small
// payload is copied and merged; large shared buffers are referenced. Hands them out cut into the
// plaintexts of Noise frames: many small frames in one, a large data frame alone. No I/O, no
// bounds of its own; empty it owns nothing.
#pragma once
#include <kith/bytes.h>

#include <array>

#include "engine/wire/yamux.h"

namespace kith::net {

class OutQueue {
 public:
  static constexpr std::size_t kReferenceMin = 4 * 1024;  // smaller pieces are copied

  OutQueue() = default;
  OutQueue(const OutQueue&) = delete;
  OutQueue& operator=(const OutQueue&) = delete;
  ~OutQueue() { clear(); }

  // A frame without payload.
  void put(const wire::YamuxHeader& header);
  // Data frames of one stream, `flags` on the first; n bytes of v from offset `skip`.
  void put_data(std::uint32_t stream_id, std::uint16_t flags, std::span<const kith_bytes> v,
                std::size_t skip, std::size_t n);
  // The same by reference.
  void put_shared(std::uint32_t stream_id, std::uint16_t flags, kith_buf* held, std::size_t skip,
                  std::size_t n);

  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

  // The next plaintext, in pieces that are valid until pop() or a put; none when the queue is
  // empty.
  using Pieces = std::array<kith_bytes, 32>;
  std::span<const kith_bytes> front(Pieces& pieces);
  void pop();  // what front() gave
  void clear();

 private:
  // Staged bytes, then bytes of a buffer: never split over two Noise frames.
  struct Unit {
    std::uint32_t staged = 0;
    std::uint32_t held_size = 0;
    std::size_t held_from = 0;
    kith_buf* held = nullptr;
  };
  void account(std::size_t n);  // n more staged bytes, in the last unit or a new one
  bool extend(std::uint32_t stream_id, std::span<const kith_bytes> v, std::size_t skip,
              std::size_t n);

  void compact();

  static constexpr std::size_t kNone = SIZE_MAX;
  ByteVector staged_;        // of the units, from staged_at_
  std::vector<Unit> units_;  // from first_
  std::size_t staged_at_ = 0, first_ = 0, bytes_ = 0;
  std::size_t open_header_ = kNone;  // where in staged_ the last frame stands, when it is data
  std::size_t front_units_ = 0, front_staged_ = 0;
};

}  // namespace kith::net

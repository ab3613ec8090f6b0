// SPDX-License-Identifier: MIT
// SealedLink: a link after its Noise handshake, as frames of plaintext (specs/noise "Wire Format").
// Owns the link, the two keys and their counters; between calls it holds only the part of a frame
// that has arrived, and sealed bytes that the link did not take. Knows nothing of Yamux.
// SealedPipe: the same as a pipe, for the one dialogue that may happen inside before Yamux.
#pragma once
#include <kith/pipe.h>

#include "engine/base/limits.h"
#include "engine/crypto/noise.h"

namespace kith::net {

class SealedLink {
 public:
  static constexpr std::size_t kPrefix = 2;
  static constexpr std::size_t kFrameMax = kPrefix + limits::kNoiseFrameMax;
  // Fairness: no more is read from one link before the others have had their turn.
  static constexpr std::size_t kReadMax = 256 * 1024;
  static constexpr std::size_t kReadSpace = kReadMax + kFrameMax;

  SealedLink(crypto::Cipher& cipher, Pipe link, const crypto::NoiseXX::Keys& keys);
  SealedLink(const SealedLink&) = delete;
  SealedLink& operator=(const SealedLink&) = delete;
  ~SealedLink();

  // Reads once into `space` (kReadSpace bytes), opens each whole frame in place and gives it to
  // each(plain) -> go on? Bytes read, 0 at the FIN, KITH_AGAIN or an error; KITH_BAD: forged bytes;
  // KITH_CLOSED: `each` had enough.
  template <class Each>
  std::int64_t read_frames(MutableBytes space, Each each);

  // One frame over all pieces (kNoisePlainMax at most) into `to`; its size there.
  std::size_t seal(std::span<const kith_bytes> pieces, std::uint8_t* to);
  static constexpr std::size_t sealed_size(std::size_t plain) {
    return kPrefix + plain + crypto::Cipher::kTag;
  }

  // Gives sealed bytes to the link and keeps what it does not take; not while blocked(). 0, or why
  // the link failed. drain() tries what was kept again.
  int write(Bytes sealed);
  int drain();
  bool blocked() const { return !unsent_.empty(); }

  Pipe& link() { return link_; }
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }  // taken by the link

 private:
  bool open(MutableBytes sealed);
  void keep_tail(Bytes rest);

  crypto::Cipher& cipher_;
  Pipe link_;
  crypto::NoiseXX::Keys keys_;
  std::uint64_t sealed_frames_ = 0, opened_frames_ = 0;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  ByteVector tail_;    // of a frame that has not wholly arrived
  ByteVector unsent_;  // from unsent_at_
  std::size_t unsent_at_ = 0;
};

template <class Each>
std::int64_t SealedLink::read_frames(MutableBytes space, Each each) {
  std::copy(tail_.begin(), tail_.end(), space.begin());
  const std::int64_t n = link_.read(space.subspan(tail_.size(), kReadMax));
  if (n <= 0) return n;
  bytes_in_ += static_cast<std::uint64_t>(n);
  MutableBytes rest = space.first(tail_.size() + static_cast<std::size_t>(n));
  while (rest.size() >= kPrefix) {
    const std::size_t size = static_cast<std::size_t>(rest[0]) << 8 | rest[1];
    if (size < crypto::Cipher::kTag) return KITH_BAD;
    if (rest.size() < kPrefix + size) break;
    const MutableBytes sealed = rest.subspan(kPrefix, size);
    rest = rest.subspan(kPrefix + size);
    if (!open(sealed)) return KITH_BAD;
    if (!each(sealed.first(size - crypto::Cipher::kTag))) return KITH_CLOSED;
  }
  keep_tail(rest);
  return n;
}

class SealedPipe final : public kith_pipe {
 public:
  explicit SealedPipe(SealedLink& sealed);
  SealedPipe(const SealedPipe&) = delete;
  SealedPipe& operator=(const SealedPipe&) = delete;

  std::int64_t read(MutableBytes to);
  std::int64_t write(std::span<const kith_bytes> pieces);
  void want(unsigned rd_wr, kith_done wake);
  void deadline(unsigned rd_wr, std::uint32_t ms);
  int shut() { return KITH_BAD; }  // the link goes on
  void drop(int) {}                // so it is owned elsewhere
  int info(kith_pipe_info& info) const;

  // What arrived behind the dialogue.
  ByteVector take_rest();

 private:
  SealedLink& sealed_;
  ByteVector plain_;
  std::size_t at_ = 0;
};

}  // namespace kith::net

// SPDX-License-Identifier: MIT
#include "engine/net/sealed_link.h"

#include <cassert>

namespace kith::net {

SealedLink::SealedLink(crypto::Cipher& cipher, Pipe link, const crypto::NoiseXX::Keys& keys)
    : cipher_(cipher), link_(std::move(link)), keys_(keys) {}

SealedLink::~SealedLink() {
  crypto::wipe(keys_.send);
  crypto::wipe(keys_.receive);
}

bool SealedLink::open(MutableBytes sealed) {
  return cipher_.open(keys_.receive, opened_frames_++, Bytes(), sealed);
}

void SealedLink::keep_tail(Bytes rest) {
  if (rest.empty()) {
    ByteVector().swap(tail_);
  } else {
    tail_.assign(rest.begin(), rest.end());
  }
}

std::size_t SealedLink::seal(std::span<const kith_bytes> pieces, std::uint8_t* to) {
  std::size_t plain = 0;
  for (const kith_bytes& piece : pieces) plain += piece.n;
  assert(plain <= limits::kNoisePlainMax);
  // 2^64 - 1 is Noise's reserved nonce: no connection lives that long.
  assert(sealed_frames_ != UINT64_MAX);
  const std::size_t size = plain + crypto::Cipher::kTag;
  to[0] = static_cast<std::uint8_t>(size >> 8);
  to[1] = static_cast<std::uint8_t>(size);
  cipher_.seal_pieces(keys_.send, sealed_frames_++, pieces, to + kPrefix);
  return kPrefix + size;
}

int SealedLink::write(Bytes sealed) {
  assert(!blocked());
  while (!sealed.empty()) {
    const std::int64_t n = link_.write(sealed);
    if (n == KITH_AGAIN) {
      unsent_ = to_vector(sealed);
      return 0;
    }
    if (n < 0) return static_cast<int>(n);
    bytes_out_ += static_cast<std::uint64_t>(n);
    sealed = sealed.subspan(static_cast<std::size_t>(n));
  }
  return 0;
}

int SealedLink::drain() {
  while (blocked()) {
    const std::int64_t n = link_.write(Bytes(unsent_).subspan(unsent_at_));
    if (n == KITH_AGAIN) return 0;
    if (n < 0) return static_cast<int>(n);
    bytes_out_ += static_cast<std::uint64_t>(n);
    unsent_at_ += static_cast<std::size_t>(n);
    if (unsent_at_ == unsent_.size()) {
      ByteVector().swap(unsent_);
      unsent_at_ = 0;
    }
  }
  return 0;
}

SealedPipe::SealedPipe(SealedLink& sealed)
    : kith_pipe{&PipeOps<SealedPipe>::table}, sealed_(sealed) {}

std::int64_t SealedPipe::read(MutableBytes to) {
  if (at_ == plain_.size()) {
    plain_.clear();
    at_ = 0;
    ByteVector space(SealedLink::kReadSpace);
    const std::int64_t n = sealed_.read_frames(space, [this](Bytes plain) {
      append(plain_, plain);
      return true;
    });
    if (n <= 0) return n;
    if (plain_.empty()) return KITH_AGAIN;
  }
  const std::size_t n = std::min(to.size(), plain_.size() - at_);
  std::copy_n(plain_.begin() + static_cast<std::ptrdiff_t>(at_), n, to.begin());
  at_ += n;
  return static_cast<std::int64_t>(n);
}

std::int64_t SealedPipe::write(std::span<const kith_bytes> pieces) {
  if (const int failed = sealed_.drain(); failed < 0) return failed;
  if (sealed_.blocked()) return KITH_AGAIN;
  std::size_t plain = 0;
  for (const kith_bytes& piece : pieces) plain += piece.n;
  assert(plain <= limits::kNoisePlainMax);  // lines of multistream-select
  ByteVector frame(SealedLink::sealed_size(plain));
  sealed_.seal(pieces, frame.data());
  const int failed = sealed_.write(frame);
  return failed < 0 ? failed : static_cast<std::int64_t>(plain);
}

void SealedPipe::want(unsigned rd_wr, kith_done wake) { sealed_.link().want(rd_wr, wake); }

void SealedPipe::deadline(unsigned rd_wr, std::uint32_t ms) { sealed_.link().deadline(rd_wr, ms); }

int SealedPipe::info(kith_pipe_info& info) const {
  return sealed_.link().get()->ops->info(sealed_.link().get(), &info);
}

ByteVector SealedPipe::take_rest() {
  plain_.erase(plain_.begin(), plain_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  return std::move(plain_);
}

}  // namespace kith::net

// SPDX-License-Identifier: MIT
#include "engine/net/out_queue.h"

#include <algorithm>
#include <cassert>

#include "engine/base/limits.h"

namespace kith::net {

namespace {

constexpr std::size_t kHeader = wire::YamuxHeader::kSize;

void append_part(ByteVector& to, std::span<const kith_bytes> v, std::size_t skip, std::size_t n) {
  for (const kith_bytes& piece : v) {
    if (skip >= piece.n) {
      skip -= piece.n;
      continue;
    }
    const std::size_t part = std::min(n, piece.n - skip);
    append(to, view(piece).subspan(skip, part));
    n -= part;
    skip = 0;
  }
}

wire::YamuxHeader data_header(std::uint32_t stream_id, std::uint16_t flags, std::size_t n) {
  return {wire::YamuxType::data, flags, stream_id, static_cast<std::uint32_t>(n)};
}

}  // namespace

void OutQueue::account(std::size_t n) {
  Unit* last = units_.empty() ? nullptr : &units_.back();
  if (!last || last->held || last->staged + n > limits::kNoisePlainMax) {
    units_.emplace_back();
    last = &units_.back();
  }
  last->staged += static_cast<std::uint32_t>(n);
  bytes_ += n;
}

void OutQueue::put(const wire::YamuxHeader& header) {
  open_header_ = kNone;
  account(kHeader);
  wire::append_yamux_header(staged_, header);
}

// Many small writes of one stream become one frame.
bool OutQueue::extend(std::uint32_t stream_id, std::span<const kith_bytes> v, std::size_t skip,
                      std::size_t n) {
  if (open_header_ == kNone || units_.back().staged + n > limits::kNoisePlainMax) return false;
  auto header = wire::read_yamux_header(Bytes(staged_).subspan(open_header_)).value();
  if (header.stream_id != stream_id || header.length + n > limits::kDataFrameMax) return false;
  header.length += static_cast<std::uint32_t>(n);
  account(n);
  append_part(staged_, v, skip, n);
  wire::write_yamux_header(header, staged_.data() + open_header_);
  return true;
}

void OutQueue::put_data(std::uint32_t stream_id, std::uint16_t flags, std::span<const kith_bytes> v,
                        std::size_t skip, std::size_t n) {
  if (n > 0 && flags == 0 && extend(stream_id, v, skip, n)) return;
  while (n > 0) {
    const std::size_t part = std::min(n, limits::kDataFrameMax);
    account(kHeader + part);
    open_header_ = staged_.size();
    wire::append_yamux_header(staged_, data_header(stream_id, flags, part));
    append_part(staged_, v, skip, part);
    flags = 0;
    skip += part;
    n -= part;
  }
}

void OutQueue::put_shared(std::uint32_t stream_id, std::uint16_t flags, kith_buf* held,
                          std::size_t skip, std::size_t n) {
  while (n > 0) {
    const std::size_t part = std::min(n, limits::kDataFrameMax);
    if (part < kReferenceMin) return put_data(stream_id, flags, {&held->b, 1}, skip, part);
    put(data_header(stream_id, flags, part));
    flags = 0;
    Unit& unit = units_.back();
    // A large frame has a Noise frame of its own, so that it arrives in one piece.
    if (unit.staged > kHeader && unit.staged + part > limits::kNoisePlainMax) {
      unit.staged -= static_cast<std::uint32_t>(kHeader);
      units_.push_back({static_cast<std::uint32_t>(kHeader), 0, 0, nullptr});
    }
    Unit& last = units_.back();
    last.held = kith_buf_ref(held);
    last.held_from = skip;
    last.held_size = static_cast<std::uint32_t>(part);
    bytes_ += part;
    skip += part;
    n -= part;
  }
}

std::span<const kith_bytes> OutQueue::front(Pieces& pieces) {
  std::size_t used = 0, size = 0;
  const std::uint8_t* staged = staged_.data() + staged_at_;
  front_units_ = front_staged_ = 0;
  for (std::size_t at = first_; at < units_.size(); ++at) {
    const Unit& unit = units_[at];
    const std::size_t all = unit.staged + unit.held_size;
    if (size + all > limits::kNoisePlainMax || used + 2 > pieces.size()) break;
    if (used > 0 && pieces[used - 1].p + pieces[used - 1].n == staged + front_staged_) {
      pieces[used - 1].n += unit.staged;
    } else {
      pieces[used++] = {staged + front_staged_, unit.staged};
    }
    if (unit.held) pieces[used++] = {unit.held->b.p + unit.held_from, unit.held_size};
    front_staged_ += unit.staged;
    size += all;
    ++front_units_;
  }
  return {pieces.data(), used};
}

void OutQueue::pop() {
  for (std::size_t end = first_ + front_units_; first_ < end; ++first_) {
    bytes_ -= units_[first_].staged + units_[first_].held_size;
    kith_buf_unref(units_[first_].held);
  }
  staged_at_ += front_staged_;
  front_units_ = front_staged_ = 0;
  if (first_ == units_.size()) return clear();
  if (open_header_ != kNone && open_header_ < staged_at_) open_header_ = kNone;
  compact();
}

// A queue that never runs empty must not grow for ever.
void OutQueue::compact() {
  if (first_ > units_.size() / 2) {
    units_.erase(units_.begin(), units_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  if (staged_at_ > staged_.size() / 2) {
    staged_.erase(staged_.begin(), staged_.begin() + static_cast<std::ptrdiff_t>(staged_at_));
    if (open_header_ != kNone) open_header_ -= staged_at_;
    staged_at_ = 0;
  }
}

void OutQueue::clear() {
  for (; first_ < units_.size(); ++first_) kith_buf_unref(units_[first_].held);
  std::vector<Unit>().swap(units_);
  ByteVector().swap(staged_);
  staged_at_ = first_ = bytes_ = 0;
  open_header_ = kNone;
}

}  // namespace kith::net

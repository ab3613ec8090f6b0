// SPDX-License-Identifier: MIT
#include "plugins/transports/websocket/websocket_link.h"

#include "plugins/transports/websocket/limits.h"
#include "plugins/transports/websocket/websocket_address.h"

namespace kith::websocket {
namespace {

constexpr std::size_t kHeaderMax = wire::kWebsocketHeaderMax;
constexpr std::size_t kPartsMax = 64;  // that one frame is gathered from
constexpr int kReadsAtOnce = 16;       // of frames without payload; then others have their turn

}  // namespace

// What is given to one write, from its front.
class WebsocketLink::Pieces {
 public:
  explicit Pieces(std::span<const kith_bytes> given) : given_(given) { skip_empty(); }
  bool empty() const { return given_.empty(); }
  Bytes next(std::size_t max) {
    const Bytes left = view(given_.front()).subspan(at_);
    const Bytes part = left.first(std::min(left.size(), max));
    at_ += part.size();
    skip_empty();
    return part;
  }

 private:
  void skip_empty() {
    while (!given_.empty() && at_ == given_.front().n) {
      given_ = given_.subspan(1);
      at_ = 0;
    }
  }
  std::span<const kith_bytes> given_;
  std::size_t at_ = 0;
};

Pipe WebsocketLink::make(const Host& host, Lingering& lingering, Pipe lower, ByteVector early) {
  const bool dialed = (lower.info().flags & KITH_PIPE_DIALED) != 0;
  auto link = std::make_unique<WebsocketLink>(host, lingering, std::move(lower), dialed);
  if (!early.empty()) {
    early.resize(link->took(static_cast<std::int64_t>(early.size()), early));
    link->ahead_ = std::move(early);
  }
  return Pipe(link.release());
}

WebsocketLink::WebsocketLink(const Host& host, Lingering& lingering, Pipe lower, bool dialed)
    : kith_pipe{&PipeOps<WebsocketLink>::table},
      host_(host),
      lingering_(lingering),
      lower_(std::move(lower)),
      reader_(!dialed),
      flags_(dialed ? KITH_PIPE_DIALED : 0) {
  const kith_pipe_info info = lower_.info();
  local_ = address_above(view(info.local));
  remote_ = address_above(view(info.remote));
}

// ---- reading

// Whether the read deadline has passed, of which only the lower link knows.
bool WebsocketLink::is_late() { return lower_.read(MutableBytes()) == KITH_TIMEOUT; }

std::int64_t WebsocketLink::read(MutableBytes to) {
  if (is_ready() && is_late()) return KITH_TIMEOUT;
  if (to.empty()) return KITH_AGAIN;
  std::size_t kept = take_ahead(to);
  for (int i = 0; i < kReadsAtOnce && end_ == kOpen && kept < to.size(); ++i) {
    const MutableBytes room = to.subspan(kept);
    const std::int64_t n = lower_.read(room);
    if (n == KITH_AGAIN || n == KITH_TIMEOUT) {
      if (kept == 0) return n;
      break;
    }
    const std::size_t more = took(n, room);
    kept += more;
    if (more > 0) break;
  }
  if (kept > 0) return static_cast<std::int64_t>(kept);
  return end_ == kOpen ? std::int64_t{KITH_AGAIN} : end_;
}

std::size_t WebsocketLink::take_ahead(MutableBytes to) {
  const std::size_t n = std::min(to.size(), ahead_.size());
  std::copy_n(ahead_.begin(), n, to.begin());
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(n));
  if (ahead_.empty()) ByteVector().swap(ahead_);
  return n;
}

// What the lower link's read gave: the payload among it, moved to the front. Control frames are
// acted on here.
std::size_t WebsocketLink::took(std::int64_t n, MutableBytes bytes) {
  if (n <= 0) {
    // RFC 6455 7.1.5: an end without a close frame is a cut, unless it answers our own.
    end_ = n == 0 && !close_said_ ? std::int64_t{KITH_RESET} : n;
    return 0;
  }
  const std::size_t kept = reader_.take(bytes.first(static_cast<std::size_t>(n)));
  if (auto ping = reader_.take_ping()) pong_ = std::move(*ping);
  if (reader_.closed()) end_ = 0;
  if (reader_.broken() != 0) {
    end_ = KITH_BAD;
    begin_close(reader_.broken());
  }
  if (pong_ || close_code_ != 0) flush();
  return kept;
}

void WebsocketLink::want_lower(unsigned direction) {
  lower_.want(direction, {direction == KITH_RD ? &lower_readable : &lower_writable, this});
}

// Between frames there may be no payload in what has arrived: it is looked for before the holder is
// woken.
void WebsocketLink::lower_readable(void* self, std::int64_t r, const void*) {
  auto* link = static_cast<WebsocketLink*>(self);
  if (r > 0 && !link->is_ready() && !link->reader_.in_payload()) {
    std::uint8_t seen[kHeaderMax + 2];
    const std::int64_t n = link->lower_.read(seen);
    if (n != KITH_AGAIN && n != KITH_TIMEOUT) {
      const std::size_t kept = link->took(n, seen);
      link->ahead_.assign(seen, seen + kept);
    }
    if (!link->is_ready()) return link->want_lower(KITH_RD);
  }
  const kith_done wake = std::exchange(link->reading_, kith_done{nullptr, nullptr});
  if (wake.fn) wake.fn(wake.ctx, r, nullptr);
}

void WebsocketLink::ready_soon(void* self, std::int64_t, const void*) {
  auto* link = static_cast<WebsocketLink*>(self);
  link->soon_.forget();
  if (!link->reading_.fn) return;
  if (!link->is_ready()) return link->want_lower(KITH_RD);
  const std::int64_t r = link->is_late() ? std::int64_t{KITH_TIMEOUT} : std::int64_t{KITH_RD};
  const kith_done wake = std::exchange(link->reading_, kith_done{nullptr, nullptr});
  wake.fn(wake.ctx, r, nullptr);
}

// ---- writing

std::int64_t WebsocketLink::write(std::span<const kith_bytes> given) {
  if (shut_) return KITH_CLOSED;
  if (const std::int64_t n = flush(); n < 0) return n;
  std::int64_t taken = 0;
  for (Pieces pieces(given); !pieces.empty() && unsent_.empty();) {
    const std::int64_t n = is_client() ? write_masked(pieces) : write_frame(pieces);
    if (n < 0) return taken > 0 ? taken : n;
    taken += n;
  }
  return taken;
}

// One frame of the pieces as they lie. Its payload, all of which is taken, or an error.
std::int64_t WebsocketLink::write_frame(Pieces& pieces) {
  std::uint8_t header[kHeaderMax];
  kith_bytes parts[kPartsMax];
  std::size_t count = 1, bytes = 0;
  while (!pieces.empty() && count < kPartsMax && bytes < kFrameBytes) {
    const Bytes part = pieces.next(kFrameBytes - bytes);
    parts[count++] = c_bytes(part);
    bytes += part.size();
  }
  const std::size_t size =
      wire::write_websocket_header(wire::WebsocketOpcode::binary, bytes, nullptr, header);
  parts[0] = {header, size};
  const std::int64_t n = put({parts, count});
  return n < 0 ? n : static_cast<std::int64_t>(bytes);
}

// The same of a copy, since the pieces are not ours to mask.
std::int64_t WebsocketLink::write_masked(Pieces& pieces) {
  std::uint8_t frame[kHeaderMax + kFrameBytes];
  std::size_t bytes = 0;
  while (!pieces.empty() && bytes < kFrameBytes) {
    const Bytes part = pieces.next(kFrameBytes - bytes);
    std::copy(part.begin(), part.end(), frame + kHeaderMax + bytes);
    bytes += part.size();
  }
  const wire::WebsocketMask mask = fresh_mask();
  wire::apply_websocket_mask({frame + kHeaderMax, bytes}, mask, 0);
  std::uint8_t header[kHeaderMax];
  const std::size_t size =
      wire::write_websocket_header(wire::WebsocketOpcode::binary, bytes, &mask, header);
  std::copy_n(header, size, frame + kHeaderMax - size);
  const kith_bytes part{frame + kHeaderMax - size, size + bytes};
  const std::int64_t n = put({&part, 1});
  return n < 0 ? n : static_cast<std::int64_t>(bytes);
}

// A whole frame: what the lower link does not take of it waits here, but when it takes nothing the
// frame is not begun.
std::int64_t WebsocketLink::put(std::span<const kith_bytes> parts) {
  const std::int64_t n = lower_.get()->ops->write(lower_.get(), parts.data(), parts.size());
  if (n < 0) return n;
  if (n == 0) return KITH_AGAIN;
  auto left = static_cast<std::size_t>(n);
  for (const kith_bytes& part : parts) {
    const std::size_t gone = std::min(left, part.n);
    left -= gone;
    append(unsent_, view(part).subspan(gone));
  }
  if (!unsent_.empty()) want_lower(KITH_WR);
  return 0;
}

// 5.3: not to be foreseen by whoever chose the payload.
wire::WebsocketMask WebsocketLink::fresh_mask() const {
  wire::WebsocketMask mask;
  host_.crypto().entropy(host_.raw(), mask.data(), mask.size());
  return mask;
}

void WebsocketLink::begin_close(std::uint16_t code) {
  if (!std::exchange(shut_, true)) close_code_ = code;
}

// Puts the next control frame that is due into the empty unsent_: a pong, and at last the close.
bool WebsocketLink::next_control() {
  const wire::WebsocketMask mask = is_client() ? fresh_mask() : wire::WebsocketMask();
  const wire::WebsocketMask* with = is_client() ? &mask : nullptr;
  if (close_said_) return false;
  if (pong_) {
    const ByteVector body = *std::exchange(pong_, {});
    wire::append_websocket_frame(unsent_, wire::WebsocketOpcode::pong, body, with);
  } else if (const std::uint16_t code = std::exchange(close_code_, 0)) {
    const std::uint8_t body[] = {static_cast<std::uint8_t>(code >> 8),
                                 static_cast<std::uint8_t>(code)};
    wire::append_websocket_frame(unsent_, wire::WebsocketOpcode::close, body, with);
    close_said_ = true;
  }
  return !unsent_.empty();
}

// 0: all that waited has left. Else KITH_AGAIN, with the lower link's wake armed, or an error.
std::int64_t WebsocketLink::flush() {
  while (!unsent_.empty() || next_control()) {
    const std::int64_t n = lower_.write(unsent_);
    if (n == 0 || n == KITH_AGAIN) {
      want_lower(KITH_WR);
      return KITH_AGAIN;
    }
    if (n < 0) return n;
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(n));
    if (unsent_.empty()) ByteVector().swap(unsent_);
  }
  if (close_said_) lower_.shut();
  return 0;
}

void WebsocketLink::lower_writable(void* self, std::int64_t r, const void*) {
  auto* link = static_cast<WebsocketLink*>(self);
  if (link->at_) return link->linger_on(r);
  const bool waited = !link->unsent_.empty();
  const std::int64_t n = r < 0 ? r : link->flush();
  if (n == KITH_AGAIN) return;
  // The last of it may have filled the lower link: it says itself when there is room again.
  if (n == 0 && waited && link->writing_.fn) return link->want_lower(KITH_WR);
  const kith_done wake = std::exchange(link->writing_, kith_done{nullptr, nullptr});
  if (wake.fn) wake.fn(wake.ctx, r, nullptr);
}

// ---- both

void WebsocketLink::want(unsigned rd_wr, kith_done wake) {
  if (rd_wr & KITH_RD) {
    reading_ = wake;
    soon_.cancel();
    lower_.want(KITH_RD, kith_done{nullptr, nullptr});
    if (wake.fn && is_ready()) {
      soon_ = host_.after(0, kith_done{&WebsocketLink::ready_soon, this});
    } else if (wake.fn) {
      want_lower(KITH_RD);
    }
  }
  if (rd_wr & KITH_WR) {
    writing_ = wake;
    if (wake.fn || !unsent_.empty()) {
      want_lower(KITH_WR);
    } else {
      lower_.want(KITH_WR, kith_done{nullptr, nullptr});
    }
  }
}

void WebsocketLink::deadline(unsigned rd_wr, std::uint32_t ms) {
  lower_.deadline(rd_wr, ms);
  // A deadline that has passed disarmed the lower link's wake.
  if ((rd_wr & KITH_WR) && !unsent_.empty()) want_lower(KITH_WR);
}

int WebsocketLink::shut() {
  begin_close(wire::kWebsocketNormal);
  const std::int64_t n = flush();
  return n < 0 && n != KITH_AGAIN ? static_cast<int>(n) : 0;
}

// A close frame that is due is sent even by who cuts the link off, as long as it leaves at once.
void WebsocketLink::drop(int error) {
  std::unique_ptr<WebsocketLink> self(this);
  reading_ = writing_ = kith_done{nullptr, nullptr};
  soon_.cancel();
  lower_.want(KITH_RD | KITH_WR, kith_done{nullptr, nullptr});
  if (error < 0 && end_ != 0 && !close_said_) return lower_.reset(error);
  begin_close(wire::kWebsocketNormal);
  const std::int64_t n = flush();
  if (n == 0) return lower_.close();
  if (error < 0 || n != KITH_AGAIN) return lower_.reset(KITH_CLOSED);
  self.release()->linger();
}

void WebsocketLink::linger() {
  lower_.deadline(KITH_WR, kLingerMs);
  if (lingering_.size() >= kLingeringMax) lingering_.pop_front();
  at_ = lingering_.emplace(lingering_.end(), this);
}

void WebsocketLink::linger_on(std::int64_t r) {
  const std::int64_t n = r < 0 ? r : flush();
  if (n == KITH_AGAIN) return;
  if (n == 0) lower_.close();
  lingering_.erase(*at_);  // and with it this
}

int WebsocketLink::info(kith_pipe_info& info) const {
  info.flags = flags_;
  info.peer = info.protocol = kith_bytes{nullptr, 0};
  info.local = c_bytes(Bytes(local_));
  info.remote = c_bytes(Bytes(remote_));
  return 0;
}

}  // namespace kith::websocket

// SPDX-License-Identifier: MIT
// RawPeer: a peer that says exactly what a test tells it to: its own handshake, Noise frames and
// Yamux frames, from the codecs alone. Nothing of engine/net's connection is in it.
#pragma once
#include "engine/net/multistream.h"
#include "engine/wire/yamux.h"
#include "tests/net/net_world.h"

namespace kith::test {

struct RawFrame {
  wire::YamuxHeader header;
  std::string payload;
};

class RawPeer {
 public:
  RawPeer(NetWorld& world, Pipe link) : world_(world), link_(std::move(link)) {}

  // Shakes hands as the dialer; `behind`: plaintext sealed into the same write as message C.
  void dial(ByteVector behind = {}) {
    scope_.spawn(run_dial(*this, std::move(behind)));
    world_.loop.run_for(1'000);
    ASSERT_TRUE(keys) << "no handshake";
  }
  std::vector<std::string> muxers{"/yamux/1.0.0"};

  void put(wire::YamuxType type, std::uint16_t flags, std::uint32_t id, std::uint32_t length,
           std::string_view payload = {}) {
    ByteVector plain;
    wire::append_yamux_header(plain, {type, flags, id, length});
    append(plain, as_bytes(payload));
    put_plain(plain);
  }
  void open(std::uint32_t id) { put(wire::YamuxType::window_update, wire::kYamuxSyn, id, 0); }
  void data(std::uint32_t id, std::string_view payload, std::uint16_t flags = 0) {
    put(wire::YamuxType::data, flags, id, static_cast<std::uint32_t>(payload.size()), payload);
  }
  void put_plain(Bytes plain) { put_bytes(seal(plain)); }
  void put_bytes(Bytes bytes) {
    while (!bytes.empty()) {
      const std::int64_t n = link_.write(bytes);
      if (n <= 0) return;  // the other side has closed
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      world_.loop.run_for(10);
    }
    world_.loop.run_for(1'000);
  }
  ByteVector seal(Bytes plain) {
    ByteVector sealed(plain.size() + 18);
    cipher_.seal(keys->send, sent_++, Bytes(), plain, sealed.data() + 2);
    const std::size_t size = plain.size() + 16;
    sealed[0] = static_cast<std::uint8_t>(size >> 8);
    sealed[1] = static_cast<std::uint8_t>(size);
    return sealed;
  }

  // All frames that have come since the last call; `end` tells how the link stands.
  std::vector<RawFrame> frames() {
    world_.loop.run_for(1'000);
    std::uint8_t chunk[4096];
    for (end = link_.read(chunk); end > 0; end = link_.read(chunk)) {
      append(in_, Bytes(chunk).first(static_cast<std::size_t>(end)));
    }
    while (in_.size() >= 2) {
      const std::size_t size = static_cast<std::size_t>(in_[0]) << 8 | in_[1];
      if (in_.size() < size + 2) break;
      const MutableBytes sealed = MutableBytes(in_).subspan(2, size);
      EXPECT_TRUE(cipher_.open(keys->receive, opened_++, Bytes(), sealed));
      append(plain_, sealed.first(size - 16));
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(size + 2));
    }
    std::vector<RawFrame> found;
    for (Bytes rest(plain_); !rest.empty();) {
      const wire::YamuxHeader header = wire::read_yamux_header(rest).value();
      rest = rest.subspan(12);
      RawFrame frame{header, {}};
      if (header.type == wire::YamuxType::data) {
        frame.payload = as_text(rest.first(header.length));
        rest = rest.subspan(header.length);
      }
      found.push_back(std::move(frame));
    }
    plain_.clear();
    return found;
  }

  Pipe& link() { return link_; }
  std::optional<crypto::NoiseXX::Keys> keys;
  std::int64_t end = 0;

 private:
  static ByteVector framed(Bytes message) {
    ByteVector bytes{static_cast<std::uint8_t>(message.size() >> 8),
                     static_cast<std::uint8_t>(message.size())};
    append(bytes, message);
    return bytes;
  }
  static Task<void> run_dial(RawPeer& self, ByteVector behind) {
    Pipe& link = self.link_;
    const std::string_view noise_name = "/noise";
    const std::span<const std::string_view> proposals(&noise_name, 1);
    co_await net::select_protocol(link, proposals);
    crypto::NoiseXX noise(true, key_of(77), key_of(78));
    const ByteVector a = framed(noise.write(Bytes()).value());
    co_await write_all(link, a);
    ByteVector prefix(2);
    co_await read_exact(link, prefix);
    ByteVector b(static_cast<std::size_t>(prefix[0]) << 8 | prefix[1]);
    co_await read_exact(link, b);
    noise.read(b).value();
    const auto payload =
        crypto::make_noise_payload(self.identity, crypto::x25519_public(key_of(77)), self.muxers);
    ByteVector c = framed(noise.write(crypto::encode_noise_payload(payload)).value());
    self.keys = noise.split();
    if (!behind.empty()) append(c, self.seal(behind));
    co_await write_all(link, c);
  }

 public:
  crypto::Identity identity = crypto::Identity::from_seed(key_of(66));

 private:
  NetWorld& world_;
  Pipe link_;
  crypto::Cipher cipher_;
  std::uint64_t sent_ = 0, opened_ = 0;
  ByteVector in_, plain_;
  Scope scope_;
};

// A raw dialer against a real listener.
struct RawWorld : NetWorld {
  RawWorld() { make(); }
  void make() {
    auto [x, y] = network.pair();
    peer = std::make_unique<RawPeer>(*this, std::move(x));
    b_up = std::make_unique<Upgrading>(b.shared, net::UpgradeRequest{std::move(y)});
  }
  // Up, with the first ping of the connection answered.
  void dial(ByteVector behind = {}) {
    peer->dial(std::move(behind));
    ASSERT_TRUE(b_up->connection) << b_up->error;
    answer_pings();
  }
  void answer_pings() {
    for (const RawFrame& frame : peer->frames()) {
      if (frame.header.type != wire::YamuxType::ping) continue;
      peer->put(wire::YamuxType::ping, wire::kYamuxAck, 0, frame.header.length);
    }
  }
  Recorder& events() { return b_up->events; }
  ~RawWorld() {
    events().streams.clear();
    b_up.reset();
    peer.reset();
  }
  std::unique_ptr<RawPeer> peer;
};

}  // namespace kith::test

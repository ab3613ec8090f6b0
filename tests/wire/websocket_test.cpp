// SPDX-License-Identifier: MIT
// Frames and handshake texts against the examples of RFC 6455 and against what it forbids.
#include "engine/wire/websocket.h"

#include <gtest/gtest.h>

#include "engine/wire/encodings.h"
#include "engine/wire/http_upgrade.h"
#include "engine/wire/sha1.h"

namespace kith::wire {
namespace {

ByteVector hex(std::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (c != ' ') bare += c;
  }
  return from_hex(bare).value();
}

struct Taken {
  std::string payload;
  std::optional<ByteVector> ping;
  bool closed = false;
  int broken = 0;
};

// By a reader of the server's side (frames are masked) or of the client's, in pieces of one size.
Taken take(ByteVector bytes, bool masked, std::size_t piece = SIZE_MAX) {
  WebsocketReader reader(masked);
  Taken taken;
  for (MutableBytes left(bytes); !left.empty();) {
    const MutableBytes part = left.first(std::min(piece, left.size()));
    left = left.subspan(part.size());
    taken.payload += as_text(part.first(reader.take(part)));
    if (auto ping = reader.take_ping()) taken.ping = ping;
  }
  taken.closed = reader.closed();
  taken.broken = reader.broken();
  return taken;
}

TEST(Sha1, KnownDigests) {
  EXPECT_EQ(to_hex(sha1({})), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(to_hex(sha1(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  const std::string longer = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  EXPECT_EQ(to_hex(sha1(as_bytes(longer))), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  const std::string many(1'000'000, 'a');
  EXPECT_EQ(to_hex(sha1(as_bytes(many))), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

// 5.7, with binary in the place of text.
TEST(WebsocketReader, TheExamplesOfTheRfc) {
  EXPECT_EQ(take(hex("82 05 48656c6c6f"), false).payload, "Hello");
  EXPECT_EQ(take(hex("82 85 37fa213d 7f9f4d5158"), true).payload, "Hello");
  EXPECT_EQ(take(hex("02 03 48656c 80 02 6c6f"), false).payload, "Hello");
  const Taken ping = take(hex("89 85 37fa213d 7f9f4d5158"), true);
  EXPECT_EQ(ping.payload, "");
  ASSERT_TRUE(ping.ping);
  EXPECT_EQ(as_text(*ping.ping), "Hello");
}

TEST(WebsocketReader, WhatIsWrittenIsReadInPiecesOfAnySize) {
  const WebsocketMask mask{1, 2, 3, 4};
  for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65'535u, 65'536u, 70'000u}) {
    std::string payload(size, 0);
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7);
    for (const bool masked : {false, true}) {
      ByteVector bytes;
      const WebsocketMask* with = masked ? &mask : nullptr;
      append_websocket_frame(bytes, WebsocketOpcode::binary, as_bytes(payload), with);
      append_websocket_frame(bytes, WebsocketOpcode::ping, as_bytes("are you there"), with);
      append_websocket_frame(bytes, WebsocketOpcode::pong, {}, with);
      append_websocket_frame(bytes, WebsocketOpcode::binary, as_bytes(payload), with);
      for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{17}, SIZE_MAX}) {
        const Taken taken = take(bytes, masked, piece);
        EXPECT_TRUE(taken.payload == payload + payload) << size << " in pieces of " << piece;
        ASSERT_TRUE(taken.ping);
        EXPECT_EQ(as_text(*taken.ping), "are you there");
        EXPECT_EQ(taken.broken, 0);
      }
    }
  }
}

TEST(WebsocketReader, ControlFramesMayStandBetweenFragments) {
  const Taken taken = take(hex("02 01 61 89 00 00 01 62 8a 01 78 80 01 63"), false);
  EXPECT_EQ(taken.payload, "abc");
  EXPECT_TRUE(taken.ping && taken.ping->empty());
  EXPECT_EQ(taken.broken, 0);
}

TEST(WebsocketReader, NothingIsTakenBehindAClose) {
  const Taken taken = take(hex("82 01 61 88 02 03e8 82 01 62"), false);
  EXPECT_EQ(taken.payload, "a");
  EXPECT_TRUE(taken.closed);
}

TEST(WebsocketReader, RefusesWhatTheProtocolForbids) {
  struct Case {
    const char *name, *bytes;
    bool masked;
    int code;
  };
  const Case cases[] = {
      {"text", "81 01 61", false, kWebsocketUnsupported},
      {"an unmasked frame of a client's", "82 01 61", true, kWebsocketBroken},
      {"a masked frame of a server's", "82 81 00000000 61", false, kWebsocketBroken},
      {"a reserved bit", "c2 01 61", false, kWebsocketBroken},
      {"opcode 3", "83 01 61", false, kWebsocketBroken},
      {"opcode 11", "8b 01 61", false, kWebsocketBroken},
      {"a continuation of nothing", "80 01 61", false, kWebsocketBroken},
      {"a message within a message", "02 01 61 82 01 62", false, kWebsocketBroken},
      {"a continuation behind the end", "82 01 61 80 01 62", false, kWebsocketBroken},
      {"a ping in fragments", "09 01 61", false, kWebsocketBroken},
      {"a ping of 126 bytes", "89 7e 007e", false, kWebsocketBroken},
      {"a length in 16 bits that fits 7", "82 7e 007d", false, kWebsocketBroken},
      {"a length in 64 bits that fits 16", "82 7f 000000000000ffff", false, kWebsocketBroken},
      {"a length of 2^63", "82 7f 8000000000000000", false, kWebsocketBroken},
      {"a length over 16 MiB", "82 7f 0000000001000001", false, kWebsocketTooBig},
      {"a close of one byte", "88 01 03", false, kWebsocketBroken},
      {"a close with a code that is none", "88 02 03ed", false, kWebsocketBroken},
      {"a close with a reason that is no text", "88 03 03e8ff", false, kWebsocketBroken},
  };
  for (const Case& bad : cases) {
    for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
      EXPECT_EQ(take(hex(bad.bytes), bad.masked, piece).broken, bad.code) << bad.name;
    }
  }
  EXPECT_EQ(take(hex("82 7f 0000000001000000"), false).broken, 0) << "16 MiB are fine";
}

TEST(WebsocketReader, TellsWhereItStands) {
  WebsocketReader reader(false);
  ByteVector start = hex("82 03 61");
  EXPECT_EQ(reader.take(start), 1u);
  EXPECT_TRUE(reader.in_payload());
  ByteVector rest = hex("62 63");
  EXPECT_EQ(reader.take(rest), 2u);
  EXPECT_FALSE(reader.in_payload());
  ByteVector ping = hex("89 05 61");
  reader.take(ping);
  EXPECT_FALSE(reader.in_payload()) << "of a control frame";
}

TEST(WebsocketMask, ByAnyOffset) {
  const WebsocketMask mask{0x11, 0x22, 0x33, 0x44};
  for (std::uint64_t offset = 0; offset < 9; ++offset) {
    ByteVector bytes(29);
    apply_websocket_mask(bytes, mask, offset);
    for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], mask[(i + offset) % 4]);
  }
}

// ---- the HTTP exchange

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 1.3

std::string swapped(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(HttpUpgrade, BothSidesAgreeOnTheExampleOfTheRfc) {
  const std::string request = upgrade_request("server.example.com", kKey);
  const auto key = judge_upgrade_request(as_bytes(request));
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, kKey);
  const std::string reply = upgrade_reply(kKey);
  EXPECT_NE(reply.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
  EXPECT_TRUE(judge_upgrade_reply(as_bytes(reply), kKey));
  EXPECT_EQ(http_head_size(as_bytes(reply + "more")), reply.size());
  EXPECT_EQ(http_head_size(as_bytes(reply.substr(0, reply.size() - 1))), 0u);
}

TEST(HttpUpgrade, WhatBrowsersSendIsTaken) {
  const std::string chrome =
      "GET /any/path?x=1 HTTP/1.1\r\nHost: 127.0.0.1:4001\r\nConnection: keep-alive, Upgrade\r\n"
      "Pragma: no-cache\r\nUpgrade: WebSocket\r\nOrigin: http://localhost:8080\r\n"
      "sec-websocket-version: 13\r\nSec-WebSocket-Key:  dGhlIHNhbXBsZSBub25jZQ==\t\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
  EXPECT_TRUE(judge_upgrade_request(as_bytes(chrome)));
}

TEST(HttpUpgrade, RequestsAreRefusedForWhatIsWrongWithThem) {
  const std::string good = upgrade_request("host", kKey);
  using enum upgrade_error;
  const std::pair<std::string, upgrade_error> cases[] = {
      {"GET / HTTP/1.1\r\nHost: host\r\n\r\n", not_asked},
      {"GET / HTTP/1.0\r\n\r\n", not_asked},
      {swapped(good, "Upgrade: websocket", "Upgrade: h2c"), not_asked},
      {swapped(good, "Version: 13", "Version: 8"), version},
      {swapped(good, "GET", "POST"), malformed},
      {swapped(good, "HTTP/1.1", "HTTP/2"), malformed},
      {swapped(good, "GET / ", "GET  "), malformed},
      {swapped(good, "Host: host", "Host host"), malformed},
      {swapped(good, "Host: host\r\n", ""), malformed},
      {swapped(good, "Host: host", "Host: one\r\nHost: two"), malformed},
      {swapped(good, "Host: host", " Host: host"), malformed},
      {swapped(good, "Host: host", "Host: ho\nst"), malformed},
      {swapped(good, "Host: host", "Host: host\r\nContent-Length: 5"), malformed},
      {swapped(good, "dGhl", "dGhlIHNh"), malformed},
      {swapped(good, std::string(kKey), "short"), malformed},
      {swapped(good, "\r\n\r\n", "\r\n\r\nmore\r\n\r\n"), malformed},
      {swapped(good, "\r\n\r\n", "\r\n"), malformed},
      {"\x13/multistream/1.0.0\n\r\n\r\n", malformed},
      {"\r\n\r\n", malformed},
      {"", malformed},
  };
  for (const auto& [text, why] : cases) {
    const auto judged = judge_upgrade_request(as_bytes(text));
    ASSERT_FALSE(judged) << text;
    EXPECT_TRUE(judged.error().is(why)) << text << judged.error().message();
  }
  std::string many = "\r\n";
  for (int i = 0; i < 70; ++i) many += "a: b\r\n";
  EXPECT_FALSE(judge_upgrade_request(as_bytes(swapped(good, "\r\n", many))));
}

TEST(HttpUpgrade, ARefusalIsAWholeReplyThatAPersonCanRead) {
  const std::string plain = upgrade_refusal(upgrade_error::not_asked);
  EXPECT_TRUE(plain.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  EXPECT_NE(plain.find("Upgrade: websocket\r\n"), std::string::npos);
  EXPECT_NE(plain.find("js-libp2p can dial"), std::string::npos);
  EXPECT_TRUE(upgrade_refusal(upgrade_error::version).starts_with("HTTP/1.1 426 "));
  EXPECT_TRUE(upgrade_refusal(upgrade_error::malformed).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(upgrade_refusal(upgrade_error::too_large).starts_with("HTTP/1.1 431 "));
  const std::size_t head = http_head_size(as_bytes(plain));
  const std::string length = "Content-Length: " + std::to_string(plain.size() - head) + "\r\n";
  EXPECT_NE(plain.find(length), std::string::npos);
}

TEST(HttpUpgrade, RepliesAreJudged) {
  const std::string good = upgrade_reply(kKey);
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 404 Not Found\r\n\r\n", "no WebSocket there: it answered 404 Not Found"},
      {"HTTP/1.1 403 \x1b[31m\r\n\r\n", "malformed HTTP"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "malformed HTTP"},
      {swapped(good, "Upgrade: websocket", "Upgrade: h2c"),
       "no WebSocket there: it switched to something else"},
      {swapped(good, "s3pP", "S3pP"), "no WebSocket there: its accept key is not that of our key"},
      {swapped(good, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n"),
       "no WebSocket there: it insists on an extension or a subprotocol"},
  };
  for (const auto& [text, why] : cases) {
    const auto judged = judge_upgrade_reply(as_bytes(text), kKey);
    ASSERT_FALSE(judged) << text;
    EXPECT_EQ(judged.error().message(), why);
  }
}

}  // namespace
}  // namespace kith::wire

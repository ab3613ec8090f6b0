// SPDX-License-Identifier: MIT
#include "engine/wire/multiaddr.h"

#include "engine/wire/encodings.h"
#include "vectors.h"

namespace kith::wire {
namespace {

constexpr const char* kPeer = "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC";
constexpr const char* kOther = "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV";

Multiaddr address(const std::string& text) { return Multiaddr::from_text(text).value(); }

bool accepts(const std::string& hex) {
  return static_cast<bool>(Multiaddr::from_bytes(from_hex(hex).value()));
}

TEST(Multiaddr, ValidVectors) {
  for (const Vector& vector : read_vectors("multiaddr_valid.txt")) {
    SCOPED_TRACE(vector[0]);
    const auto read = Multiaddr::from_text(vector[0]);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(to_hex(read->bytes()), vector[1]);
    EXPECT_EQ(read->text(), vector[2]);
    const auto from_bytes = Multiaddr::from_bytes(read->bytes());
    ASSERT_TRUE(from_bytes);
    EXPECT_EQ(*from_bytes, *read);
    EXPECT_EQ(address(read->text()), *read);
  }
}

TEST(Multiaddr, InvalidVectors) {
  for (const Vector& vector : read_vectors("multiaddr_invalid.txt")) {
    const auto read = Multiaddr::from_text(vector[0]);
    ASSERT_FALSE(read) << vector[0];
    EXPECT_TRUE(read.error().is(wire_error::bad_multiaddr)) << vector[0];
    EXPECT_FALSE(read.error().detail().empty()) << vector[0];
  }
}

TEST(Multiaddr, TextThatIsRefused) {
  for (const char* text : {"",
                           "ip4/1.2.3.4",
                           "//ip4/1.2.3.4",
                           "/ip4/1.2.3.4//tcp/1",
                           "/ip4/01.2.3.4",
                           "/ip4/1.2.3",
                           "/ip6/::1%eth0",
                           "/ip6/1::2::3",
                           "/tcp/+1",
                           "/tcp/ 1",
                           "/tcp/0x10",
                           "/tcp/1/ws/x",
                           "/IP4/1.2.3.4",
                           "/dns/",
                           "/dns4/a b",
                           "/dns4/caf\xc3\xa9.org",
                           "/dns/a%00b",
                           "/unix/",
                           "/unix/a/",
                           "/memory/-1",
                           "/memory/x",
                           "/memory/18446744073709551616",
                           "/p2p/x",
                           "/certhash/u",
                           "/ip4/1.2.3.4/unix//",
                           "/ip6zone/a b/ip6/::1"}) {
    EXPECT_FALSE(Multiaddr::from_text(text)) << text;
  }
  EXPECT_FALSE(Multiaddr::from_text(std::string_view("/ip4/1.2.3.4\0", 13)));
  EXPECT_FALSE(Multiaddr::from_text("/dns/" + std::string(254, 'a')));
  EXPECT_TRUE(Multiaddr::from_text("/dns/" + std::string(253, 'a')));
}

TEST(Multiaddr, BinaryFormIsJudged) {
  EXPECT_TRUE(accepts("047f000001"));
  EXPECT_FALSE(accepts(""));
  EXPECT_FALSE(accepts("04"));
  EXPECT_FALSE(accepts("047f0000"));
  EXPECT_FALSE(accepts("84007f000001"));                  // code 4 in two bytes
  EXPECT_FALSE(accepts("00"));                            // no such code
  EXPECT_FALSE(accepts("bc030010c0439831b48218480050"));  // onion
  EXPECT_FALSE(accepts("0600"));
  EXPECT_FALSE(accepts("3500"));      // dns, empty
  EXPECT_FALSE(accepts("350261"));    // dns, truncated
  EXPECT_FALSE(accepts("35810061"));  // dns, its length in two bytes
  EXPECT_FALSE(accepts("3502612f"));  // "a/"
  EXPECT_FALSE(accepts("3502610a"));  // "a\n"
  EXPECT_FALSE(accepts("35021b5b"));  // an escape
  EXPECT_FALSE(accepts("2b81"));      // /129 bits
  EXPECT_TRUE(accepts("2b80"));
  EXPECT_FALSE(accepts("9003012f"));  // unix "/"
  EXPECT_FALSE(accepts("90030161"));  // unix "a"
  EXPECT_FALSE(accepts("9003032f61000604d2"));
  EXPECT_FALSE(accepts("9003022f610604d2"));  // a part after unix has no text form
  EXPECT_TRUE(accepts("9003022f61"));
  EXPECT_FALSE(accepts("a503021300"));  // p2p by another hash
  EXPECT_FALSE(accepts("a50300"));
  EXPECT_FALSE(accepts("d20300"));  // certhash, empty
  EXPECT_FALSE(accepts("8906000000000000"));
}

TEST(Multiaddr, IsBounded) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += "/ws";
  EXPECT_TRUE(Multiaddr::from_text(text));
  EXPECT_TRUE(Multiaddr::from_text(text + "/ws").error().is(wire_error::too_large));
  std::string wide;
  for (int i = 0; i < 4; ++i) wide += "/dns/" + std::string(250, 'a');
  EXPECT_TRUE(Multiaddr::from_text(wide));
  EXPECT_TRUE(
      Multiaddr::from_text(wide + "/dns/aaaaaaaaaaaaaaaa").error().is(wire_error::too_large));
  EXPECT_TRUE(Multiaddr::from_text('/' + std::string(5000, 'a')).error().is(wire_error::too_large));
}

// RFC 5952, sections 4 and 5
TEST(Multiaddr, Ip6TextIsCanonical) {
  const std::pair<const char*, const char*> vectors[] = {
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0DB8::0001", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"0:1:0:0:0:0:0:0", "0:1::"},
      {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"::ffff:c000:201", "::ffff:192.0.2.1"},
      {"::192.0.2.1", "::c000:201"}};
  for (const auto& [text, canonical] : vectors) {
    EXPECT_EQ(address(std::string("/ip6/") + text).text(), std::string("/ip6/") + canonical);
  }
}

TEST(Multiaddr, Parts) {
  const auto whole = address(std::string("/ip4/10.0.0.1/tcp/4001/p2p/") + kPeer);
  const auto parts = whole.parts();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "ip4");
  EXPECT_EQ(parts[0].value_text(), "10.0.0.1");
  EXPECT_EQ(parts[1].code, 6u);
  EXPECT_EQ(to_hex(parts[1].value), "0fa1");
  EXPECT_EQ(parts[2].value_text(), kPeer);
  EXPECT_TRUE(whole.has("tcp"));
  EXPECT_FALSE(whole.has("udp"));
  EXPECT_TRUE(Multiaddr().empty());
  EXPECT_EQ(Multiaddr().text(), "");
  EXPECT_TRUE(Multiaddr().parts().empty());
}

TEST(Multiaddr, Peer) {
  const auto bare = address("/ip4/1.2.3.4/tcp/1");
  const auto peer = PeerId::from_text(kPeer).value();
  const auto other = PeerId::from_text(kOther).value();
  EXPECT_FALSE(bare.peer());
  EXPECT_EQ(bare.without_peer(), bare);
  EXPECT_EQ(bare.with_peer(peer).text(), std::string("/ip4/1.2.3.4/tcp/1/p2p/") + kPeer);
  EXPECT_EQ(bare.with_peer(peer).peer(), peer);
  EXPECT_EQ(bare.with_peer(peer).without_peer(), bare);
  EXPECT_EQ(bare.with_peer(peer).with_peer(other), bare.with_peer(other));
  EXPECT_EQ(bare.with_peer(PeerId()), bare);

  const auto relay = address(std::string("/ip4/1.2.3.4/tcp/1/p2p/") + kPeer + "/p2p-circuit");
  EXPECT_FALSE(relay.peer());
  EXPECT_EQ(relay.with_peer(other).peer(), other);
  EXPECT_EQ(relay.with_peer(other).without_peer(), relay);
  EXPECT_EQ(Multiaddr().with_peer(peer).text(), std::string("/p2p/") + kPeer);
}

TEST(Multiaddr, Suffix) {
  const std::string peer = kPeer;
  const std::pair<std::string, const char*> vectors[] = {
      {"/ip4/1.2.3.4/tcp/1", "/tcp"},
      {"/ip4/1.2.3.4/tcp/1/p2p/" + peer, "/tcp"},
      {"/dns4/example.org/tcp/443/tls/ws", "/tcp/tls/ws"},
      {"/dns4/example.org/tcp/443/tls/sni/example.org/ws", "/tcp/tls/ws"},
      {"/ip6zone/eth0/ip6/fe80::1/tcp/1", "/tcp"},
      {"/ip4/1.2.3.4/udp/1/quic-v1", "/udp/quic-v1"},
      {"/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ",
       "/udp/webrtc-direct"},
      {"/ip4/1.2.3.4/tcp/1/p2p/" + peer + "/p2p-circuit/p2p/" + peer, "/tcp/p2p-circuit"},
      {"/p2p/" + peer + "/p2p-circuit", "/p2p-circuit"},
      {"/memory/7", "/memory"},
      {"/unix/run/x.sock", "/unix"},
      {"/dnsaddr/example.org", ""},
      {"/ip4/10.0.0.0/ipcidr/8", ""}};
  for (const auto& [text, suffix] : vectors) EXPECT_EQ(address(text).suffix(), suffix) << text;
}

TEST(Multiaddr, HostAndPort) {
  EXPECT_EQ(address("/ip6/::1/tcp/80").host(), "::1");
  EXPECT_EQ(address("/ip6zone/eth0/ip6/fe80::1/udp/80").host(), "fe80::1");
  EXPECT_EQ(address("/dns6/example.org/tcp/80").host(), "example.org");
  EXPECT_EQ(address("/memory/7").host(), "");
  EXPECT_TRUE(address("/dns/example.org").host_is_name());
  EXPECT_FALSE(address("/dnsaddr/example.org").host_is_name());
  EXPECT_FALSE(address("/ip4/1.2.3.4").host_is_name());
  EXPECT_EQ(address("/ip4/1.2.3.4/tcp/65535").port(), 65535);
  EXPECT_EQ(address("/memory/7").port(), std::nullopt);
}

TEST(Multiaddr, HostAndPortReplaced) {
  const auto name = address("/dns4/example.org/tcp/443/ws");
  EXPECT_EQ(name.with_ip("192.0.2.7").text(), "/ip4/192.0.2.7/tcp/443/ws");
  EXPECT_EQ(name.with_ip("2001:db8::7").text(), "/ip6/2001:db8::7/tcp/443/ws");
  EXPECT_EQ(address("/ip6zone/e/ip6/fe80::1/tcp/1").with_ip("::1").text(), "/ip6/::1/tcp/1");
  EXPECT_TRUE(name.with_ip("example.org").empty());
  EXPECT_TRUE(address("/memory/7").with_ip("1.2.3.4").empty());
  EXPECT_EQ(name.with_port(80).text(), "/dns4/example.org/tcp/80/ws");
  EXPECT_EQ(address("/memory/7").with_port(80).text(), "/memory/7");
}

TEST(Multiaddr, WhereAnIpLeads) {
  struct Case {
    const char* text;
    bool loopback, is_private, unspecified;
  };
  const Case cases[] = {{"/ip4/127.0.0.1", true, true, false},
                        {"/ip4/127.255.0.9", true, true, false},
                        {"/ip4/0.0.0.0", false, false, true},
                        {"/ip4/0.0.0.1", false, false, false},
                        {"/ip4/10.1.2.3", false, true, false},
                        {"/ip4/172.16.0.1", false, true, false},
                        {"/ip4/172.31.255.1", false, true, false},
                        {"/ip4/172.32.0.1", false, false, false},
                        {"/ip4/192.168.1.1", false, true, false},
                        {"/ip4/169.254.1.1", false, true, false},
                        {"/ip4/100.64.0.1", false, true, false},
                        {"/ip4/100.128.0.1", false, false, false},
                        {"/ip4/8.8.8.8", false, false, false},
                        {"/ip6/::1", true, true, false},
                        {"/ip6/::", false, false, true},
                        {"/ip6/::2", false, false, false},
                        {"/ip6/fe80::1", false, true, false},
                        {"/ip6/febf::1", false, true, false},
                        {"/ip6/fec0::1", false, false, false},
                        {"/ip6/fd00::1", false, true, false},
                        {"/ip6/fc00::1", false, true, false},
                        {"/ip6/2001:db8::1", false, false, false},
                        {"/ip6/::ffff:127.0.0.1", true, true, false},
                        {"/ip6/::ffff:10.0.0.1", false, true, false},
                        {"/ip6/::ffff:8.8.8.8", false, false, false},
                        {"/ip6zone/eth0/ip6/fe80::1/tcp/1", false, true, false},
                        {"/dns/localhost/tcp/1", false, false, false},
                        {"/memory/1", false, false, false}};
  for (const Case& c : cases) {
    EXPECT_EQ(address(c.text).is_loopback(), c.loopback) << c.text;
    EXPECT_EQ(address(c.text).is_private(), c.is_private) << c.text;
    EXPECT_EQ(address(c.text).is_unspecified(), c.unspecified) << c.text;
  }
}

TEST(Multiaddr, Order) {
  EXPECT_LT(address("/ip4/1.2.3.4"), address("/ip4/1.2.3.5"));
  EXPECT_LT(Multiaddr(), address("/ws"));
  EXPECT_EQ(address("/ipfs/" + std::string(kPeer)), address("/p2p/" + std::string(kPeer)));
}

}  // namespace
}  // namespace kith::wire

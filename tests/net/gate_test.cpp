// SPDX-License-Identifier: MIT
#include "engine/net/gate.h"

#include <gtest/gtest.h>

namespace kith::net {
namespace {

constexpr const char* kAlice = "12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7";
constexpr const char* kBob = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";

wire::PeerId peer(const char* text) { return wire::PeerId::from_text(text).value(); }
wire::Multiaddr at(const std::string& ip) {
  const std::string kind = ip.find(':') == std::string::npos ? "/ip4/" : "/ip6/";
  return wire::Multiaddr::from_text(kind + ip + "/tcp/1").value();
}
Gate gate_of(std::vector<std::string> allow, std::vector<std::string> deny) {
  Gate gate;
  gate.set(Gate::Lists{std::move(allow), std::move(deny)}).value();
  return gate;
}

TEST(Gate, AdmitsAllWhenEmpty) {
  const Gate gate;
  EXPECT_TRUE(gate.admits(peer(kAlice), at("1.2.3.4"), true));
  EXPECT_TRUE(gate.admits_address(at("1.2.3.4")));
}

TEST(Gate, TakesBothTextFormsOfAPeerId) {
  for (const std::string& form : {peer(kAlice).text(), peer(kAlice).cid_text()}) {
    const Gate gate = gate_of({}, {form});
    EXPECT_FALSE(gate.admits(peer(kAlice), at("1.2.3.4"), true)) << form;
    EXPECT_TRUE(gate.admits(peer(kBob), at("1.2.3.4"), true)) << form;
    EXPECT_TRUE(gate.admits_address(at("1.2.3.4")));
  }
}

TEST(Gate, AllowsNobodyElseAndDenyWins) {
  const Gate gate = gate_of({kAlice, "10.0.0.0/8"}, {"10.1.0.0/16"});
  EXPECT_TRUE(gate.admits(peer(kAlice), at("1.2.3.4"), false));
  EXPECT_TRUE(gate.admits(peer(kBob), at("10.2.3.4"), false));
  EXPECT_FALSE(gate.admits(peer(kBob), at("11.2.3.4"), false));
  EXPECT_FALSE(gate.admits(peer(kAlice), at("10.1.3.4"), false));
  EXPECT_TRUE(gate.admits_address(at("11.2.3.4"))) << "it may be alice's";
  EXPECT_FALSE(gate.admits_address(at("10.1.3.4")));
}

TEST(Gate, JudgesAddressesBeforeTheHandshakeWhereOnlyBlocksAreAllowed) {
  const Gate gate = gate_of({"10.0.0.0/8", "fd00::/8"}, {});
  EXPECT_TRUE(gate.admits_address(at("10.2.3.4")));
  EXPECT_TRUE(gate.admits_address(at("fd12::1")));
  EXPECT_FALSE(gate.admits_address(at("11.2.3.4")));
  EXPECT_FALSE(gate.admits_address(at("fe80::1")));
  EXPECT_TRUE(gate.admits_address(wire::Multiaddr::from_text("/dns4/a.example/tcp/1").value()));
}

TEST(Gate, NamesWhatItCannotRead) {
  for (const char* bad : {"10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/", "10.0.0.0/8x",
                          "10.0.0.0/+8", "alice", "", "/ip4/10.0.0.1"}) {
    Gate gate;
    const auto refused = gate.set(Gate::Lists{{kAlice}, {bad}});
    ASSERT_FALSE(refused) << bad;
    EXPECT_TRUE(refused.error().is(KITH_BAD));
    EXPECT_NE(refused.error().message().find("\"" + std::string(bad) + "\" in deny"),
              std::string::npos);
    EXPECT_TRUE(gate.admits(peer(kBob), at("1.2.3.4"), true)) << "what stood before stands";
  }
}

TEST(Gate, SeesMappedAddressesAsIpv4) {
  const Gate gate = gate_of({}, {"10.0.0.0/8"});
  EXPECT_FALSE(gate.admits_address(at("::ffff:10.1.2.3")));
  EXPECT_TRUE(gate.admits_address(at("::ffff:11.1.2.3")));
  EXPECT_TRUE(gate_of({}, {"0.0.0.0/0"}).admits_address(at("fd00::1")));
}

TEST(Gate, AsksGuardsInOrderUntilOneRefuses) {
  Gate gate;
  std::string asked;
  std::size_t first = 0;
  first = gate.add([&](const auto&, const auto&, bool) {
    asked += "a";
    gate.remove(first);  // from inside
    return true;
  });
  gate.add([&](const auto&, const auto&, bool) {
    asked += "b";
    return false;
  });
  gate.add([&](const auto&, const auto&, bool) {
    asked += "c";
    return true;
  });
  EXPECT_FALSE(gate.admits(peer(kAlice), at("1.2.3.4"), true));
  EXPECT_EQ(asked, "ab");
  EXPECT_FALSE(gate.admits(peer(kAlice), at("1.2.3.4"), true));
  EXPECT_EQ(asked, "abb");
}

TEST(Cidr, HoldsExactlyItsBlock) {
  const auto block = Cidr::from_text("172.16.0.0/12").value();
  EXPECT_TRUE(block.contains(Cidr::ip_from_text("172.31.255.255").value()));
  EXPECT_FALSE(block.contains(Cidr::ip_from_text("172.32.0.0").value()));
  EXPECT_FALSE(block.contains(Cidr::ip_from_text("172.15.255.255").value()));
  EXPECT_EQ(Cidr::from_text("10.1.2.3/8").value().text(), "10.0.0.0/8");
  EXPECT_EQ(Cidr::from_text("fd00::1").value().text(), "fd00::1/128");
}

}  // namespace
}  // namespace kith::net

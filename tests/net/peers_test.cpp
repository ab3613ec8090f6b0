// SPDX-License-Identifier: MIT
#include "engine/net/peers.h"

#include <gtest/gtest.h>

#include "engine/base/limits.h"

namespace kith::net {
namespace {

wire::PeerId peer(std::uint32_t number) {
  ByteVector key(36, 0);
  std::memcpy(key.data(), &number, sizeof number);
  return wire::PeerId::from_public_key(key);
}
wire::Multiaddr at(int port) {
  return wire::Multiaddr::from_text("/ip4/1.2.3.4/tcp/" + std::to_string(port)).value();
}
using Addresses = std::vector<wire::Multiaddr>;

TEST(Peers, HintsAreBareOnceAndBounded) {
  Peers peers;
  EXPECT_TRUE(peers.hint(peer(1), at(1).with_peer(peer(1))));
  EXPECT_TRUE(peers.hint(peer(1), at(1)));
  EXPECT_EQ(peers.find(peer(1))->addresses, Addresses{at(1)});
  EXPECT_FALSE(peers.hint(peer(1), at(2).with_peer(peer(2))));
  EXPECT_FALSE(peers.hint(peer(1), wire::Multiaddr()));
  EXPECT_FALSE(peers.hint(wire::PeerId(), at(1)));
  EXPECT_FALSE(peers.hint(peer(1), wire::Multiaddr::from_text("/ip4/0.0.0.0/tcp/1").value()));
  for (int port = 2; port <= static_cast<int>(limits::kAddressesPerPeerMax); ++port)
    EXPECT_TRUE(peers.hint(peer(1), at(port)));
  EXPECT_FALSE(peers.hint(peer(1), at(9999)));
}

TEST(Peers, WhatWorkedComesFirstAndWhatFailedLast) {
  Peers peers;
  for (int port = 1; port <= 3; ++port) peers.hint(peer(1), at(port));
  peers.worked(peer(1), at(3), 5);
  const PeerRecord& record = *peers.find(peer(1));
  EXPECT_EQ(record.addresses, (Addresses{at(3), at(1), at(2)}));
  peers.worked(peer(1), at(2), 6);
  EXPECT_EQ(record.addresses, (Addresses{at(2), at(3), at(1)}));
  EXPECT_EQ(record.worked, 2u);
  EXPECT_EQ(record.last_useful_us, 6u);
  peers.failed(peer(1), at(2));
  EXPECT_EQ(record.addresses, (Addresses{at(3), at(1), at(2)}));
  EXPECT_EQ(record.worked, 1u);
}

TEST(Peers, NamedAddressesReplaceAllButWhatWorked) {
  Peers peers;
  for (int port = 1; port <= 3; ++port) peers.hint(peer(1), at(port));
  peers.worked(peer(1), at(2), 5);
  PeerRecord& record = *peers.find(peer(1));
  Peers::named(record, Addresses{at(7), at(2), at(8)});
  EXPECT_EQ(record.addresses, (Addresses{at(2), at(7), at(8)}));
  Peers::named(record, Addresses(100, at(9)));
  EXPECT_EQ(record.addresses, (Addresses{at(2), at(9)}));
}

TEST(Peers, TheLeastUsefulMakeRoom) {
  Peers peers;
  for (std::uint32_t i = 0; i < limits::kPeersMax; ++i) peers.get(peer(i)).last_useful_us = i + 1;
  peers.find(peer(0))->kept = true;
  peers.find(peer(1))->connections = 1;
  EXPECT_FALSE(peers.hint(peer(1'000'000), at(1))) << "a hint displaces nobody that was of use";
  peers.get(peer(1'000'000));
  EXPECT_LE(peers.size(), limits::kPeersMax);
  EXPECT_NE(peers.find(peer(0)), nullptr);
  EXPECT_NE(peers.find(peer(1)), nullptr);
  EXPECT_EQ(peers.find(peer(2)), nullptr);
  EXPECT_NE(peers.find(peer(limits::kPeersMax - 1)), nullptr);
  EXPECT_NE(peers.find(peer(1'000'000)), nullptr);
}

TEST(Peers, HintsDisplaceHints) {
  Peers peers;
  for (std::uint32_t i = 0; i < 2 * limits::kPeersMax; ++i) EXPECT_TRUE(peers.hint(peer(i), at(1)));
  EXPECT_LE(peers.size(), limits::kPeersMax);
  EXPECT_NE(peers.find(peer(2 * limits::kPeersMax - 1)), nullptr);
}

}  // namespace
}  // namespace kith::net

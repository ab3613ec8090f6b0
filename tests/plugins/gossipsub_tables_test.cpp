// SPDX-License-Identifier: MIT
// The tables of plugins/routers/gossipsub: seen, replay, cache, score, options.
#include <gtest/gtest.h>

#include <set>

#include "plugins/routers/gossipsub/cache.h"
#include "plugins/routers/gossipsub/options.h"
#include "plugins/routers/gossipsub/replay.h"
#include "plugins/routers/gossipsub/score.h"

namespace kith::gossip {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

TEST(GossipSeen, FingerprintsAreSipHash) {
  // SipHash-2-4 reference vectors: key 00..0f, input 00..0e of growing length.
  const Fingerprints prints({0x0706050403020100u, 0x0f0e0d0c0b0a0908u});
  ByteVector input;
  EXPECT_EQ(prints.of(input), 0x726fdb47dd0e0e31u);
  for (std::uint8_t i = 0; i < 15; ++i) input.push_back(i);
  EXPECT_EQ(prints.of(input), 0xa129ca6149be45e5u);
}

TEST(GossipSeen, ForgetsAfterItsLifetime) {
  Seen seen(120 * kSecond, 1000);
  EXPECT_TRUE(seen.insert(7, 0));
  EXPECT_FALSE(seen.insert(7, 10 * kSecond));
  seen.expire(120 * kSecond - 1);
  EXPECT_TRUE(seen.contains(7));
  seen.expire(120 * kSecond);
  EXPECT_FALSE(seen.contains(7));
  EXPECT_EQ(seen.bytes(), 0u) << "idle owns nothing";
  EXPECT_TRUE(seen.insert(7, 130 * kSecond));
}

TEST(GossipSeen, IsBoundedAndTheOldestGoesFirst) {
  Seen seen(kSecond, 100);
  std::vector<Fingerprint> ended;
  for (Fingerprint id = 1; id <= 150; ++id)
    seen.insert({id, 0, id * 10, 0}, 0,
                [&](const Seen::Entry& entry) { ended.push_back(entry.seqno); });
  EXPECT_EQ(seen.size(), 100u);
  ASSERT_EQ(ended.size(), 50u);
  EXPECT_EQ(ended.front(), 10u);
  EXPECT_FALSE(seen.contains(50));
  EXPECT_TRUE(seen.contains(51));
  EXPECT_LE(seen.bytes(), 128 * (sizeof(Seen::Entry) + 2 * sizeof(Fingerprint)));
}

TEST(GossipSeen, AgreesWithASetUnderCollisions) {
  Seen seen(50, 1 << 12);
  std::set<Fingerprint> model;
  std::vector<std::pair<std::uint64_t, Fingerprint>> order;
  std::uint64_t state = 1;
  for (std::uint64_t now = 0; now < 20'000; ++now) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const Fingerprint id =
        ((state >> 60) << 40 | (state >> 33) % 97) + 1;  // few low bits: long probes
    seen.expire(now);
    while (!order.empty() && order.front().first <= now) {
      model.erase(order.front().second);
      order.erase(order.begin());
    }
    ASSERT_EQ(seen.contains(id), model.contains(id)) << now;
    if (seen.insert(id, now)) {
      model.insert(id);
      order.emplace_back(now + 50, id);
    }
    ASSERT_EQ(seen.size(), model.size());
  }
}

TEST(GossipReplay, RefusesWhatIsNotAboveWhatEnded) {
  Replay replay(10);
  replay.observe(1, 100);
  replay.observe(1, 105);
  EXPECT_FALSE(replay.is_old(1, 90)) << "late, but nothing of the author's has ended yet";
  replay.raise(1, 100);
  EXPECT_TRUE(replay.is_old(1, 100));
  EXPECT_TRUE(replay.is_old(1, 99));
  EXPECT_FALSE(replay.is_old(1, 101));
  EXPECT_FALSE(replay.is_old(2, 5));
}

TEST(GossipReplay, SparesAuthorsThatDrawTheirSeqnos) {
  Replay replay(10);
  replay.observe(1, 0xf000000000000000u);
  replay.observe(1, 0x1000000000000000u);
  replay.raise(1, 0xf000000000000000u);
  EXPECT_FALSE(replay.is_old(1, 0x2000000000000000u));
}

TEST(GossipReplay, ForgetsTheAuthorOfLongestAgo) {
  Replay replay(3);
  for (Fingerprint author = 1; author <= 3; ++author) replay.raise(author, 10);
  replay.observe(1, 11);
  replay.raise(4, 10);
  EXPECT_EQ(replay.size(), 3u);
  EXPECT_TRUE(replay.is_old(1, 10));
  EXPECT_FALSE(replay.is_old(2, 10));
  EXPECT_TRUE(replay.is_old(4, 10));
}

Stored stored_of(std::string_view topic, std::string_view data, Fingerprint id) {
  MessageView message;
  message.topic = as_bytes(topic);
  message.data = as_bytes(data);
  message.present = MessageView::kTopic | MessageView::kData;
  return store_message(message, as_bytes(data), {}, id);
}

std::vector<std::string> ids_of(const Cache& cache, std::string_view topic, std::size_t windows) {
  std::vector<std::string> ids;
  cache.each_of(topic, windows, 100,
                [&](const Stored& stored) { ids.emplace_back(as_text(stored.id)); });
  return ids;
}

TEST(GossipCache, OffersSomeWindowsAndAnswersForMore) {
  Cache cache(5, 1 << 20);
  cache.put(stored_of("t", "a", 1));
  cache.put(stored_of("u", "b", 2));
  cache.shift();
  cache.put(stored_of("t", "c", 3));
  EXPECT_EQ(ids_of(cache, "t", 3), (std::vector<std::string>{"c", "a"}));
  EXPECT_EQ(ids_of(cache, "u", 3), (std::vector<std::string>{"b"}));
  EXPECT_EQ(ids_of(cache, "t", 1), (std::vector<std::string>{"c"}));
  cache.shift();
  cache.shift();
  EXPECT_EQ(ids_of(cache, "t", 3), (std::vector<std::string>{"c"}));
  EXPECT_NE(cache.find(1), nullptr);
  cache.shift();
  cache.shift();
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_NE(cache.find(3), nullptr);
  cache.shift();
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(GossipCache, IsBoundedByBytes) {
  Cache cache(5, 10'000);
  for (Fingerprint id = 1; id <= 50; ++id) cache.put(stored_of("t", std::string(1'000, 'x'), id));
  EXPECT_LE(cache.bytes(), 10'000u);
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_NE(cache.find(50), nullptr);
  EXPECT_EQ(ids_of(cache, "t", 3).size(), cache.size());
}

TEST(GossipCache, CountsAnswersToEach) {
  Cache cache(5, 1 << 20);
  cache.put(stored_of("t", "a", 1));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache.count_answer(1, 9, 3));
  EXPECT_FALSE(cache.count_answer(1, 9, 3));
  EXPECT_TRUE(cache.count_answer(1, 8, 3));
  EXPECT_FALSE(cache.count_answer(2, 8, 3));
}

// ---- Score.

wire::PeerId peer_of(std::uint8_t seed) {
  ByteVector key{8, 1, 18, 32};
  key.resize(36, seed);
  return wire::PeerId::from_public_key(key);
}
wire::Multiaddr at(const std::string& text) { return *wire::Multiaddr::from_text(text); }

TEST(GossipScore, GoodDeedsCountAndAreCapped) {
  ScoreBook book;
  auto& record = book.arrive(peer_of(1));
  EXPECT_EQ(record.value, 0);
  book.graft(record, "t", 0);
  for (int i = 0; i < 1'000; ++i) book.first_delivery(record, "t");
  book.beat(60 * kSecond, 1);
  EXPECT_GT(record.value, 4);
  book.beat(3'600 * kSecond, 1);
  EXPECT_LE(record.value, 10);
}

TEST(GossipScore, ThreeInvalidMessagesAreTheGraylist) {
  ScoreBook book;
  auto& record = book.arrive(peer_of(1));
  book.invalid(record, "t", 0);
  EXPECT_LE(record.value, -10);
  book.invalid(record, "t", 0);
  book.invalid(record, "t", 0);
  EXPECT_LT(record.value, -80);
  for (int i = 1; i < 200; ++i) book.beat(i * kSecond, 1);
  EXPECT_GT(record.value, -1) << "it decays";
}

TEST(GossipScore, OutlivesTheConnectionForTenMinutes) {
  ScoreBook book;
  auto& record = book.arrive(peer_of(1));
  for (int i = 0; i < 3; ++i) book.invalid(record, "t", 0);
  book.leave(peer_of(1), 0);
  book.beat(599 * kSecond, 1);
  EXPECT_LT(book.arrive(peer_of(1)).value, -80);
  book.leave(peer_of(1), 0);
  book.beat(600 * kSecond, 1);
  EXPECT_EQ(book.size(), 0u);
}

TEST(GossipScore, PublicAddressesAreCountedAndPrivateOnesNot) {
  ScoreBook book;
  for (const auto& [text, penal] :
       {std::pair("/ip4/127.0.0.1/tcp/1", false), std::pair("/ip4/192.168.1.9/tcp/1", false),
        std::pair("/ip6/::1/tcp/1", false), std::pair("/ip4/8.8.8.8/tcp/1", true)}) {
    for (std::uint8_t i = 0; i < 20; ++i) book.place(book.arrive(peer_of(i)), at(text));
    book.beat(0, 1);
    EXPECT_EQ(book.arrive(peer_of(0)).value < -80, penal) << text;
  }
  for (std::uint8_t i = 0; i < 10; ++i) book.leave(peer_of(i), 0);
  book.beat(0, 1);
  EXPECT_EQ(book.arrive(peer_of(15)).value, 0) << "ten on one address are no crowd";
}

TEST(GossipScore, AFewSlipsAreForgivenAndManyAreNot) {
  ScoreBook book;
  auto& record = book.arrive(peer_of(1));
  book.penalty(record, 2, 0);
  EXPECT_EQ(record.value, 0);
  book.penalty(record, 5, 0);
  EXPECT_LT(record.value, -80);
}

TEST(GossipScore, AppsHaveTheirSay) {
  ScoreBook book;
  auto& record = book.arrive(peer_of(1));
  book.set_app(record, -100, 0);
  EXPECT_EQ(record.value, -100);
}

TEST(GossipScore, MissedProbesStickAfterThePrune) {
  ScoreBook book;
  auto& record = book.arrive(peer_of(1));
  book.graft(record, "t", 0);
  for (int i = 0; i < 2; ++i) book.missed_probe(record, "t", kSecond);
  EXPECT_GE(record.value, 0);
  for (int i = 0; i < 3; ++i) book.missed_probe(record, "t", kSecond);
  EXPECT_LT(record.value, -8);
  book.prune(record, "t", kSecond);
  EXPECT_LT(record.value, -8);
}

// ---- Options.

TEST(GossipOptions, TakesWhatAConfigGives) {
  wire::Value given;
  given["sign"] = "none";
  given["message_id"] = "rust";
  given["heartbeat"] = 0.5;
  given["message_bytes_max"] = 2048;
  given["d"] = 8;
  given["seen_ttl"] = "30s";
  const auto options = read_options(given);
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_FALSE(options->sign);
  EXPECT_EQ(options->id_form, IdForm::kRust);
  EXPECT_EQ(options->heartbeat_us, 500'000u);
  EXPECT_EQ(options->message_bytes_max, 2048u);
  EXPECT_EQ(options->seen_ttl_us, 30 * kSecond);
  EXPECT_EQ(options->d_out, 2u);
}

TEST(GossipOptions, RefusesWithTheNameOfTheOption) {
  const std::pair<const char*, wire::Value> bad[] = {{"sign", "lax"},
                                                     {"message_id", "go"},
                                                     {"d", 0},
                                                     {"d", 13},
                                                     {"d_low", 7},
                                                     {"heartbeat", 0.0},
                                                     {"d_lazy", "x"},
                                                     {"message_bytes_max", -1},
                                                     {"flood_publish", 1},
                                                     {"gossip_threshold", 1.0},
                                                     {"publish_threshold", -1.0},
                                                     {"history_gossip", 6}};
  for (const auto& [name, value] : bad) {
    wire::Value given;
    given[name] = value;
    const auto options = read_options(given);
    ASSERT_FALSE(options) << name;
    EXPECT_FALSE(options.error().message().empty());
  }
}

}  // namespace
}  // namespace kith::gossip

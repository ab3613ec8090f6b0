// SPDX-License-Identifier: MIT
// Ledgers of several nodes: what one appends all have, whoever comes late, goes, or lies.
#include "engine/protocols/sync_line.h"
#include "engine/protocols/sync_message.h"
#include "tests/support/play.h"

namespace kith::test {
namespace {

constexpr const char* kSync = "/kith/sync/1";
constexpr std::uint64_t kSecond = 1'000'000;

Play::Role keeper() { return Play::Role{.routes = false, .ledgers = {"notes"}}; }

store::Ledger& notes(node::Node& node) { return *node.ledgers().find("notes"); }

Task<void> append_one(store::Ledger& ledger, std::string text) {
  store::NewEntry entry;
  entry.type = "note";
  entry.body = to_vector(as_bytes(text));
  co_await ledger.append(std::move(entry));
}
void append(Play& play, node::Node& node, const std::string& text) {
  play.run_task(append_one(notes(node), text));
}

Task<void> read_all(store::Ledger& ledger, std::vector<std::string>& to) {
  store::Query query;
  query.by_time = true;
  const store::Page page = co_await ledger.read(std::move(query));
  for (const auto& held : page.entries) to.emplace_back(as_text(held.body));
}
// The bodies in the order of the timeline.
std::vector<std::string> texts(Play& play, node::Node& node) {
  std::vector<std::string> out;
  play.run_task(read_all(notes(node), out));
  play.loop.trace(fmt::format("{} entries", out.size()));
  return out;
}

// All hold the same, and it is whole.
void expect_equal(Play& play, std::vector<node::Node*> nodes, std::uint64_t entries) {
  const auto first = texts(play, *nodes.front());
  for (node::Node* node : nodes) {
    EXPECT_EQ(notes(*node).entries(), entries);
    EXPECT_EQ(notes(*node).tips(), notes(*nodes.front()).tips());
    EXPECT_EQ(texts(play, *node), first);
    wire::Value args;
    args["name"] = "notes";
    const auto verdict = play.call(*node, "ledger.verify", args);
    ASSERT_TRUE(verdict) << verdict.error().message();
    EXPECT_TRUE(verdict->boolean_or("ok", false));
    EXPECT_EQ(verdict->integer_or("entries", 0), static_cast<std::int64_t>(entries));
  }
}

// Entries that a node tells of, as "author's number: text".
struct Told {
  explicit Told(node::Node& node) {
    node.bus().on(owner, "entry/notes", 0, 0, [this](const kith_event& event) {
      const auto body = wire::decode_body(view(event.body)).value();
      texts.push_back(body.string_or("text"));
      arrivals.push_back(body.integer_or("arrival", 0));
      return KITH_PASS;
    });
  }
  bus::Owner owner{"test", false};
  std::vector<std::string> texts;
  std::vector<std::int64_t> arrivals;
};

// Cast: Anna, Bert in the middle, Carl. Each writes.
TEST(LedgerScene, ThreeThatWriteHoldTheSame) {
  play_twice(31, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    node::Node& anna = play.add(keeper());
    node::Node& bert = play.add(keeper());
    node::Node& carl = play.add(keeper());
    Told told(carl);
    play.connect(anna, bert);
    play.connect(carl, bert);
    for (int word = 0; word < 20; ++word) {
      for (node::Node* node : {&anna, &bert, &carl})
        append(play, *node, fmt::format("{} of {}", word, play.place(*node)));
      play.loop.run_for(30'000);
    }
    play.loop.run_for(kSecond);
    expect_equal(play, {&anna, &bert, &carl}, 60);
    ASSERT_EQ(told.arrivals.size(), 60u) << "each entry is told once, its own too";
    for (std::int64_t at = 0; at < 60; ++at)
      EXPECT_EQ(told.arrivals[static_cast<std::size_t>(at)], at + 1);
  });
}

// Cast: Anna and Bert, with a past; Carl, who joins late and is told all of it.
TEST(LedgerScene, WhoJoinsLateIsSentAll) {
  play_twice(32, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    node::Node& anna = play.add(keeper());
    node::Node& bert = play.add(keeper());
    play.connect(anna, bert);
    for (int word = 0; word < 100; ++word) {
      append(play, anna, fmt::format("anna {}", word));
      if (word % 10 == 0) append(play, bert, fmt::format("bert {}", word));
    }
    node::Node& carl = play.add(keeper());
    Told told(carl);
    play.connect(carl, bert);
    play.loop.run_for(2 * kSecond);
    expect_equal(play, {&anna, &bert, &carl}, 110);
    EXPECT_EQ(told.texts.size(), 110u);
  });
}

// Cast: Anna, Bert, Carl; Carl is cut off, both sides write on, and the cut heals.
TEST(LedgerScene, APartitionHeals) {
  play_twice(33, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    node::Node& anna = play.add(keeper());
    node::Node& bert = play.add(keeper());
    node::Node& carl = play.add(keeper());
    play.connect(anna, bert);
    play.connect(carl, bert);
    append(play, anna, "before");
    play.loop.run_for(kSecond);
    play.network.part({play.place(carl)});
    for (int word = 0; word < 10; ++word) {
      append(play, anna, fmt::format("anna {}", word));
      append(play, carl, fmt::format("carl {}", word));
      play.loop.run_for(20 * kSecond);
    }
    EXPECT_EQ(notes(carl).entries(), 11u);
    EXPECT_EQ(notes(bert).entries(), 11u);
    play.network.part({});
    play.loop.run_for(400 * kSecond);  // Carl keeps Bert, and redials
    expect_equal(play, {&anna, &bert, &carl}, 21);
  });
}

// Cast: Anna, who stops and starts again over what she kept; Bert.
TEST(LedgerScene, ARestartGoesOn) {
  play_twice(34, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    Play::Role lasting = keeper();
    lasting.key = crypto::Key32{1, 2, 3};
    lasting.store = store::make_memory_store();
    node::Node& before = play.add(lasting);
    node::Node& bert = play.add(keeper());
    play.connect(bert, before);
    append(play, before, "one");
    append(play, bert, "two");
    play.loop.run_for(kSecond);
    play.stop(play.nodes[0]);
    append(play, bert, "while she slept");
    node::Node& anna = play.add(lasting);
    EXPECT_EQ(notes(anna).entries(), 2u);
    append(play, anna, "three");
    play.connect(bert, anna);
    play.loop.run_for(5 * kSecond);
    expect_equal(play, {&anna, &bert}, 4);
    EXPECT_EQ(notes(anna).feeds(), 2u) << "she went on in her own feed";
  });
}

std::shared_ptr<store::KeyValue> copy_of(const store::KeyValue& kept) {
  std::shared_ptr<store::KeyValue> made = store::make_memory_store();
  store::Batch all;
  for (std::size_t at = 0; at < store::kColumns; ++at) {
    const auto scan = kept.scan(static_cast<store::Column>(at));
    for (scan->seek({}); scan->valid(); scan->next())
      all.put(static_cast<store::Column>(at), scan->key(), to_vector(scan->value()));
  }
  made->commit(all, true).value();
  return made;
}

// Cast: Anna and a copy of her home, who never meet; Bert, who meets both and tells of the fork.
TEST(LedgerScene, ACopiedHomeIsNoticed) {
  play_twice(39, [](Play& play) {
    play.network.shape({.delay_us = 10'000});
    Play::Role role = keeper();
    role.key = crypto::Key32{4, 5, 6};
    role.store = store::make_memory_store();
    node::Node& anna = play.add(role);
    append(play, anna, "once");
    role.store = copy_of(*role.store);
    node::Node& copy = play.add(role);
    append(play, anna, "here");
    append(play, copy, "there");
    node::Node& bert = play.add(keeper());
    std::vector<wire::Value> forks;
    const bus::Owner owner{"test", false};
    for (node::Node* node : {&bert, &copy}) {
      node->bus().on(owner, "ledger/fork", 0, 0, [&forks](const kith_event& event) {
        forks.push_back(wire::decode_body(view(event.body)).value());
        return KITH_PASS;
      });
    }
    play.connect(bert, anna);
    play.loop.run_for(kSecond);
    play.stop(play.nodes[0]);
    play.connect(bert, copy);
    play.loop.run_for(30 * kSecond);
    expect_equal(play, {&bert, &copy}, 3);
    ASSERT_EQ(forks.size(), 2u);
    for (const wire::Value& fork : forks) {
      EXPECT_EQ(fork.string_or("ledger"), "notes");
      EXPECT_EQ(fork.string_or("author"), copy.setup().identity.peer_id().text());
      EXPECT_EQ(fork.integer_or("seq", 0), 2);
    }
    EXPECT_NE(forks[0].boolean_or("own", false), forks[1].boolean_or("own", false));
    append(play, copy, "in a new feed");
    play.loop.run_for(kSecond);
    expect_equal(play, {&bert, &copy}, 4);
    EXPECT_EQ(notes(bert).feeds(), 2u);
    for (node::Node* node : {&bert, &copy}) node->bus().forget(owner);
  });
}

// Sends what it is told to whoever asks, and asks for nothing.
struct Liar {
  using Lie = std::function<Task<void>(Pipe, Liar&)>;
  Liar(node::Node& given, Lie lie) : node(given) {
    node.swarm().unhandle(kSync);
    node.swarm()
        .handle(kSync, [this, lie](Pipe stream) { tasks.spawn(lie(std::move(stream), *this)); })
        .value();
  }
  node::Node& node;
  std::size_t asked = 0;
  ByteVector line;  // one run of its own
  Scope tasks;
};

Task<void> keep_run(store::Ledger& ledger, Liar& liar) {
  const store::Lane lane = ledger.lanes().all().begin()->second;
  const store::RunBytes bytes = co_await ledger.load(lane.number, lane.seq);
  protocols::SyncRun run;
  run.opening = lane.feed->opening_block;
  run.entries = bytes.entries;
  run.bodies = bytes.bodies;
  wire::append_prefixed(liar.line, protocols::encode(run));
}

Task<void> pour(Pipe stream, ByteVector bytes, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    const int error = co_await write_all(stream, bytes);
    if (error < 0) co_return;
  }
  co_await stream.readable();
  co_await stream.readable();
}

Task<void> garbage(Pipe stream, Liar& liar) {
  ++liar.asked;
  ByteVector bytes(100, 0x2a);
  co_await pour(std::move(stream), std::move(bytes), 1);
}
Task<void> endless(Pipe stream, Liar& liar) {
  ++liar.asked;
  ByteVector bytes(64 * 1024, 0xff);
  co_await pour(std::move(stream), std::move(bytes), 1'000'000);
}
Task<void> bad_run(Pipe stream, Liar& liar) {
  ++liar.asked;
  ByteVector bytes = liar.line;
  bytes[bytes.size() / 2] ^= 1;
  co_await pour(std::move(stream), std::move(bytes), 3);
}
// The same good run for ever: no fault to cut it off for, but it must not crowd out the others.
Task<void> again(Pipe stream, Liar& liar) {
  ++liar.asked;
  ByteVector bytes = liar.line;
  co_await pour(std::move(stream), std::move(bytes), 1'000'000);
}

// Cast: Anna and Bert, honest; a liar whom Anna is connected to.
void play_liar(std::uint64_t seed, const Liar::Lie& lie, bool is_cut_off) {
  play_twice(seed, [&](Play& play) {
    play.network.shape({.delay_us = 10'000});
    node::Node& anna = play.add(keeper());
    node::Node& bert = play.add(keeper());
    node::Node& worm = play.add(keeper());
    Liar liar(worm, lie);
    append(play, worm, "true once");
    play.run_task(keep_run(notes(worm), liar));
    play.connect(anna, bert);
    play.connect(anna, worm);
    for (int word = 0; word < 20; ++word) {
      append(play, bert, fmt::format("bert {}", word));
      play.loop.run_for(100'000);
    }
    play.loop.run_for(kSecond);
    EXPECT_GE(liar.asked, 1u);
    const wire::PeerId id = worm.setup().identity.peer_id();
    EXPECT_EQ(anna.swarm().best(id) == nullptr, is_cut_off);
    EXPECT_TRUE(anna.swarm().best(bert.setup().identity.peer_id()));
    EXPECT_EQ(texts(play, anna), texts(play, bert));
    EXPECT_EQ(notes(anna).entries(), is_cut_off ? 20u : 21u);
    liar.tasks.clear();
  });
}

TEST(LedgerScene, GarbageIsCutOff) { play_liar(35, &garbage, true); }
TEST(LedgerScene, AnEndlessLineIsCutOff) { play_liar(36, &endless, true); }
TEST(LedgerScene, BadRunsAreCutOff) { play_liar(37, &bad_run, true); }
TEST(LedgerScene, WhoRepeatsHimselfHarmsNobody) { play_liar(38, &again, false); }

}  // namespace
}  // namespace kith::test

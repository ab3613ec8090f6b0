// SPDX-License-Identifier: MIT
// kith.kv/1 as a plugin calls it, over a committer of the test's own.
#include <gtest/gtest.h>

#include "engine/base/limits.h"
#include "engine/store/committer.h"
#include "tests/support/probe.h"

namespace kith::test {
namespace {

using Lines = std::vector<std::string>;

// A memory store that fails when it is told to.
class Faulty final : public store::KeyValue {
 public:
  Result<std::optional<ByteVector>> get(store::Column column, Bytes key) const override {
    if (is_damaged) return Error(store::store_error::damaged, "a block");
    return kept_->get(column, key);
  }
  Result<void> commit(const store::Batch& batch, bool sync) override {
    if (is_full) return Error(store::store_error::full, "no space");
    return kept_->commit(batch, sync);
  }
  Result<void> sync() override { return {}; }
  std::unique_ptr<store::Scan> scan(store::Column column) const override {
    return kept_->scan(column);
  }
  bool is_damaged = false, is_full = false;

 private:
  std::unique_ptr<store::KeyValue> kept_ = store::make_memory_store();
};

// One call of commit, and its answer.
struct Asked {
  std::vector<std::pair<std::string, std::optional<std::string>>> writes;
  std::optional<std::int64_t> r;
  std::string why;
  static void told(void* ctx, std::int64_t r, const void* result) {
    auto* asked = static_cast<Asked*>(ctx);
    EXPECT_FALSE(asked->r) << "told twice";
    asked->r = r;
    if (r < 0) asked->why = to_string(*static_cast<const kith_bytes*>(result));
  }
};

class HostKv : public testing::Test {
 protected:
  HostKv()
      : play(1),
        node(play.add(Play::Role{.own = {&kProbe, &kRival}, .routes = false})),
        keeps(std::make_shared<Faulty>()),
        committer(play.loop, Log(play.sink, "store"), keeps, store::Durability::sync) {
    before_ = std::exchange(services().committer, &committer);
    services().keys.clear();
  }
  ~HostKv() override {
    for (auto& plugin : node.plugins().all()) plugin->host->undo();
    services().keys.clear();
    services().committer = before_;
  }
  Host probe() { return started<Probe>(node, kProbe).host; }
  Host rival() { return started<Rival>(node, kRival).host; }
  node::Services& services() { return probe().raw()->services; }

  kith_op* begin(Host host, Asked& asked) {
    std::vector<kith_write> writes;
    for (const auto& [key, value] : asked.writes)
      writes.push_back({c_bytes(key), value ? c_bytes(*value) : kith_bytes{}, value ? 0 : 1});
    return host.kv().commit(host.raw(), writes.data(), writes.size(), {&Asked::told, &asked});
  }
  // What a whole commit answers.
  std::int64_t commit(Host host, Asked& asked) {
    EXPECT_TRUE(begin(host, asked));
    EXPECT_FALSE(asked.r) << "told from inside of the call";
    play.loop.run_for(1'000);
    EXPECT_TRUE(asked.r);
    return asked.r.value_or(1);
  }
  std::int64_t put(Host host, std::string key, std::string value) {
    Asked asked{.writes = {{std::move(key), std::move(value)}}};
    const std::int64_t r = commit(host, asked);
    why = asked.why;
    return r;
  }
  static std::string get(Host host, std::string_view key) {
    kith_buf* value = nullptr;
    const int r = host.kv().get(host.raw(), c_bytes(key), &value);
    const Buffer held(value);
    return r < 0 ? std::to_string(r) : std::string(as_text(held.bytes()));
  }
  static std::string why_of(Host host) { return to_string(host.api()->why(host.raw())); }
  template <class Fn>
  static int each(Host host, std::string_view prefix, std::string_view after, Fn fn) {
    const auto call = [](void* ctx, kith_bytes key, kith_bytes value) -> int {
      return (*static_cast<Fn*>(ctx))(text(key), text(value));
    };
    return host.kv().each(host.raw(), c_bytes(prefix), c_bytes(after), call, &fn);
  }
  static std::string all(Host host, std::string_view prefix = "", std::string_view after = "") {
    std::string out;
    each(host, prefix, after, [&out](std::string_view key, std::string_view value) {
      out += std::string(key) + "=" + std::string(value) + " ";
      return 0;
    });
    return out;
  }

  Play play;
  node::Node& node;
  std::shared_ptr<Faulty> keeps;
  store::Committer committer;
  std::string why;

 private:
  store::Committer* before_ = nullptr;
};

TEST_F(HostKv, KeepsAndGives) {
  EXPECT_EQ(get(probe(), "a"), std::to_string(KITH_ABSENT));
  EXPECT_EQ(put(probe(), "a", "1"), 0);
  EXPECT_EQ(get(probe(), "a"), "1");
  Asked more{.writes = {{"a", "2"}, {"b", ""}, {"c", "3"}, {"c", std::nullopt}}};
  EXPECT_EQ(commit(probe(), more), 0);
  EXPECT_EQ(all(probe()), "a=2 b= ");
  EXPECT_EQ(get(probe(), "b"), "");
  EXPECT_EQ(get(probe(), "c"), std::to_string(KITH_ABSENT));
  EXPECT_EQ(why_of(probe()), "");
  Asked nothing;
  EXPECT_EQ(commit(probe(), nothing), 0);
}

TEST_F(HostKv, NoOneReachesAnothersKeys) {
  put(probe(), "a", "mine");
  put(rival(), "a", "its");
  EXPECT_EQ(get(probe(), "a"), "mine");
  EXPECT_EQ(all(rival()), "a=its ");
  // Names of which one is another's beginning, with the slash that stands between.
  kith_host long_name(services(), "x/y", true), name(services(), "x", true);
  kith_host plugin(services(), "x", false), sly(services(), "x%2Fy", true);
  std::vector<Host> hosts;
  for (kith_host* host : {&long_name, &name, &plugin, &sly})
    hosts.emplace_back(node::host_api(), host);
  put(hosts[0], "k", "long");
  put(hosts[1], "y/k", "x");
  put(hosts[2], "k", "plugin");
  put(hosts[3], "k", "sly");
  EXPECT_EQ(all(hosts[0]), "k=long ");
  EXPECT_EQ(all(hosts[1]), "y/k=x ");
  EXPECT_EQ(all(hosts[2]), "k=plugin ");
  EXPECT_EQ(all(hosts[3]), "k=sly ");
}

TEST_F(HostKv, SeesWhatIsBeingCommitted) {
  for (const char* key : {"a", "c", "e"}) put(probe(), key, "old");
  Asked first{.writes = {{"x", "1"}}};
  Asked second{.writes = {{"c", "new"}, {"d", "new"}, {"e", std::nullopt}}};
  begin(probe(), first);
  begin(probe(), second);  // waits for the first
  const auto stored = keeps->get(store::Column::apps, as_bytes("p/probe/d"));
  ASSERT_TRUE(stored);
  EXPECT_FALSE(*stored) << "nothing waits";
  EXPECT_EQ(get(probe(), "d"), "new");
  EXPECT_EQ(get(probe(), "e"), std::to_string(KITH_ABSENT));
  const std::string seen = "a=old c=new d=new x=1 ";
  EXPECT_EQ(all(probe()), seen);
  play.loop.run_for(1'000);
  EXPECT_EQ(all(probe()), seen);
  EXPECT_EQ(get(probe(), "c"), "new");
}

TEST_F(HostKv, EachGoesFromAKeyUnderAPrefix) {
  for (const char* key : {"a", "b", "b1", "b2", "b3", "c"}) put(probe(), key, "");
  Asked first{.writes = {{"b0", ""}}}, second{.writes = {{"b25", ""}}};
  begin(probe(), first);
  begin(probe(), second);
  EXPECT_EQ(all(probe(), "b"), "b= b0= b1= b2= b25= b3= ");
  EXPECT_EQ(all(probe(), "b", "b1"), "b2= b25= b3= ");
  EXPECT_EQ(all(probe(), "b", "b21"), "b25= b3= ");
  EXPECT_EQ(all(probe(), "b", "a"), "b= b0= b1= b2= b25= b3= ");
  EXPECT_EQ(all(probe(), "b", "b3"), "");
  EXPECT_EQ(all(probe(), "b", "c"), "");
  EXPECT_EQ(all(probe(), "z"), "");
  const auto second_key = [n = 0](std::string_view, std::string_view) mutable { return ++n == 2; };
  EXPECT_EQ(each(probe(), "b", "", second_key), 2);
  play.loop.run_for(1'000);
}

TEST_F(HostKv, EachGivesAThousandACall) {
  Asked many;
  for (int i = 0; i < 1'001; ++i) many.writes.emplace_back(std::to_string(10'000 + i), "");
  commit(probe(), many);
  std::string last;
  const auto note = [&last](std::string_view key, std::string_view) {
    last = key;
    return 0;
  };
  EXPECT_EQ(each(probe(), "", "", note), 1'000);
  EXPECT_EQ(last, "10999");
  EXPECT_EQ(each(probe(), "", last, note), 1);
}

TEST_F(HostKv, EachMayBeWrittenTo) {
  for (const char* key : {"a", "b", "c"}) put(probe(), key, "");
  Asked inside{.writes = {{"b", std::nullopt}, {"bb", "new"}, {"a", std::nullopt}}};
  Lines keys;
  each(probe(), "", "", [&](std::string_view key, std::string_view) {
    if (keys.empty()) begin(probe(), inside);
    keys.emplace_back(key);
    return 0;
  });
  EXPECT_EQ(keys, (Lines{"a", "bb", "c"}));
  play.loop.run_for(1'000);
  EXPECT_EQ(inside.r, 0);
}

TEST_F(HostKv, EachEndsWithItsHost) {
  for (const char* key : {"a", "b"}) put(probe(), key, "");
  EXPECT_EQ(each(probe(), "", "",
                 [this](std::string_view, std::string_view) {
                   probe().raw()->undo();
                   return 0;
                 }),
            1);
}

TEST_F(HostKv, KeysAndValuesAreBounded) {
  EXPECT_EQ(put(probe(), "", "1"), KITH_BAD);
  EXPECT_EQ(put(probe(), std::string(limits::kKeyBytesMax + 1, 'k'), "1"), KITH_BAD);
  EXPECT_NE(why, "");
  EXPECT_EQ(put(probe(), std::string(limits::kKeyBytesMax, 'k'), "1"), 0);
  EXPECT_EQ(put(probe(), "a", std::string(limits::kValueBytesMax + 1, 'v')), KITH_LIMIT);
  EXPECT_EQ(put(probe(), "a", std::string(limits::kValueBytesMax, 'v')), 0);
  EXPECT_EQ(get(probe(), ""), std::to_string(KITH_BAD));
  EXPECT_NE(why_of(probe()), "");
  Asked half{.writes = {{"good", "1"}, {"", "bad"}}};
  EXPECT_EQ(commit(probe(), half), KITH_BAD);
  EXPECT_EQ(get(probe(), "good"), std::to_string(KITH_ABSENT));
}

TEST_F(HostKv, TheQuotaIsOfOneName) {
  const std::string value(limits::kValueBytesMax, 'v');
  const std::size_t fits = limits::kAppStoreMax / (value.size() + 2);
  for (std::size_t i = 0; i < fits; ++i) {
    if (i == fits / 2) services().keys.clear();  // as after a start: what is kept is counted
    ASSERT_EQ(put(probe(), std::to_string(10 + i), value), 0) << i;
  }
  EXPECT_EQ(put(probe(), "xx", value), KITH_LIMIT);
  EXPECT_EQ(why, "probe keeps 64 MiB at most: erase something first");
  EXPECT_EQ(put(rival(), "xx", value), 0);
  EXPECT_EQ(put(probe(), "10", value), 0) << "in place of another";
  Asked swap{.writes = {{"11", std::nullopt}, {"xx", value}}};
  EXPECT_EQ(commit(probe(), swap), 0);
  EXPECT_EQ(put(probe(), "yy", value), KITH_LIMIT);
  Asked erase{.writes = {{"xx", std::nullopt}}};
  EXPECT_EQ(commit(probe(), erase), 0);
  EXPECT_EQ(put(probe(), "yy", value), 0);
}

TEST_F(HostKv, ACancelledCommitIsWritten) {
  Asked first{.writes = {{"a", "1"}}}, second{.writes = {{"b", "2"}}}, third{.writes = {{"", ""}}};
  for (Asked* asked : {&first, &second, &third})
    probe().api()->cancel(probe().raw(), begin(probe(), *asked));
  play.loop.run_for(1'000);
  EXPECT_FALSE(first.r || second.r || third.r);
  EXPECT_EQ(all(probe()), "a=1 b=2 ");
}

TEST_F(HostKv, AHostThatEndsIsToldNothing) {
  Asked first{.writes = {{"a", "1"}}}, second{.writes = {{"b", "2"}}};
  begin(rival(), first);
  begin(rival(), second);
  rival().raw()->undo();
  EXPECT_EQ(begin(rival(), second), nullptr);
  play.loop.run_for(1'000);
  EXPECT_FALSE(first.r || second.r);
  kith_host again(services(), "rival", false);
  EXPECT_EQ(all(Host(node::host_api(), &again)), "a=1 b=2 ");
}

TEST_F(HostKv, AFailedCommitIsForgotten) {
  put(probe(), "a", "1");
  keeps->is_full = true;
  EXPECT_EQ(put(probe(), "a", "2"), KITH_IO);
  EXPECT_NE(why.find("the disk is full: no space"), std::string::npos) << why;
  EXPECT_EQ(get(probe(), "a"), "1");
}

TEST_F(HostKv, ADamagedStoreSaysSo) {
  keeps->is_damaged = true;
  EXPECT_EQ(get(probe(), "a"), std::to_string(KITH_IO));
  EXPECT_EQ(why_of(probe()), "the store is damaged: a block");
  EXPECT_EQ(put(probe(), "a", "2"), KITH_IO);
  EXPECT_EQ(why, "the store is damaged: a block");
}

TEST_F(HostKv, ANodeThatKeepsNothingSaysSo) {
  services().committer = nullptr;
  services().keys.clear();
  EXPECT_EQ(get(probe(), "a"), std::to_string(KITH_ABSENT));
  EXPECT_EQ(why_of(probe()), "this node keeps nothing on disk");
  EXPECT_EQ(put(probe(), "a", "1"), KITH_ABSENT);
  EXPECT_EQ(why, "this node keeps nothing on disk");
  EXPECT_EQ(each(probe(), "", "", [](std::string_view, std::string_view) { return 0; }),
            KITH_ABSENT);
  services().committer = &committer;
}

}  // namespace
}  // namespace kith::test

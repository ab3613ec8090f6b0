// SPDX-License-Identifier: MIT
// The model by which the rules of access, forks and cuts were found: six nodes that write, fork,
// grant, revoke with true and invented cuts, and meet in part. Its evaluator reads as the rules do
// and computes everything anew at each entry; what is built for use is held to it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <tuple>
#include <vector>

namespace kith::store::test {

// splitmix64: the same play of the same seed everywhere.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  bool percent(std::uint64_t part) { return next() % 100 < part; }
  template <class T>
  const T& choice(const std::vector<T>& of) {
    return of[below(of.size())];
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

inline constexpr int kNone = -1;
inline constexpr int kRanks = 5;                      // a play grants up to 4
inline constexpr std::string_view kNodes = "FABCMN";  // F founds
enum class Op { data, grant, revoke };

struct ModelCut {
  std::uint64_t seq = 0, id = 0;
  friend auto operator<=>(const ModelCut&, const ModelCut&) = default;
};
struct ModelFeed {
  int author = 0;
  int grant = kNone;  // of the entries; kNone: the founder's
  int nonce = 0;
  bool is_data = false;
  friend auto operator<=>(const ModelFeed&, const ModelFeed&) = default;
};
struct ModelEntry {
  std::uint64_t id = 0;
  int feed = 0;
  std::uint64_t seq = 0;
  int prev = kNone;
  Op op = Op::data;
  int to = 0, rank = 0;          // of a grant
  int target = kNone;            // of a revoke
  std::map<int, ModelCut> keep;  // likewise, by feed
};
using Held = std::vector<char>;  // by the number of an entry; may be shorter than the entries are

class Model {
 public:
  struct Node {
    Held held, counting;
  };
  // After each offer: of which entry to which node, and whether it was kept.
  using Watcher = std::function<void(int node, int entry, bool was_kept)>;

  std::vector<ModelFeed> feeds;
  std::vector<ModelEntry> entries;  // each after the one that it follows
  std::vector<Node> nodes = std::vector<Node>(kNodes.size());
  Watcher watcher;

  static bool has(const Held& held, int entry) {
    return entry >= 0 && static_cast<std::size_t>(entry) < held.size() && held[index(entry)];
  }
  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  const ModelEntry& entry(int number) const { return entries[index(number)]; }
  const ModelFeed& feed_of(const ModelEntry& entry) const { return feeds[index(entry.feed)]; }
  std::vector<int> all(const Held& held) const {
    std::vector<int> made;
    for (int number = 0; index(number) < held.size(); ++number) {
      if (held[index(number)]) made.push_back(number);
    }
    return made;
  }
  // The entry that a cut of a feed names, if it is held there.
  int find_cut(const Held& held, int feed, const ModelCut& cut) const {
    for (const int number : all(held)) {
      const ModelEntry& found = entry(number);
      if (found.id == cut.id && found.feed == feed && found.seq == cut.seq) return number;
    }
    return kNone;
  }
  bool leads_to(const Held& held, int number, int cut) const {
    while (has(held, cut) && entry(cut).seq > entry(number).seq) cut = entry(cut).prev;
    return cut == number;
  }

  int feed_number(const ModelFeed& feed) {
    const auto at = std::find(feeds.begin(), feeds.end(), feed);
    if (at != feeds.end()) return static_cast<int>(at - feeds.begin());
    feeds.push_back(feed);
    return static_cast<int>(feeds.size()) - 1;
  }

  // What counts of what is held: the rules, rank by rank.
  Held judge(const Held& held) const {
    Held counting(held.size());
    const std::vector<int> present = all(held);
    std::map<int, std::vector<int>> revokes;  // that act, by grant
    for (int rank = 0; rank < kRanks; ++rank) {
      for (const int number : present) {
        const ModelEntry& e = entry(number);
        if (!is_issued_at(e, rank, counting)) continue;
        if (e.prev != kNone && !has(counting, e.prev)) continue;
        if (!is_kept(held, number, revokes)) continue;
        if (e.op == Op::grant && e.rank <= rank) continue;
        counting[index(number)] = true;
      }
      for (const int number : present) {
        const ModelEntry& e = entry(number);
        if (!has(counting, number)) continue;
        if (e.op != Op::revoke || !is_issued_at(e, rank, counting)) continue;
        const bool acts = has(held, e.target) && entry(e.target).rank > rank;
        if (acts) revokes[e.target].push_back(number);
      }
    }
    return counting;
  }

  bool offer(int to, int number) {
    const bool was_kept = take(nodes[index(to)], number);
    if (watcher) watcher(to, number, was_kept);
    return was_kept;
  }
  bool push(int from, int to);
  // Whether all ended with the same entries that count.
  bool play(std::uint64_t seed);

 private:
  bool is_issued_at(const ModelEntry& e, int rank, const Held& counting) const {
    const ModelFeed& feed = feed_of(e);
    if (feed.grant == kNone) return rank == 0 && feed.author == 0;
    const ModelEntry& grant = entry(feed.grant);
    return has(counting, feed.grant) && grant.rank == rank && grant.to == feed.author;
  }
  bool is_kept(const Held& held, int number, const std::map<int, std::vector<int>>& revokes) const {
    const ModelEntry& e = entry(number);
    const auto acting = revokes.find(feed_of(e).grant);
    if (acting == revokes.end()) return true;
    ModelCut cut{UINT64_MAX, 0};
    for (const int revoke : acting->second) {
      const auto kept = entry(revoke).keep.find(e.feed);
      cut = std::min(cut, kept == entry(revoke).keep.end() ? ModelCut{} : kept->second);
    }
    if (cut.seq == 0) return false;
    const int at = find_cut(held, e.feed, cut);
    return at == kNone ? e.seq <= cut.seq : leads_to(held, number, at);
  }
  bool take(Node& node, int number) {
    const ModelEntry& e = entry(number);
    const int grant = feed_of(e).grant;
    if (has(node.held, number)) return false;
    if (e.prev == kNone ? grant != kNone && !has(node.counting, grant)
                        : !has(node.counting, e.prev)) {
      return false;
    }
    node.held.resize(entries.size());
    node.held[index(number)] = true;
    Held counting = judge(node.held);
    if (counting[index(number)]) {
      node.counting = std::move(counting);
      return true;
    }
    node.held[index(number)] = false;
    return false;
  }

  void sort_by_id(std::vector<int>& numbers) const {
    std::sort(numbers.begin(), numbers.end(),
              [this](int a, int b) { return entry(a).id < entry(b).id; });
  }
  void write(Chance& chance, int by, const ModelFeed& feed, ModelEntry e, bool is_fork);
  ModelEntry revoke(Chance& chance, const Node& node, int target);
  void step(Chance& chance);
};

inline bool Model::push(int from, int to) {
  const Node& node = nodes[index(from)];
  std::vector<std::tuple<int, bool, std::uint64_t, std::uint64_t, int>> offered;
  for (const int number : all(node.counting)) {
    const ModelEntry& e = entry(number);
    const ModelFeed& feed = feed_of(e);
    const int rank = feed.grant == kNone ? 0 : entry(feed.grant).rank;
    offered.emplace_back(rank, feed.is_data, e.seq, e.id, number);
  }
  std::sort(offered.begin(), offered.end());
  bool moved = false;
  for (const auto& each : offered) moved = offer(to, std::get<4>(each)) || moved;
  return moved;
}

inline void Model::write(Chance& chance, int by, const ModelFeed& feed, ModelEntry e,
                         bool is_fork) {
  e.feed = feed_number(feed);
  e.seq = 1;
  std::vector<int> mine = all(nodes[index(by)].counting);
  std::erase_if(mine, [&](int number) { return entry(number).feed != e.feed; });
  if (!mine.empty()) {
    const auto place = [this](int number) {
      return std::pair(entry(number).seq, entry(number).id);
    };
    e.prev = *std::max_element(mine.begin(), mine.end(),
                               [&](int a, int b) { return place(a) < place(b); });
    if (is_fork) e.prev = chance.choice(mine);
    if (is_fork && chance.percent(30)) e.prev = kNone;
    if (e.prev != kNone) e.seq = entry(e.prev).seq + 1;
  }
  e.id = chance.next() >> 1;  // below every invented one
  entries.push_back(std::move(e));
  offer(by, static_cast<int>(entries.size()) - 1);
}

inline ModelEntry Model::revoke(Chance& chance, const Node& node, int target) {
  ModelEntry made;
  made.op = Op::revoke;
  made.target = target;
  std::vector<int> under;
  for (const int number : all(node.held)) {
    if (feed_of(entry(number)).grant == target) under.push_back(number);
  }
  std::map<ModelFeed, std::vector<int>> by_feed;
  for (const int number : under) by_feed[feed_of(entry(number))].push_back(number);
  for (auto& [feed, held] : by_feed) {
    sort_by_id(held);
    if (chance.percent(80)) {
      const ModelEntry& kept = entry(chance.choice(held));
      made.keep[kept.feed] = {kept.seq, kept.id};
    } else if (chance.percent(30)) {
      const std::uint64_t invented = UINT64_MAX - chance.below(10);
      made.keep[entry(held[0]).feed] = {1 + chance.below(3), invented};
    }
  }
  return made;
}

inline void Model::step(Chance& chance) {
  if (chance.percent(25)) {
    const int from = static_cast<int>(chance.below(6));
    int to = static_cast<int>(chance.below(5));
    if (to >= from) ++to;
    push(from, to);
    if (chance.percent(70)) push(to, from);
    return;
  }
  const int by = static_cast<int>(chance.below(6));
  const Node& node = nodes[index(by)];
  std::vector<int> grants = all(node.counting);
  std::erase_if(grants, [&](int number) { return entry(number).op != Op::grant; });
  sort_by_id(grants);
  std::vector<int> own = grants;
  std::erase_if(own, [&](int number) { return entry(number).to != by; });
  if (by == 0) own = {kNone};
  if (own.empty()) return;
  ModelFeed feed{by, chance.choice(own), 0, false};
  const int number = feed.grant == kNone ? 0 : entry(feed.grant).rank;
  const bool is_fork = chance.percent(15);
  feed.is_data = !(chance.percent(50) && number <= 2);
  feed.nonce = chance.below(4) == 3 ? 1 : 0;
  ModelEntry made;
  if (feed.is_data) {
  } else if (chance.percent(55)) {
    made.op = Op::grant;
    made.to = 1 + static_cast<int>(chance.below(5));
    made.rank = number + std::vector{1, 1, 2, 0}[chance.below(4)];
  } else if (!grants.empty()) {
    made = revoke(chance, node, chance.choice(grants));
  } else {
    return;
  }
  write(chance, by, feed, made, is_fork);
}

inline bool Model::play(std::uint64_t seed) {
  Chance chance(seed);
  for (const auto& [to, rank] : {std::pair(1, 1), {2, 1}, {4, 2}, {5, 2}, {3, 2}}) {
    ModelEntry grant;
    grant.op = Op::grant;
    grant.to = to;
    grant.rank = rank;
    write(chance, 0, {}, grant, false);
  }
  for (int to = 1; to < 6; ++to) push(0, to);
  const std::size_t steps = 40 + chance.below(121);
  for (std::size_t i = 0; i < steps; ++i) step(chance);

  std::vector<std::pair<int, int>> meetings;
  for (int a = 0; a < 6; ++a) {
    for (int b = 0; b < 6; ++b) {
      if (a != b) meetings.emplace_back(a, b);
    }
  }
  bool moved = true;
  for (int round = 0; round < 60 && moved; ++round) {
    moved = false;
    chance.shuffle(meetings);
    for (const auto& [a, b] : meetings) moved = push(a, b) || moved;
  }
  for (Node& node : nodes) {
    node.held.resize(entries.size());
    node.counting.resize(entries.size());
  }
  const auto same = [this](const Node& node) { return node.counting == nodes[0].counting; };
  return !moved && std::all_of(nodes.begin(), nodes.end(), same);
}

}  // namespace kith::store::test

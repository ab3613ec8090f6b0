// SPDX-License-Identifier: MIT
#include "engine/bus/topics.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/bus/nearest.h"

namespace kith::bus {

namespace {

constexpr std::string_view kMessage = "message/", kValidate = "validate/";

bool is_topic(std::string_view topic) {
  return !topic.empty() && topic.size() <= limits::kTopicBytesMax && !is_pattern(topic);
}

// One emission of a message; the name is written anew for each.
int walk(Bus& bus, std::string& name, std::string_view prefix, const kith_message& message,
         const Owner* publisher = nullptr) {
  name.assign(prefix).append(text(message.topic));
  const kith_event event{sizeof event, c_bytes(std::string_view(name)), {}, &message};
  return bus.emit(event, publisher);
}

}  // namespace

struct Topics::State {
  State(Bus& given_bus, Log given_log) : bus(given_bus), log(given_log) {}

  // Why an owner is on a topic: so often by join(), so often by a handler.
  struct Stake {
    const Owner* owner;
    std::size_t joins = 0, handlers = 0;
  };
  using Stakes = std::vector<Stake>;  // in the order of their coming
  using Count = std::size_t Stake::*;

  void add(const Owner& owner, std::string_view topic, Count count) {
    const auto [found, fresh] = joined.try_emplace(std::string(topic));
    Stakes& stakes = found->second;
    auto stake = std::find_if(stakes.begin(), stakes.end(),
                              [&owner](const Stake& other) { return other.owner == &owner; });
    if (stake == stakes.end()) stake = stakes.insert(stake, Stake{&owner});
    ++((*stake).*count);
    if (fresh && router) router->join(router_me, c_bytes(topic));
  }
  void remove(const Owner& owner, std::string_view topic, Count count, bool all) {
    const auto found = joined.find(topic);
    if (found == joined.end()) return;
    Stakes& stakes = found->second;
    const auto stake = std::find_if(stakes.begin(), stakes.end(),
                                    [&owner](const Stake& other) { return other.owner == &owner; });
    if (stake == stakes.end() || (*stake).*count == 0) return;
    (*stake).*count -= all ? (*stake).*count : 1;
    if (stake->joins + stake->handlers == 0) stakes.erase(stake);
    if (!stakes.empty()) return;
    const std::string left = found->first;
    joined.erase(found);
    if (router) router->leave(router_me, c_bytes(std::string_view(left)));
  }
  void interest(const Owner& owner, std::string_view pattern, bool gained);

  Bus& bus;
  Log log;
  const kith_router* router = nullptr;
  void* router_me = nullptr;
  std::map<std::string, Stakes, std::less<>> joined;
};

void Topics::State::interest(const Owner& owner, std::string_view pattern, bool gained) {
  if (is_pattern(pattern)) {
    const auto hit = [pattern](const auto& row) {
      return matches(pattern, std::string(kMessage) + row.first);
    };
    // A name under message/ that the pattern could stand for; "#" alone hears other events, too.
    const bool messages = pattern.starts_with(kMessage);
    if (gained && messages && std::none_of(joined.begin(), joined.end(), hit))
      log.info("pattern matches no joined topic yet owner={} pattern={} hint=kith.join(topic)",
               owner.name, in_quotes(pattern));
    return;
  }
  if (!pattern.starts_with(kMessage)) return;
  const std::string_view topic = pattern.substr(kMessage.size());
  if (!is_topic(topic)) {
    if (gained) log.warn("topic not joined owner={} err=bad_name", owner.name);
    return;
  }
  if (gained) {
    add(owner, topic, &Stake::handlers);
  } else {
    remove(owner, topic, &Stake::handlers, false);
  }
}

Topics::Topics(Bus& bus, Log log) : state_(std::make_unique<State>(bus, log)) {
  bus.watch_interest(
      [state = state_.get()](const Owner& owner, std::string_view pattern, bool gained) {
        state->interest(owner, pattern, gained);
      });
}
Topics::~Topics() { state_->bus.watch_interest({}); }

void Topics::set_router(const kith_router* ops, void* me) {
  state_->router = ops;
  state_->router_me = me;
  if (!ops) return;
  for (const auto& [topic, stakes] : state_->joined)
    ops->join(me, c_bytes(std::string_view(topic)));
}

Result<void> Topics::judge(std::string_view topic) {
  if (!is_topic(topic)) return Error(bus_error::bad_name, "topic " + in_quotes(topic));
  return {};
}

Result<void> Topics::join(const Owner& owner, std::string_view topic) {
  if (auto judged = judge(topic); !judged) return judged;
  state_->add(owner, topic, &State::Stake::joins);
  return {};
}

void Topics::leave(const Owner& owner, std::string_view topic) {
  state_->remove(owner, topic, &State::Stake::joins, false);
}

void Topics::forget(const Owner& owner) {
  std::vector<std::string> names;
  for (const auto& [topic, stakes] : state_->joined) names.push_back(topic);
  for (const std::string& topic : names) state_->remove(owner, topic, &State::Stake::joins, true);
}

Result<Topics::Published> Topics::publish(const Owner& owner, std::string_view topic, Bytes data) {
  State& state = *state_;
  if (!is_topic(topic)) return Error(bus_error::bad_name, "topic " + in_quotes(topic));
  if (!state.router) return Error(bus_error::refused, "no router: enable [plugins.gossipsub]");
  if (data.size() > limits::kMessageBytesMax) {
    return Error(bus_error::refused, "a message is at most " +
                                         std::to_string(limits::kMessageBytesMax) + " bytes, not " +
                                         std::to_string(data.size()));
  }
  const Buffer held = Buffer::copy(data);
  kith_message made{};
  made.size = sizeof made;
  const int peers = state.router->publish(state.router_me, c_bytes(topic), held.get(), &made);
  if (peers < 0) return Error(static_cast<kith_err>(peers), "publish on " + in_quotes(topic));
  if (made.topic.n == 0) made.topic = c_bytes(topic);
  if (made.data.n == 0) made.data = c_bytes(held.bytes());
  if (made.via.n == 0) made.via = made.from;
  if (made.received_us == 0) made.received_us = state.bus.loop().wall_us();
  Published published{static_cast<std::size_t>(peers), to_vector(view(made.id))};
  std::string name;
  walk(state.bus, name, kMessage, made, &owner);
  return published;
}

void Topics::deliver(const kith_message* messages, const std::uint64_t*, int* verdicts,
                     std::size_t n) {
  Bus& bus = state_->bus;
  std::string name;
  for (std::size_t i = 0; i < n; ++i) {
    kith_message message = messages[i];
    if (message.received_us == 0) message.received_us = bus.loop().wall_us();
    // A walk that would be posted cannot judge, so what nobody judged is not relayed.
    const int verdict = bus.too_deep() ? KITH_IGNORE : walk(bus, name, kValidate, message);
    verdicts[i] = verdict == KITH_PASS || verdict == KITH_REJECT ? verdict : KITH_IGNORE;
    if (verdict == KITH_PASS) walk(bus, name, kMessage, message);
  }
}

std::vector<Topics::Row> Topics::rows() const {
  std::vector<Row> rows;
  for (const auto& [topic, stakes] : state_->joined) {
    Row row;
    row.topic = topic;
    std::tie(row.peers, row.mesh) = peers_of(topic);
    for (const auto& stake : stakes) row.joined_by.push_back(stake.owner->name);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::pair<std::uint32_t, std::uint32_t> Topics::peers_of(std::string_view topic) const {
  std::uint32_t subscribed = 0, mesh = 0;
  if (state_->router && state_->router->topic_peers) {
    state_->router->topic_peers(state_->router_me, c_bytes(topic), &subscribed, &mesh);
  }
  return {subscribed, mesh};
}

bool Topics::settled(Bytes peer) const {
  if (!state_->router || !state_->router->settled) return true;
  return state_->router->settled(state_->router_me, c_bytes(peer)) != 0;
}

}  // namespace kith::bus

// SPDX-License-Identifier: MIT
#include "engine/node/host.h"

#include <cstring>

namespace {

// A handle: 12 bits of the host's number, 32 of generation, 20 of slot.
constexpr unsigned kSlotBits = 20, kGenerationBits = 32;
constexpr std::uintptr_t kSlotsMax = std::uintptr_t{1} << kSlotBits;
constexpr std::uintptr_t kSlotMask = kSlotsMax - 1;

}  // namespace

kith_host::kith_host(kith::node::Services& given, std::string name, bool is_app)
    : services(given),
      owner{std::move(name), is_app},
      log(given.log.in(owner.name)),
      number_(++given.hosts << (kSlotBits + kGenerationBits)) {}

kith_host::~kith_host() { undo(); }

void kith_host::undo() {
  stopped = true;
  *gone = true;
  // Calls first: their callers learn why before the handler's registration goes.
  auto calls = std::move(calls_);
  calls_.clear();
  for (auto& [id, call] : calls) call->fail(owner.name + " was stopped", KITH_CLOSED);
  services.topics.forget(owner);
  services.bus.forget(owner);
  auto slots = std::move(slots_);
  slots_.clear();
  free_.clear();
  for (Slot& slot : slots) slot.op.reset();
  std::erase_if(services.offers, [this](const auto& entry) { return entry.second.owner == this; });
}

kith::Result<void> kith_host::activate() {
  staged = false;
  for (const kith::node::StagedStep& step : std::exchange(steps, {})) {
    kith::node::HostOp* op = peek(step.op);
    if (step.op && !op) continue;  // cancelled since
    auto done = op ? op->activate() : services.topics.join(owner, step.topic);
    if (!done) return done;
  }
  return {};
}

std::vector<std::string> kith_host::staged_topics() {
  std::vector<std::string> topics;
  for (const kith::node::StagedStep& step : steps) {
    if (!step.topic.empty() && (!step.op || peek(step.op))) topics.push_back(step.topic);
  }
  return topics;
}

kith_op* kith_host::add(std::unique_ptr<kith::node::HostOp> op) {
  if (stopped) return nullptr;
  if (free_.empty()) {
    if (slots_.size() == kSlotsMax) return nullptr;
    free_.push_back(slots_.size());
    slots_.emplace_back();
  }
  const std::size_t at = free_.back();
  free_.pop_back();
  slots_[at].op = std::move(op);
  return slots_[at].op->self_ = handle_of(at);
}

kith_op* kith_host::handle_of(std::size_t slot) const {
  const std::uintptr_t generation = slots_[slot].generation;
  return reinterpret_cast<kith_op*>(number_ | (generation << kSlotBits) | slot);
}

kith_host::Slot* kith_host::find(kith_op* op) {
  const std::size_t at = reinterpret_cast<std::uintptr_t>(op) & kSlotMask;
  if (at >= slots_.size() || !slots_[at].op || handle_of(at) != op) return nullptr;
  return &slots_[at];
}

std::unique_ptr<kith::node::HostOp> kith_host::spend(kith_op* op) {
  Slot* slot = find(op);
  if (!slot) return nullptr;
  ++slot->generation;
  free_.push_back(static_cast<std::size_t>(slot - slots_.data()));
  return std::move(slot->op);
}

kith::node::HostOp* kith_host::peek(kith_op* op) {
  Slot* slot = find(op);
  return slot ? slot->op.get() : nullptr;
}

void kith_host::cancel(kith_op* op) {
  auto ended = spend(op);  // destroyed after the slot is free: it may look for itself
}

kith_call* kith_host::add_call(kith::bus::CallPtr call) {
  const std::uintptr_t id = ++services.calls;
  calls_.emplace(id, std::move(call));
  return reinterpret_cast<kith_call*>(id);
}

kith::bus::CallPtr kith_host::find_call(kith_call* call) const {
  const auto at = calls_.find(reinterpret_cast<std::uintptr_t>(call));
  return at == calls_.end() ? nullptr : at->second;
}

kith::bus::CallPtr kith_host::take_call(kith_call* call) {
  auto node = calls_.extract(reinterpret_cast<std::uintptr_t>(call));
  return node ? std::move(node.mapped()) : nullptr;
}

namespace kith::node {

namespace {

struct Offered {
  const char* id;
  const void* ops;
};

// nullptr: not the engine's.
const void* engine_table(std::string_view id) {
  const Offered engine[] = {
      {KITH_LOOP, loop_table()},       {KITH_LOG, log_table()},   {KITH_STREAMS, streams_table()},
      {KITH_PEERS, peers_table()},     {KITH_GATE, gate_table()}, {KITH_TOPICS, topics_table()},
      {KITH_CRYPTO, crypto_table()},   {KITH_BUS, bus_table()},   {KITH_LINKS, links_table()},
      {KITH_APPS, apps_table()},       {KITH_HTTP, http_table()}, {KITH_KV, kv_table()},
      {KITH_LEDGERS, ledgers_table()},
  };
  for (const Offered& offered : engine) {
    if (id == offered.id) return offered.ops;
  }
  return nullptr;
}

// What the Node was given before its start stands before the engine's own: a simulator's fakes.
const void* find_service(kith_host* host, const char* id, void** self) {
  const auto at = host->services.offers.find(std::string_view(id));
  if (at != host->services.offers.end()) {
    *self = at->second.self;
    return at->second.ops;
  }
  *self = host;
  return engine_table(id);
}

int offer_service(kith_host* host, const char* id, const void* ops, void* self) {
  if (engine_table(id)) return KITH_REFUSED;
  const bool fresh = host->services.offers.emplace(id, Services::Offer{ops, self, host}).second;
  return fresh ? 0 : KITH_REFUSED;
}

}  // namespace

const kith_api* host_api() {
  static constexpr kith_api api{
      KITH_ABI,
      sizeof(kith_api),
      &find_service,
      &offer_service,
      [](kith_host* host, kith_op* op) { host->cancel(op); },
      [](kith_host* host, kith_bytes sentence) { host->failure = to_string(sentence); },
      [](kith_host* host) { return c_bytes(host->failure); },
  };
  return &api;
}

void fire_error(kith_done done, const Error& error) {
  const std::string message = error.message();
  const kith_bytes sentence = c_bytes(message);
  done.fn(done.ctx, code_of(error), &sentence);
}

int code_of(const Error& error) {
  using net::net_error;
  if (error.code() < 0) return error.code();
  if (error.is(net_error::timeout)) return KITH_TIMEOUT;
  if (error.is(net_error::limit)) return KITH_LIMIT;
  if (error.is(net_error::closed)) return KITH_CLOSED;
  if (error.is(net_error::no_address) || error.is(net_error::no_transport)) return KITH_ABSENT;
  if (error.is(net_error::gate_refused) || error.is(net_error::wrong_peer) ||
      error.is(net_error::no_common_protocol)) {
    return KITH_REFUSED;
  }
  return KITH_BAD;
}

PeerView::PeerView(const net::PeerRecord& record, const net::Connection* best) {
  for (const std::string& protocol : record.protocols) protocols_.push_back(c_bytes(protocol));
  peer_.size = sizeof peer_;
  peer_.id = c_bytes(record.id.bytes());
  peer_.agent = c_bytes(record.agent);
  peer_.record = c_bytes(Bytes(record.record));
  peer_.protocols = protocols_.data();
  peer_.n_protocols = protocols_.size();
  peer_.app_score = record.app_score;
  if (!best) return;
  peer_.addr = c_bytes(best->remote().bytes());
  if (best->dialed()) peer_.flags |= KITH_PIPE_DIALED;
  if (best->limited()) peer_.flags |= KITH_PIPE_LIMITED;
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
#include "tests/plugins/gossipsub_net.h"

namespace kith::test {

namespace {

// A one-shot of the loop, which frees itself when it has fired.
struct AfterOp final : FakeOp {
  AfterOp(FakeNode& owner, kith_done given) : node(owner), done(given) {}
  static void fire(void* self, std::int64_t, const void*) {
    auto* op = static_cast<AfterOp*>(self);
    const kith_done done = op->done;
    const std::int64_t r = op->r;
    const ByteVector holds = op->holds;
    const void* result = op->pipe ? op->pipe.release() : static_cast<const void*>(holds.data());
    op->node.ops.erase(reinterpret_cast<kith_op*>(static_cast<FakeOp*>(op)));
    done.fn(done.ctx, r, result);
  }
  FakeNode& node;
  kith_done done;
  std::int64_t r = 0;
  ByteVector holds;
  Pipe pipe;
  Timer timer{kith_done{&AfterOp::fire, this}};
};

kith_op* keep(FakeNode& node, std::unique_ptr<FakeOp> op) {
  auto* key = reinterpret_cast<kith_op*>(op.get());
  node.ops.emplace(key, std::move(op));
  return key;
}
kith_op* start(FakeNode& node, std::unique_ptr<AfterOp> op, std::uint64_t us) {
  node.net.loop.start(op->timer, us);
  return keep(node, std::move(op));
}
kith_op* after(kith_host* host, std::uint64_t us, kith_done done) {
  FakeNode& node = FakeNode::of(host);
  return start(node, std::make_unique<AfterOp>(node, done), us);
}

struct HandleOp final : FakeOp {
  HandleOp(FakeNode& owner, std::string given) : node(owner), protocol(std::move(given)) {}
  ~HandleOp() override { node.handlers.erase(protocol); }
  FakeNode& node;
  std::string protocol;
};

kith_op* open_stream(kith_host* host, kith_bytes peer, const char* const* protocols, std::size_t n,
                     std::uint32_t, kith_done done) {
  FakeNode& node = FakeNode::of(host);
  FakeNode* other = node.net.find(view(peer));
  auto op = std::make_unique<AfterOp>(node, done);
  op->r = KITH_ABSENT;
  for (std::size_t i = 0; i < n && other && node.net.linked(node, *other); ++i) {
    const auto found = other->handlers.find(protocols[i]);
    if (found == other->handlers.end()) continue;
    auto [mine, theirs] = FakeStream::pair(node.net.loop, node.net.delay_us, protocols[i],
                                           to_vector(node.id()), to_vector(other->id()));
    op->pipe = std::move(mine);
    op->r = 0;
    found->second.fn(found->second.ctx, 0, theirs.release());
    break;
  }
  static const kith_bytes kSentence = c_bytes(std::string_view("no stream"));
  if (op->r < 0)
    op->holds.assign(reinterpret_cast<const std::uint8_t*>(&kSentence),
                     reinterpret_cast<const std::uint8_t*>(&kSentence + 1));
  return start(node, std::move(op), 2 * node.net.delay_us);
}

void deliver(kith_host* host, const kith_message* messages, const std::uint64_t* tickets, int* v,
             std::size_t n) {
  FakeNode& node = FakeNode::of(host);
  for (std::size_t i = 0; i < n; ++i) {
    const kith_message& message = messages[i];
    node.heard.push_back({to_string(message.topic), to_string(message.data),
                          to_vector(view(message.id)), to_vector(view(message.from)),
                          to_vector(view(message.via)), message.seqno});
    v[i] = node.judge(FakeNode::Heard(node.heard.back()), tickets[i]);
  }
}

kith_op* verify(kith_host* host, const kith_claim* claims, std::size_t n, kith_done done) {
  FakeNode& node = FakeNode::of(host);
  auto op = std::make_unique<AfterOp>(node, done);
  for (std::size_t i = 0; i < n; ++i) {
    const auto from = wire::PeerId::from_bytes(view(claims[i].from));
    const bool holds = from && crypto::verify_claim(*from, view(claims[i].key), claims[i].domain,
                                                    view(claims[i].bytes), view(claims[i].sig));
    op->holds.push_back(holds ? 1 : 0);
  }
  node.verified += n;
  return start(node, std::move(op), 50);
}

int each_peer(kith_host* host, int (*fn)(void*, const kith_peer*), void* ctx) {
  FakeNode& node = FakeNode::of(host);
  for (const auto& other : node.net.nodes)
    if (node.net.linked(node, *other))
      FakeNet::describe(*other, 0, [&](const kith_peer& peer) { fn(ctx, &peer); });
  return 0;
}

const kith_loop kLoop{sizeof(kith_loop),
                      [](kith_host* host) { return FakeNode::of(host).net.loop.now_us(); },
                      [](kith_host* host) { return FakeNode::of(host).net.loop.wall_us(); },
                      [](kith_host* host, void* to, std::size_t n) {
                        FakeNode::of(host).net.loop.random({static_cast<std::uint8_t*>(to), n});
                      },
                      &after,
                      nullptr,
                      nullptr,
                      nullptr,
                      nullptr};
const kith_log kLog{sizeof(kith_log),
                    [](kith_host* host, int, kith_bytes line) {
                      FakeNode::of(host).log.push_back(to_string(line));
                    },
                    [](kith_host*, int) { return 1; }};
const kith_streams kStreams{
    sizeof(kith_streams),
    [](kith_host* host, const char* protocol, kith_done each, kith_op** op) {
      FakeNode& node = FakeNode::of(host);
      node.handlers.emplace(protocol, each);
      *op = keep(node, std::make_unique<HandleOp>(node, protocol));
      return 0;
    },
    &open_stream};
const kith_peers kPeers{sizeof(kith_peers),
                        [](kith_host* host) { return c_bytes(FakeNode::of(host).id()); },
                        nullptr,
                        nullptr,
                        nullptr,
                        &each_peer,
                        nullptr,
                        nullptr};
const kith_topics kTopics{sizeof(kith_topics), &deliver, nullptr, nullptr, nullptr};
const kith_crypto kCrypto{
    sizeof(kith_crypto),
    [](kith_host* host, const char* domain, kith_bytes bytes, std::uint8_t* out) {
      const auto made = FakeNode::of(host).identity.sign(domain, view(bytes));
      std::copy(made.begin(), made.end(), out);
      return 0;
    },
    &verify,
    [](kith_host* host, void* to, std::size_t n) {
      FakeNode::of(host).net.loop.entropy({static_cast<std::uint8_t*>(to), n});
    },
    [](kith_host* host) { return c_bytes(FakeNode::of(host).identity.public_key()); },
    [](kith_host*, kith_bytes bytes, std::uint8_t* out) {
      const auto hash = crypto::sha256(view(bytes));
      std::copy(hash.begin(), hash.end(), out);
    }};
const kith_bus kBus{sizeof(kith_bus),
                    nullptr,
                    nullptr,
                    [](kith_host* host, const kith_command*,
                       void (*fn)(void*, kith_call*, kith_bytes), void* ctx, kith_op** op) {
                      FakeNode& node = FakeNode::of(host);
                      node.command = [fn, ctx](kith_call* call, kith_bytes args) {
                        fn(ctx, call, args);
                      };
                      *op = keep(node, std::make_unique<FakeOp>());
                      return 0;
                    },
                    nullptr,
                    nullptr,
                    [](kith_host*, kith_call* call, int, kith_bytes body) {
                      reinterpret_cast<FakeNode*>(call)->command_answer = to_vector(view(body));
                    },
                    nullptr};

const void* service(kith_host*, const char* id, void**) {
  const std::pair<std::string_view, const void*> all[] = {
      {KITH_LOOP, &kLoop},   {KITH_LOG, &kLog},       {KITH_STREAMS, &kStreams},
      {KITH_PEERS, &kPeers}, {KITH_TOPICS, &kTopics}, {KITH_CRYPTO, &kCrypto},
      {KITH_BUS, &kBus}};
  for (const auto& [name, table] : all)
    if (name == id) return table;
  return nullptr;
}

const kith_api kApi{KITH_ABI,
                    sizeof(kith_api),
                    &service,
                    nullptr,
                    [](kith_host* host, kith_op* op) { FakeNode::of(host).ops.erase(op); },
                    nullptr};

crypto::Key32 seed_of(std::uint8_t byte) {
  crypto::Key32 seed;
  seed.fill(byte);
  return seed;
}

}  // namespace

FakeNode::FakeNode(FakeNet& given_net, std::uint8_t seed)
    : net(given_net), identity(crypto::Identity::from_seed(seed_of(seed))) {}

Host FakeNode::host() { return Host(&kApi, raw()); }

std::vector<std::string> FakeNode::protocols() const {
  std::vector<std::string> names{"/ipfs/ping/1.0.0"};
  for (const auto& [name, each] : handlers) names.push_back(name);
  return names;
}

Scripted::Scripted(FakeNet& net, FakeNode& given, std::vector<std::string> protocols)
    : node(given), net_(net) {
  for (const auto& protocol : protocols)
    node.handlers.emplace(protocol, kith_done{&Scripted::accepted, this});
}

void Scripted::open(FakeNode& to, std::string protocol) {
  auto [mine, theirs] = FakeStream::pair(net_.loop, net_.delay_us, protocol, to_vector(node.id()),
                                         to_vector(to.id()));
  const kith_done each = to.handlers.at(protocol);
  outbound_ = std::move(mine);
  each.fn(each.ctx, 0, theirs.release());
}

void Scripted::accepted(void* self, std::int64_t, const void* stream) {
  auto* scripted = static_cast<Scripted*>(self);
  scripted->inbound_ = Pipe(static_cast<kith_pipe*>(const_cast<void*>(stream)));
  scripted->listen();
}

void Scripted::listen() {
  if (!deaf) inbound_.want(KITH_RD, kith_done{&Scripted::readable, this});
}

void Scripted::readable(void* self, std::int64_t, const void*) {
  auto* scripted = static_cast<Scripted*>(self);
  Bytes seen;
  const std::int64_t n = scripted->inbound_.peek(seen);
  if (n == KITH_AGAIN) return scripted->listen();
  if (n <= 0) {
    scripted->heard.push_back("end");
    return scripted->inbound_.reset();
  }
  append(scripted->partial_, seen);
  scripted->inbound_.consume(static_cast<std::size_t>(n));
  Bytes rest = scripted->partial_;
  std::size_t done = 0;
  while (const auto frame = wire::read_prefixed(rest, 8 << 20)) {
    gossip::Rpc rpc;
    EXPECT_TRUE(gossip::decode_rpc(*frame, rpc));
    scripted->hear(rpc);
    scripted->on_rpc(rpc);
    done = scripted->partial_.size() - rest.size();
  }
  scripted->partial_.erase(scripted->partial_.begin(),
                           scripted->partial_.begin() + static_cast<std::ptrdiff_t>(done));
  scripted->listen();
}

void Scripted::hear(const gossip::Rpc& rpc) {
  for (const auto& said : rpc.subscriptions)
    heard.push_back((said.subscribe ? "sub " : "unsub ") + std::string(said.topic));
  for (const auto& message : rpc.messages)
    heard.push_back("message " + std::string(as_text(message.data)));
  for (const auto& topic : rpc.graft) heard.push_back("graft " + std::string(topic));
  for (const auto& prune : rpc.prune)
    heard.push_back("prune " + std::string(prune.topic) + " " + std::to_string(prune.backoff_s));
  for (const auto& list : rpc.ihave) heard.push_back("ihave " + std::to_string(list.count));
  for (const auto& list : rpc.iwant) heard.push_back("iwant " + std::to_string(list.count));
  for (const auto& list : rpc.idontwant) heard.push_back("idontwant " + std::to_string(list.count));
  for (const Bytes id : rpc.ids) ids.push_back(to_vector(id));
}

void Scripted::say(const gossip::Rpc& rpc) { say_bytes(gossip::frame_rpc(rpc).bytes()); }

void Scripted::subscribe(std::string_view topic) {
  gossip::Rpc rpc;
  rpc.subscriptions.push_back({true, topic});
  say(rpc);
}

void Scripted::graft(std::string_view topic) {
  gossip::Rpc rpc;
  rpc.graft.push_back(topic);
  say(rpc);
}

ByteVector Scripted::signed_message(std::string_view topic, std::string_view text,
                                    std::uint64_t seqno) {
  using View = gossip::MessageView;
  ByteVector number;
  for (int shift = 56; shift >= 0; shift -= 8)
    number.push_back(static_cast<std::uint8_t>(seqno >> shift));
  View message;
  message.from = node.id();
  message.data = as_bytes(text);
  message.seqno = number;
  message.topic = as_bytes(topic);
  message.present = gossip::kSignedFields;
  ByteVector made;
  gossip::append_message(made, message, gossip::kSignedFields);
  const auto signature = node.identity.sign(gossip::kSignDomain, made);
  message.signature = signature;
  message.present |= View::kSignature;
  made.clear();
  gossip::append_message(made, message, gossip::kAllFields);
  return made;
}

void Scripted::send_message(Bytes message) {
  ByteVector body{2 << 3 | 2}, frame;
  wire::append_prefixed(body, message);
  wire::append_prefixed(frame, body);
  say_bytes(frame);
}

}  // namespace kith::test

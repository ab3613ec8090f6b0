// SPDX-License-Identifier: MIT
// kith.ledgers/1 over the node's ledgers.
#include <algorithm>
#include <list>

#include "engine/node/host_task.h"

namespace kith::node {

namespace {

// An entry for the C ABI, with what it points to.
class EntryView {
 public:
  explicit EntryView(const store::Held& held)
      : id_(store::cid_of(held.id)),
        feed_(store::cid_of(held.feed)),
        author_(store::peer_of(held.author)) {
    entry_.size = sizeof entry_;
    entry_.flags = held.flags;
    entry_.id = c_bytes(Bytes(id_));
    entry_.author = c_bytes(author_.bytes());
    entry_.feed = c_bytes(Bytes(feed_));
    entry_.type = c_bytes(held.type);
    entry_.body = c_bytes(Bytes(held.body));
    entry_.seq = held.seq;
    entry_.time_us = held.time_us;
    entry_.arrival = held.arrival;
    for (const store::Digest& link : held.links) links_.push_back(store::cid_of(link));
    for (const ByteVector& link : links_) shown_links_.push_back(c_bytes(Bytes(link)));
    entry_.links = shown_links_.data();
    entry_.n_links = shown_links_.size();
  }
  EntryView(const EntryView&) = delete;
  EntryView& operator=(const EntryView&) = delete;
  const kith_entry& get() const { return entry_; }

 private:
  const ByteVector id_, feed_;
  const wire::PeerId author_;
  std::vector<ByteVector> links_;
  std::vector<kith_bytes> shown_links_;
  kith_entry entry_{};
};

store::Ledger& ledger_named(const Services& services, const std::string& name) {
  store::Ledger* ledger = services.ledgers ? services.ledgers->find(name) : nullptr;
  if (!ledger) throw Fault(Error(KITH_ABSENT, "no ledger '" + name + "' is open: open it first"));
  return *ledger;
}

class AppendOp final : public TaskOp {
 public:
  AppendOp(kith_host* host, kith_bytes name, kith_bytes type, kith_bytes body, kith_done done)
      : TaskOp(host, done), name_(to_string(name)) {
    held_.type = to_string(type);
    held_.body = to_vector(view(body));
  }
  static kith_op* begin(kith_host* host, kith_bytes name, kith_bytes type, kith_bytes body,
                        kith_done done) {
    return start(std::make_unique<AppendOp>(host, name, type, body, done));
  }
  static Task<void> run(AppendOp& op) {
    try {
      store::Ledger& ledger = ledger_named(op.host().services, op.name_);
      store::NewEntry entry;
      entry.type = op.held_.type;
      entry.body = op.held_.body;
      const store::Appended made = co_await ledger.append(std::move(entry));
      op.held_.id = made.id;
      op.held_.feed = made.feed;
      op.held_.seq = made.seq;
      op.held_.time_us = made.time_us;
      op.held_.arrival = made.arrival;
      op.held_.author = store::author_of(op.host().services.identity.peer_id()).value();
      op.view_.emplace(op.held_);
      op.succeed(std::int64_t{0});
    } catch (const Fault& fault) {  // the C border
      op.fail(fault.error());
    }
  }

 private:
  const void* result() override { return &view_->get(); }
  const std::string name_;
  store::Held held_;
  std::optional<EntryView> view_;
};

Result<store::Query> query_of(const kith_query& asked) {
  store::Query query;
  query.by_time = (asked.flags & KITH_READ_TIMELINE) != 0;
  query.newest = (asked.flags & KITH_READ_NEWEST) != 0;
  query.after = asked.after;
  query.before = asked.before;
  query.type = to_string(asked.type);
  query.limit = std::min(asked.limit, store::kPageEntriesMax);
  if (asked.author.n == 0) return query;
  const auto peer = wire::PeerId::from_bytes(view(asked.author));
  if (!peer) return Error(KITH_BAD, "the author is no peer id: " + peer.error().message());
  query.author = store::author_of(*peer);
  if (!query.author) return Error(KITH_BAD, "only a peer with an Ed25519 key is an author");
  return query;
}

class ReadOp final : public TaskOp {
 public:
  ReadOp(kith_host* host, kith_bytes name, const kith_query& query, kith_done done)
      : TaskOp(host, done), name_(to_string(name)), query_(query_of(query)) {}
  static kith_op* begin(kith_host* host, kith_bytes name, const kith_query* query, kith_done done) {
    return start(std::make_unique<ReadOp>(host, name, *query, done));
  }
  static Task<void> run(ReadOp& op) {
    try {
      store::Ledger& ledger = ledger_named(op.host().services, op.name_);
      store::Query query = op.query_.value();
      auto page = co_await ledger.read(std::move(query));
      op.page_ = std::move(page);
      for (const store::Held& held : op.page_.entries) op.entries_.push_back(op.view(held));
      op.shown_ = {.size = sizeof op.shown_,
                   .more = op.page_.more ? 1u : 0u,
                   .entries = op.entries_.data(),
                   .n = op.entries_.size(),
                   .next = op.page_.next,
                   .before = op.page_.before};
      op.succeed(static_cast<std::int64_t>(op.entries_.size()));
    } catch (const Fault& fault) {  // the C border
      op.fail(fault.error());
    }
  }

 private:
  const kith_entry& view(const store::Held& held) { return views_.emplace_back(held).get(); }
  const void* result() override { return &shown_; }
  const std::string name_;
  const Result<store::Query> query_;
  store::Page page_;
  std::list<EntryView> views_;
  std::vector<kith_entry> entries_;
  kith_page shown_{};
};

class FindOp final : public TaskOp {
 public:
  FindOp(kith_host* host, kith_bytes name, kith_bytes id, kith_done done)
      : TaskOp(host, done), name_(to_string(name)), id_(store::digest_of(view(id))) {}
  static kith_op* begin(kith_host* host, kith_bytes name, kith_bytes id, kith_done done) {
    return start(std::make_unique<FindOp>(host, name, id, done));
  }
  static Task<void> run(FindOp& op) {
    try {
      store::Ledger& ledger = ledger_named(op.host().services, op.name_);
      if (!op.id_) throw Fault(Error(KITH_BAD, "this is no entry's CID"));
      auto held = co_await ledger.find(*op.id_);
      if (!held) throw Fault(Error(KITH_ABSENT, "no entry of this id is held in " + op.name_));
      op.held_ = *std::move(held);
      op.view_.emplace(op.held_);
      op.succeed(std::int64_t{1});
    } catch (const Fault& fault) {  // the C border
      op.fail(fault.error());
    }
  }

 private:
  const void* result() override { return &view_->get(); }
  const std::string name_;
  const std::optional<store::Digest> id_;
  store::Held held_;
  std::optional<EntryView> view_;
};

// Tells each part and the end from turns of its own, so that whoever hears may cancel.
class VerifyOp final : public HostOp {
 public:
  VerifyOp(kith_host* host, kith_bytes name, kith_done each)
      : host_(host), name_(to_string(name)), each_(each) {}
  static kith_op* begin(kith_host* host, kith_bytes name, kith_done each) {
    auto made = std::make_unique<VerifyOp>(host, name, each);
    VerifyOp& op = *made;
    kith_op* const self = host->add(std::move(made));
    if (self) op.scope_.spawn(run(op));
    return self;
  }

 private:
  static Task<void> run(VerifyOp& op) {
    VerifyOp* const self = &op;
    store::Progress progress = [self](std::uint64_t entries, std::uint64_t of) {
      self->part_ = wire::Value();
      self->part_["entries"] = entries;
      self->part_["of"] = of;
      self->tell();
    };
    try {
      store::Ledger& ledger = ledger_named(op.host_->services, op.name_);
      const store::Verdict verdict = co_await ledger.verify(std::move(progress));
      op.end_ = verdict_body(verdict);
    } catch (const Fault& fault) {  // the C border
      op.failed_ = fault.error();
    }
    op.is_over_ = true;
    op.tell();
  }
  void tell() { host_->services.loop.start(telling_, 0); }
  static void told(void* ctx, std::int64_t, const void*) {
    auto* op = static_cast<VerifyOp*>(ctx);
    const kith_done each = op->each_;
    if (!op->is_over_) return fire(each, KITH_CALL_PART, op->part_);
    const auto spent = op->host_->spend(op->self_);
    if (op->failed_) return fire_error(each, *op->failed_);
    fire(each, KITH_CALL_END, op->end_);
  }
  static void fire(kith_done each, int kind, const wire::Value& value) {
    const ByteVector encoded = wire::encode_cbor(value);
    const kith_bytes body = c_bytes(Bytes(encoded));
    each.fn(each.ctx, kind, &body);
  }
  kith_host* host_;
  const std::string name_;
  const kith_done each_;
  wire::Value part_, end_;
  std::optional<Error> failed_;
  bool is_over_ = false;
  Timer telling_{kith_done{&VerifyOp::told, this}};
  Scope scope_;
};

int open_ledger(kith_host* host, kith_bytes name) {
  host->failure.clear();
  if (!host->services.open_ledger) return KITH_ABSENT;
  try {
    host->services.open_ledger(text(name));
    return 0;
  } catch (const Fault& fault) {  // the C border
    host->failure = fault.what();
    return code_of(fault.error());
  }
}

}  // namespace

wire::Value verdict_body(const store::Verdict& verdict) {
  wire::Value body;
  body["ok"] = verdict.ok();
  body["feeds"] = verdict.feeds;
  body["entries"] = verdict.entries;
  body["problems"] = wire::Value::List(verdict.problems.begin(), verdict.problems.end());
  return body;
}

const kith_ledgers* ledgers_table() {
  static constexpr kith_ledgers table{sizeof(kith_ledgers), &open_ledger,     &AppendOp::begin,
                                      &ReadOp::begin,       &VerifyOp::begin, &FindOp::begin};
  return &table;
}

}  // namespace kith::node

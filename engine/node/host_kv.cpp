// SPDX-License-Identifier: MIT
// kith.kv/1 over the committer: one room of keys for each plugin and app, by its name.
#include <algorithm>
#include <functional>

#include "engine/base/limits.h"
#include "engine/node/host.h"

namespace kith::node {

// The keys of one name: what the store holds under its prefix, and over that what is being
// committed. Several hosts of one name may look at it, the old version of an app and the new one.
class AppKeys {
 public:
  AppKeys(store::Committer& committer, const bus::Owner& owner);

  // An empty Buffer: no such key.
  Result<Buffer> get(Bytes key) const;
  // `kept` fires on the loop, or never where the node ends before; the writes happen all the same.
  Result<void> commit(const kith_write* writes, std::size_t n,
                      std::function<void(std::int64_t r, const void* result)> kept);
  // fn(key, value): false ends it.
  Result<void> walk(Bytes prefix, Bytes after,
                    const std::function<bool(Bytes key, Bytes value)>& fn) const;

 private:
  struct Less {
    using is_transparent = void;
    bool operator()(Bytes a, Bytes b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };
  struct Pending {
    std::uint64_t commit = 0;  // the newest that writes this key
    Buffer value;              // empty: erased
  };
  struct Commit {
    AppKeys* keys;
    std::uint64_t number;
    std::vector<ByteVector> written;
    std::function<void(std::int64_t, const void*)> kept;
  };
  using Changes = std::map<Bytes, const kith_write*, Less>;
  static Result<Changes> judge(const kith_write* writes, std::size_t n);
  Result<std::size_t> count() const;
  Result<std::size_t> size_of(Bytes key) const;
  static void committed(void* ctx, std::int64_t r, const void* result);

  store::Committer& committer_;
  std::string name_;
  ByteVector prefix_;
  std::map<ByteVector, Pending, Less> pending_;
  std::map<std::uint64_t, std::unique_ptr<Commit>> commits_;
  std::uint64_t newest_ = 0;
  std::optional<std::size_t> bytes_;  // of keys and values; none: to be counted
};

namespace {

using std::string_literals::operator""s;

constexpr std::size_t kWritesMax = 65'536;  // of one commit
constexpr int kEachMax = 1'000;

bool starts_with(Bytes bytes, Bytes head) {
  return bytes.size() >= head.size() && equal(bytes.first(head.size()), head);
}
ByteVector joined(Bytes head, Bytes tail) {
  ByteVector out = to_vector(head);
  append(out, tail);
  return out;
}
// "a/NAME/" or "p/NAME/"; a name's own slashes are written otherwise, so that no prefix begins with
// another.
ByteVector prefix_of(const bus::Owner& owner) {
  std::string out = owner.is_app ? "a/" : "p/";
  for (const char letter : owner.name) {
    if (letter == '/') {
      out += "%2F";
    } else if (letter == '%') {
      out += "%25";
    } else {
      out += letter;
    }
  }
  return to_vector(as_bytes(out + "/"));
}
bool is_key(Bytes key) { return !key.empty() && key.size() <= limits::kKeyBytesMax; }
Error bad_key() { return Error(KITH_BAD, "a key has 1 to 1,024 bytes"); }

}  // namespace

AppKeys::AppKeys(store::Committer& committer, const bus::Owner& owner)
    : committer_(committer), name_(owner.name), prefix_(prefix_of(owner)) {}

Result<Buffer> AppKeys::get(Bytes key) const {
  const auto pending = pending_.find(key);
  if (pending != pending_.end()) return pending->second.value;
  auto found = committer_.store().get(store::Column::apps, joined(prefix_, key));
  if (!found) return Error(KITH_IO, found.error().message());
  return *found ? Buffer::take(*std::move(*found)) : Buffer();
}

Result<void> AppKeys::walk(Bytes prefix, Bytes after,
                           const std::function<bool(Bytes, Bytes)>& fn) const {
  const ByteVector head = joined(prefix_, prefix);
  const auto scan = committer_.store().scan(store::Column::apps);
  // The first key to look at; then the one behind the last. The smallest behind K is K and a zero.
  ByteVector from = to_vector(prefix);
  if (!Less()(after, prefix)) from = joined(after, as_bytes("\0"s));
  scan->seek(joined(prefix_, from));
  for (;;) {
    const bool is_stored = scan->valid() && starts_with(scan->key(), head);
    const Bytes stored = is_stored ? scan->key().subspan(prefix_.size()) : Bytes();
    const auto pending = pending_.lower_bound(from);
    const bool is_pending = pending != pending_.end() && starts_with(pending->first, prefix);
    if (!is_stored && !is_pending) break;
    const bool takes_pending = is_pending && (!is_stored || !Less()(stored, pending->first));
    const ByteVector key = takes_pending ? pending->first : to_vector(stored);
    const Buffer held = takes_pending ? pending->second.value : Buffer();  // fn may commit
    const bool is_erased = takes_pending && !held;
    if (!is_erased && !fn(key, takes_pending ? held.bytes() : scan->value())) break;
    if (is_stored && equal(stored, key)) scan->next();
    from = joined(key, as_bytes("\0"s));
  }
  const auto status = scan->status();
  if (!status) return Error(KITH_IO, status.error().message());
  return {};
}

Result<std::size_t> AppKeys::count() const {
  std::size_t bytes = 0;
  const auto add = [&bytes](Bytes key, Bytes value) {
    bytes += key.size() + value.size();
    return true;
  };
  const auto walked = walk({}, {}, add);
  if (!walked) return walked.error();
  return bytes;
}

Result<std::size_t> AppKeys::size_of(Bytes key) const {
  const auto found = get(key);
  if (!found) return found.error();
  return *found ? key.size() + found->bytes().size() : 0;
}

// The last write of each key.
Result<AppKeys::Changes> AppKeys::judge(const kith_write* writes, std::size_t n) {
  if (n > kWritesMax) return Error(KITH_LIMIT, "one commit has 65,536 writes at most");
  Changes changes;
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_key(view(writes[i].key))) return bad_key();
    if (writes[i].erase == 0 && writes[i].value.n > limits::kValueBytesMax)
      return Error(KITH_LIMIT, "a value has 1 MiB at most");
    changes[view(writes[i].key)] = &writes[i];
  }
  return changes;
}

Result<void> AppKeys::commit(const kith_write* writes, std::size_t n,
                             std::function<void(std::int64_t, const void*)> kept) {
  const auto changes = judge(writes, n);
  if (!changes) return changes.error();
  if (!bytes_) {
    const auto counted = count();
    if (!counted) return counted.error();
    bytes_ = *counted;
  }
  std::size_t before = 0, behind = 0;
  for (const auto& [key, write] : *changes) {
    const auto size = size_of(key);
    if (!size) return size.error();
    before += *size;
    if (write->erase == 0) behind += key.size() + write->value.n;
  }
  const std::size_t bytes = *bytes_ - before + behind;
  if (bytes > limits::kAppStoreMax && behind > before) {
    return Error(KITH_LIMIT, name_ + " keeps 64 MiB at most: erase something first");
  }

  bytes_ = bytes;
  store::Batch batch;
  auto made = std::make_unique<Commit>(Commit{this, ++newest_, {}, std::move(kept)});
  for (const auto& [key, write] : *changes) {
    const bool erases = write->erase != 0;
    const Buffer value = erases ? Buffer() : Buffer::copy(view(write->value));
    if (erases) {
      batch.erase(store::Column::apps, joined(prefix_, key));
    } else {
      batch.put(store::Column::apps, joined(prefix_, key), to_vector(value.bytes()));
    }
    pending_[to_vector(key)] = {made->number, value};
    made->written.push_back(to_vector(key));
  }
  const kith_done done{&AppKeys::committed, made.get()};
  commits_.emplace(made->number, std::move(made));
  committer_.commit(std::move(batch), done, {});
  return {};
}

void AppKeys::committed(void* ctx, std::int64_t r, const void* result) {
  AppKeys& keys = *static_cast<Commit*>(ctx)->keys;
  const auto node = keys.commits_.extract(static_cast<Commit*>(ctx)->number);
  const Commit& commit = *node.mapped();
  for (const ByteVector& key : commit.written) {
    const auto pending = keys.pending_.find(key);
    if (pending != keys.pending_.end() && pending->second.commit == commit.number) {
      keys.pending_.erase(pending);
    }
  }
  if (r < 0) keys.bytes_.reset();  // nobody knows what was written
  commit.kept(r, result);
}

namespace {

// Waits for a commit. Cancelled, it is told nothing; the writes happen.
class CommitOp final : public HostOp {
 public:
  CommitOp(kith_host* host, kith_done done)
      : host_(host), done_(done), answer_({&CommitOp::refused, this}) {}
  static kith_op* start(kith_host* host, const kith_write* writes, std::size_t n, kith_done done);
  void answer(std::int64_t r, const void* result) { done_.fn(done_.ctx, r, result); }

 private:
  static void refused(void* ctx, std::int64_t, const void*) {
    auto* op = static_cast<CommitOp*>(ctx);
    const auto spent = op->host_->spend(op->self_);
    fire_error(op->done_, *op->why_);
  }
  kith_host* host_;
  kith_done done_;
  std::optional<Error> why_;
  Timer answer_;
};

// nullptr: this node keeps nothing.
std::shared_ptr<AppKeys> keys_of(kith_host* host) {
  Services& services = host->services;
  if (!services.committer) return nullptr;
  auto& keys = services.keys[{host->owner.is_app, host->owner.name}];
  if (!keys) keys = std::make_shared<AppKeys>(*services.committer, host->owner);
  return keys;
}
int refuse(kith_host* host, const Error& why) {
  host->failure = why.message();
  return why.code();
}
Error keeps_nothing() { return Error(KITH_ABSENT, "this node keeps nothing on disk"); }

kith_op* CommitOp::start(kith_host* host, const kith_write* writes, std::size_t n, kith_done done) {
  auto made = std::make_unique<CommitOp>(host, done);
  CommitOp& op = *made;
  kith_op* const self = host->add(std::move(made));
  if (!self) return nullptr;
  Result<void> begun = keeps_nothing();
  if (const auto keys = keys_of(host)) {
    const auto kept = [host, self, gone = host->gone](std::int64_t r, const void* result) {
      if (*gone) return;
      if (const auto spent = host->spend(self)) static_cast<CommitOp&>(*spent).answer(r, result);
    };
    begun = keys->commit(writes, n, kept);
  }
  if (!begun) {
    op.why_ = begun.error();
    host->services.loop.start(op.answer_, 0);
  }
  return self;
}

int get_value(kith_host* host, kith_bytes key, kith_buf** value) {
  host->failure.clear();
  *value = nullptr;
  const auto keys = keys_of(host);
  if (!keys) return refuse(host, keeps_nothing());
  if (!is_key(view(key))) return refuse(host, bad_key());
  const auto found = keys->get(view(key));
  if (!found) return refuse(host, found.error());
  if (!*found) return KITH_ABSENT;
  *value = kith_buf_ref(found->get());
  return 0;
}

int each_value(kith_host* host, kith_bytes prefix, kith_bytes after,
               int (*fn)(void* ctx, kith_bytes key, kith_bytes value), void* ctx) {
  host->failure.clear();
  const auto keys = keys_of(host);
  if (!keys) return refuse(host, keeps_nothing());
  int told = 0;
  const auto gone = host->gone;
  const auto tell = [&](Bytes key, Bytes value) {
    ++told;
    return fn(ctx, c_bytes(key), c_bytes(value)) == 0 && told < kEachMax && !*gone;
  };
  const auto walked = keys->walk(view(prefix), view(after), tell);
  if (!walked && !*gone) return refuse(host, walked.error());
  return told;
}

}  // namespace

const kith_kv* kv_table() {
  static constexpr kith_kv table{sizeof(kith_kv), &get_value, &CommitOp::start, &each_value};
  return &table;
}

}  // namespace kith::node

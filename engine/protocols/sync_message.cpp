// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_message.h"

#include <algorithm>
#include <functional>

#include "engine/base/limits.h"

namespace kith::protocols {
namespace {

// Of CBOR (RFC 8949) only what these messages are made of.
enum Major : std::uint8_t { kUnsigned = 0, kBytes = 2, kText = 3, kList = 4, kMap = 5 };
constexpr std::uint8_t kTrue = 0xf5;

void append_big_endian(ByteVector& to, std::uint64_t number, unsigned bytes) {
  for (unsigned shift = bytes * 8; shift > 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(number >> (shift - 8)));
}

std::uint64_t read_big_endian(Bytes from) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : from) number = number << 8 | byte;
  return number;
}

void append_head(ByteVector& to, Major major, std::uint64_t argument) {
  const auto type = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) {
    to.push_back(static_cast<std::uint8_t>(type | argument));
    return;
  }
  unsigned power = 0;  // 1, 2, 4 or 8 bytes
  while (power < 3 && argument >> (8u << power) != 0) ++power;
  to.push_back(static_cast<std::uint8_t>(type | (24 + power)));
  append_big_endian(to, argument, 1u << power);
}

void append_name(ByteVector& to, std::string_view name) {
  append_head(to, kText, name.size());
  append(to, as_bytes(name));
}

void append_bytes(ByteVector& to, std::string_view name, Bytes bytes) {
  append_name(to, name);
  append_head(to, kBytes, bytes.size());
  append(to, bytes);
}

// Takes what it is told to expect off the front; false: something else stands there.
class Reader {
 public:
  explicit Reader(Bytes rest) : rest_(rest) {}
  bool at_end() const { return rest_.empty(); }

  bool head(Major major, std::uint64_t& argument) {
    if (rest_.empty() || rest_[0] >> 5 != major) return false;
    const unsigned info = rest_[0] & 31;
    rest_ = rest_.subspan(1);
    argument = info;
    if (info < 24) return true;
    if (info > 27) return false;
    const std::size_t size = std::size_t{1} << (info - 24);
    if (rest_.size() < size) return false;
    argument = read_big_endian(rest_.first(size));
    rest_ = rest_.subspan(size);
    return info == 24 ? argument >= 24 : argument >> (size * 4) != 0;  // the shortest form only
  }
  bool is_map(std::uint64_t members) {
    std::uint64_t found = 0;
    return head(kMap, found) && found == members;
  }
  bool name(std::string_view expected) {
    std::uint64_t size = 0;
    if (!head(kText, size) || size != expected.size() || size > rest_.size()) return false;
    const bool is_it = as_text(rest_.first(size)) == expected;
    rest_ = rest_.subspan(size);
    return is_it;
  }
  bool bytes(std::string_view expected, Bytes& to) {
    std::uint64_t size = 0;
    if (!name(expected) || !head(kBytes, size) || size > rest_.size()) return false;
    to = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }
  bool digest(std::string_view expected, store::Digest& to) {
    Bytes found;
    if (!bytes(expected, found) || found.size() != to.size()) return false;
    std::copy(found.begin(), found.end(), to.begin());
    return true;
  }
  bool yes(std::string_view expected) {
    if (!name(expected) || rest_.empty() || rest_[0] != kTrue) return false;
    rest_ = rest_.subspan(1);
    return true;
  }

 private:
  Bytes rest_;
};

bool read_tips(Bytes from, std::vector<store::Tip>& to) {
  if (from.size() % kTipBytes != 0) return false;
  to.resize(from.size() / kTipBytes);
  for (store::Tip& tip : to) {
    std::copy_n(from.begin(), 32, tip.feed.begin());
    tip.seq = read_big_endian(from.subspan(32, 8));
    std::copy_n(from.begin() + 40, 32, tip.entry.begin());
    if (tip.seq > store::kIntegerMax) return false;
    from = from.subspan(kTipBytes);
  }
  return std::adjacent_find(to.begin(), to.end(), std::greater_equal<>()) == to.end();
}

}  // namespace

const char* describe(sync_error error) {
  switch (error) {
    case sync_error::bad_message: return "no message of /kith/sync/0";
    case sync_error::not_asked: return "a ledger that was not asked for";
  }
  return "unknown error";
}

// Names are in DAG-CBOR's order: shorter ones first.
ByteVector encode(const SyncHello& hello) {
  ByteVector made;
  append_head(made, kMap, 2);
  append_name(made, "v");
  append_head(made, kUnsigned, 0);
  append_name(made, "ledgers");
  append_head(made, kList, hello.ledgers.size());
  for (const SyncHello::Kept& kept : hello.ledgers) {
    append_head(made, kMap, 2);
    append_bytes(made, "id", kept.ledger);
    append_name(made, "tips");
    append_head(made, kBytes, kept.tips.size() * kTipBytes);
    for (const store::Tip& tip : kept.tips) {
      append(made, tip.feed);
      append_big_endian(made, tip.seq, 8);
      append(made, tip.entry);
    }
  }
  return made;
}

ByteVector encode(const SyncRun& run) {
  ByteVector made;
  made.reserve(run.opening.size() + run.entries.size() + run.bodies.size() + 128);
  append_head(made, kMap, 4);
  append_bytes(made, "bodies", run.bodies);
  append_bytes(made, "ledger", run.ledger);
  append_bytes(made, "entries", run.entries);
  append_bytes(made, "opening", run.opening);
  return made;
}

ByteVector encode(const SyncDone& done) {
  ByteVector made;
  append_head(made, kMap, 2);
  append_name(made, "done");
  made.push_back(kTrue);
  append_bytes(made, "ledger", done.ledger);
  return made;
}

Result<SyncHello> decode_sync_hello(Bytes message) {
  Reader reader(message);
  SyncHello hello;
  std::uint64_t version = 0, ledgers = 0;
  if (!reader.is_map(2) || !reader.name("v") || !reader.head(kUnsigned, version) || version != 0 ||
      !reader.name("ledgers") || !reader.head(kList, ledgers) || ledgers > limits::kLedgersMax)
    return sync_error::bad_message;
  for (std::uint64_t i = 0; i < ledgers; ++i) {
    SyncHello::Kept& kept = hello.ledgers.emplace_back();
    Bytes tips;
    if (!reader.is_map(2) || !reader.digest("id", kept.ledger) || !reader.bytes("tips", tips) ||
        !read_tips(tips, kept.tips))
      return sync_error::bad_message;
    if (i > 0 && hello.ledgers[i - 1].ledger >= kept.ledger) return sync_error::bad_message;
  }
  if (!reader.at_end()) return sync_error::bad_message;
  return hello;
}

Result<SyncNews> decode_sync_news(Bytes message) {
  if (Reader reader(message); reader.is_map(2)) {
    SyncDone done;
    if (!reader.yes("done") || !reader.digest("ledger", done.ledger) || !reader.at_end())
      return sync_error::bad_message;
    return SyncNews(done);
  }
  Reader reader(message);
  SyncRun run;
  if (!reader.is_map(4) || !reader.bytes("bodies", run.bodies) ||
      !reader.digest("ledger", run.ledger) || !reader.bytes("entries", run.entries) ||
      !reader.bytes("opening", run.opening) || !reader.at_end())
    return sync_error::bad_message;
  return SyncNews(run);
}

}  // namespace kith::protocols

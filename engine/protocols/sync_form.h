// SPDX-License-Identifier: MIT
// The one form of sync's messages: a writer, and a reader that takes nothing but what the writer
// makes. Of CBOR (RFC 8949) only what these messages are made of. Sync's own; pure.
#pragma once
#include <algorithm>
#include <functional>

#include "engine/protocols/sync_limits.h"
#include "engine/protocols/sync_message.h"
#include "engine/store/run.h"

namespace kith::protocols {

enum SyncMajor : std::uint8_t { kUnsigned = 0, kBytes = 2, kList = 4 };
inline constexpr std::uint8_t kNull = 0xf6;

inline void append_big_endian(ByteVector& to, std::uint64_t number, unsigned bytes) {
  for (unsigned shift = bytes * 8; shift > 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(number >> (shift - 8)));
}
inline std::uint64_t read_big_endian(Bytes from) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : from) number = number << 8 | byte;
  return number;
}

class SyncWriter {
 public:
  static constexpr bool kReads = false;
  ByteVector take() { return std::move(made_); }

  void list(std::uint64_t items) { head(kList, items); }
  void number(std::uint64_t value) { head(kUnsigned, value); }
  void bytes(Bytes bytes) {
    head(kBytes, bytes.size());
    append(made_, bytes);
  }
  void digest(const store::Digest& digest) { bytes(digest); }
  void digest(const std::optional<store::Digest>& digest) {
    if (!digest) return made_.push_back(kNull);
    bytes(*digest);
  }
  void tips(std::span<const store::Tip> tips) {
    head(kBytes, tips.size() * kTipBytes);
    for (const store::Tip& tip : tips) append_tip(made_, tip);
  }
  void tip(const store::Tip& one) { tips({&one, 1}); }
  void items(const std::vector<std::uint64_t>& items) {
    head(kBytes, items.size() * 8);
    for (const std::uint64_t item : items) append_big_endian(made_, item, 8);
  }
  void symbols(const std::vector<store::Symbol>& symbols) {
    head(kBytes, symbols.size() * store::kSymbolBytes);
    store::append_symbols(made_, symbols);
  }
  void wants(const std::vector<SyncWant>& wants) {
    head(kBytes, wants.size() * kWantBytes);
    for (const SyncWant& want : wants) {
      append_tip(made_, want.after);
      append_big_endian(made_, want.to_seq, 8);
      append(made_, want.to_entry);
    }
  }
  void paths(const std::vector<SyncPath>& paths) {
    list(paths.size());
    for (const SyncPath& path : paths) {
      head(kBytes, path.nibbles.size() + 1);
      made_.push_back(path.is_whole ? 1 : 0);
      append(made_, path.nibbles);
    }
  }
  void nodes(const std::vector<SyncNode>& nodes) {
    list(nodes.size());
    for (const SyncNode& node : nodes) {
      if (node.children.empty()) {
        tips(node.tips);
        continue;
      }
      head(kBytes, node.children.size() * sizeof(store::Digest));
      for (const store::Digest& child : node.children) append(made_, child);
    }
  }
  void item(std::uint64_t item) {
    head(kBytes, 8);
    append_big_endian(made_, item, 8);
  }
  void buckets(const store::ReceiptTable::Buckets& buckets) {
    head(kBytes, buckets.size() * 8);
    for (const std::uint64_t bucket : buckets) append_big_endian(made_, bucket, 8);
  }
  void witnesses(const std::vector<SyncWitness>& witnesses) {
    head(kBytes, witnesses.size() * kWitnessBytes);
    for (const SyncWitness& one : witnesses) {
      append(made_, one.witness);
      append_big_endian(made_, one.digest, 8);
    }
  }
  void receipts(const std::vector<store::SignedReceipt>& receipts) {
    head(kBytes, receipts.size() * store::kReceiptBytes);
    for (const store::SignedReceipt& one : receipts) store::append_receipt(made_, one);
  }
  void part(SyncRun::Part part) { number(static_cast<std::uint64_t>(part)); }
  void marks(const ByteVector& which) { bytes(which); }
  void bodies(const std::vector<std::optional<Bytes>>& bodies) {
    list(bodies.size());
    for (const auto& body : bodies) {
      if (!body) {
        made_.push_back(kNull);
      } else {
        bytes(*body);
      }
    }
  }

 private:
  void head(SyncMajor major, std::uint64_t argument) {
    const auto type = static_cast<std::uint8_t>(major << 5);
    if (argument < 24) return made_.push_back(static_cast<std::uint8_t>(type | argument));
    unsigned power = 0;  // 1, 2, 4 or 8 bytes
    while (power < 3 && argument >> (8u << power) != 0) ++power;
    made_.push_back(static_cast<std::uint8_t>(type | (24 + power)));
    append_big_endian(made_, argument, 1u << power);
  }
  ByteVector made_;
};

// The first thing that is not as expected makes all later ones empty.
class SyncReader {
 public:
  static constexpr bool kReads = true;
  explicit SyncReader(Bytes rest) : rest_(rest) {}
  bool finish() const { return !is_bad_ && rest_.empty(); }

  void list(std::uint64_t items) {
    if (head(kList) != items) fail();
  }
  std::uint64_t list_up_to(std::uint64_t items_max) {
    const std::uint64_t items = head(kList);
    if (items > items_max) fail();
    return is_bad_ ? 0 : items;
  }
  void number(std::uint64_t& to) {
    to = head(kUnsigned);
    if (to > store::kIntegerMax) fail();
  }
  void bytes(Bytes& to) {
    const std::uint64_t size = head(kBytes);
    if (size > rest_.size()) fail();
    if (is_bad_) return;
    to = rest_.first(size);
    rest_ = rest_.subspan(size);
  }
  void digest(store::Digest& to) {
    Bytes found;
    bytes(found);
    if (found.size() != to.size()) return fail();
    std::copy(found.begin(), found.end(), to.begin());
  }
  void digest(std::optional<store::Digest>& to) {
    if (!rest_.empty() && rest_[0] == kNull) {
      rest_ = rest_.subspan(1);
      return;
    }
    digest(to.emplace());
  }
  void tips(std::vector<store::Tip>& to) {
    Bytes found;
    bytes(found);
    read_tips(found, to);
  }
  void tip(store::Tip& to) {
    std::vector<store::Tip> one;
    tips(one);
    if (one.size() != 1) return fail();
    to = one.front();
  }
  void items(std::vector<std::uint64_t>& to) {
    Bytes found;
    bytes(found);
    if (found.size() % 8 != 0 || found.size() / 8 > sync_limits::kItemsMax) return fail();
    for (; !found.empty(); found = found.subspan(8)) to.push_back(read_big_endian(found.first(8)));
  }
  void symbols(std::vector<store::Symbol>& to) {
    Bytes found;
    bytes(found);
    auto read = store::read_symbols(found);
    if (!read) return fail();
    to = *std::move(read);
  }
  void wants(std::vector<SyncWant>& to) {
    Bytes found;
    bytes(found);
    if (found.size() % kWantBytes != 0) return fail();
    for (; !found.empty(); found = found.subspan(kWantBytes)) {
      SyncWant& want = to.emplace_back();
      want.after = read_tip(found);
      want.to_seq = read_big_endian(found.subspan(kTipBytes, 8));
      std::copy_n(found.begin() + kTipBytes + 8, 32, want.to_entry.begin());
      if (want.to_seq > store::kIntegerMax) fail();
    }
  }
  void paths(std::vector<SyncPath>& to) {
    for (std::uint64_t left = list_up_to(sync_limits::kPathsMax); left > 0 && !is_bad_; --left) {
      Bytes found;
      bytes(found);
      if (found.empty() || found[0] > 1) return fail();
      to.push_back({found[0] == 1, to_vector(found.subspan(1))});
    }
  }
  void nodes(std::vector<SyncNode>& to) {
    for (std::uint64_t left = list_up_to(sync_limits::kPathsMax); left > 0 && !is_bad_; --left) {
      Bytes found;
      bytes(found);
      SyncNode& node = to.emplace_back();
      if (found.size() != 16 * sizeof(store::Digest)) {
        read_tips(found, node.tips);
        continue;
      }
      node.children.resize(16);
      for (store::Digest& child : node.children) {
        std::copy_n(found.begin(), child.size(), child.begin());
        found = found.subspan(child.size());
      }
    }
  }
  void item(std::uint64_t& to) {
    Bytes found;
    bytes(found);
    if (found.size() != 8) return fail();
    to = read_big_endian(found);
  }
  void buckets(store::ReceiptTable::Buckets& to) {
    Bytes found;
    bytes(found);
    if (found.size() != to.size() * 8) return fail();
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = read_big_endian(found.subspan(i * 8, 8));
  }
  void witnesses(std::vector<SyncWitness>& to) {
    Bytes found;
    bytes(found);
    if (found.size() % kWitnessBytes != 0) return fail();
    for (; !found.empty(); found = found.subspan(kWitnessBytes)) {
      SyncWitness one;
      std::copy_n(found.begin(), one.witness.size(), one.witness.begin());
      one.digest = read_big_endian(found.subspan(32, 8));
      if (!to.empty() && !(to.back().witness < one.witness)) return fail();
      to.push_back(one);
    }
  }
  void receipts(std::vector<store::SignedReceipt>& to) {
    Bytes found;
    bytes(found);
    auto read = store::read_receipts(found);
    if (!read || read->size() > sync_limits::kReceiptsMax) return fail();
    to = *std::move(read);
  }
  void part(SyncRun::Part& to) {
    std::uint64_t found = 0;
    number(found);
    if (found > static_cast<std::uint64_t>(SyncRun::Part::last)) return fail();
    to = static_cast<SyncRun::Part>(found);
  }
  // At least one of as many as a run may have; nothing follows the last.
  void marks(ByteVector& to) {
    Bytes found;
    bytes(found);
    if (found.empty() || found.size() > store::kRunEntriesMax / 8 || found.back() == 0)
      return fail();
    to = to_vector(found);
  }
  void bodies(std::vector<std::optional<Bytes>>& to) {
    for (std::uint64_t left = list_up_to(store::kRunEntriesMax); left > 0 && !is_bad_; --left) {
      auto& body = to.emplace_back();
      if (!rest_.empty() && rest_[0] == kNull) {
        rest_ = rest_.subspan(1);
      } else {
        bytes(body.emplace());
        if (body->size() > store::kBodyBytesMax) fail();
      }
    }
  }

 private:
  void fail() {
    is_bad_ = true;
    rest_ = {};
  }
  std::uint64_t head(SyncMajor major) {
    if (is_bad_ || rest_.empty() || rest_[0] >> 5 != major) return fail(), 0;
    const unsigned info = rest_[0] & 31;
    rest_ = rest_.subspan(1);
    if (info < 24) return info;
    const std::size_t size = info > 27 ? SIZE_MAX : std::size_t{1} << (info - 24);
    if (size > rest_.size()) return fail(), 0;
    const std::uint64_t argument = read_big_endian(rest_.first(size));
    rest_ = rest_.subspan(size);
    const bool is_shortest = info == 24 ? argument >= 24 : argument >> (size * 4) != 0;
    if (!is_shortest) return fail(), 0;
    return argument;
  }
  store::Tip read_tip(Bytes from) {
    store::Tip tip;
    std::copy_n(from.begin(), 32, tip.feed.begin());
    tip.seq = read_big_endian(from.subspan(32, 8));
    std::copy_n(from.begin() + 40, 32, tip.entry.begin());
    if (tip.seq > store::kIntegerMax) fail();
    return tip;
  }
  void read_tips(Bytes from, std::vector<store::Tip>& to) {
    if (from.size() % kTipBytes != 0) return fail();
    for (; !from.empty(); from = from.subspan(kTipBytes)) to.push_back(read_tip(from));
    if (std::adjacent_find(to.begin(), to.end(), std::greater_equal<>()) != to.end()) fail();
  }

  Bytes rest_;
  bool is_bad_ = false;
};

}  // namespace kith::protocols

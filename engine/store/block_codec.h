// SPDX-License-Identifier: MIT
// The one form of DAG-CBOR that blocks have, by hand: a writer into a place that is large enough,
// and a reader that expects each thing in its place. No trees, no allocation. The room's own.
#pragma once
#include <optional>

#include "engine/store/blocks.h"

namespace kith::store {

// An entry as views, for those who rebuild many.
struct EntryView {
  const Digest& feed;
  std::uint64_t seq;
  const Digest& prev;
  std::span<const Digest> links;
  std::uint64_t time_us;
  std::string_view type;
  const Digest& body;
  std::uint32_t body_bytes;
};
// `to` has room for kEntryBytesMax; gives what was written of it.
Bytes write_entry(std::uint8_t* to, const EntryView& entry);

// Links strictly ascend.
bool are_links_sorted(std::span<const Digest> links);
// The digest of the block of no bytes, which stands for size 0 and for no other.
const Digest& empty_digest();

class BlockWriter {
 public:
  explicit BlockWriter(std::uint8_t* to) : at_(to) {}
  std::uint8_t* end() const { return at_; }

  void map(std::uint64_t members) { head(kMap, members); }
  void list(std::uint64_t items) { head(kList, items); }
  void integer(std::uint64_t value) { head(kUnsigned, value); }
  void null() { *at_++ = kNull; }
  void boolean(bool value) { *at_++ = value ? kTrue : kFalse; }
  void key(std::string_view name) { text(name); }
  void text(std::string_view text) {
    head(kText, text.size());
    put(as_bytes(text));
  }
  void bytes(Bytes bytes) {
    head(kBytes, bytes.size());
    put(bytes);
  }
  void link(const Digest& digest, std::uint64_t codec = wire::kDagCborCodec) {
    std::memcpy(at_, kLinkHead, sizeof kLinkHead);
    at_[kLinkCodecAt] = static_cast<std::uint8_t>(codec);
    at_ += sizeof kLinkHead;
    put(digest);
  }

 private:
  friend class BlockReader;
  enum Major : std::uint8_t { kUnsigned = 0, kBytes = 2, kText = 3, kList = 4, kMap = 5 };
  static constexpr std::uint8_t kFalse = 0xf4, kTrue = 0xf5, kNull = 0xf6;
  // Tag 42, 37 bytes, the multibase prefix 0, CID version 1, codec, sha2-256 of 32 bytes.
  static constexpr std::uint8_t kLinkHead[] = {0xd8, 0x2a, 0x58, 0x25, 0x00,
                                               0x01, 0x00, 0x12, 0x20};
  static constexpr std::size_t kLinkCodecAt = 6;

  void put(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void head(Major major, std::uint64_t argument) {
    const auto type = static_cast<std::uint8_t>(major << 5);
    if (argument < 24) {
      *at_++ = static_cast<std::uint8_t>(type | argument);
      return;
    }
    const unsigned power = argument <= 0xff      ? 0
                           : argument <= 0xffff  ? 1
                           : argument >> 32 == 0 ? 2
                                                 : 3;
    *at_++ = static_cast<std::uint8_t>(type | (24 + power));
    for (unsigned shift = 8u << power; shift > 0; shift -= 8) {
      *at_++ = static_cast<std::uint8_t>(argument >> (shift - 8));
    }
  }

  std::uint8_t* at_;
};

// The first thing that is not as expected makes all later ones empty; finish() says what it was.
class BlockReader {
 public:
  explicit BlockReader(Bytes block) : block_(block), rest_(block) {}

  void map(std::uint64_t members);
  void key(std::string_view name);
  std::uint64_t list(std::uint64_t items_max);
  std::uint64_t integer();  // below 2^53
  std::string_view text();
  bool boolean();
  bool null();  // taken where it stands
  template <std::size_t size>
  std::array<std::uint8_t, size> bytes() {
    std::array<std::uint8_t, size> copy{};
    const Bytes read = string(BlockWriter::kBytes);
    if (read.size() == size) {
      std::memcpy(copy.data(), read.data(), size);
    } else {
      fail(ledger_error::bad_block, "bytes of a wrong length");
    }
    return copy;
  }
  Digest link(std::uint64_t codec = wire::kDagCborCodec,
              ledger_error otherwise = ledger_error::bad_block);

  bool failed() const { return error_.has_value(); }
  void fail(ledger_error error, const char* detail);
  void expect(bool held, ledger_error error, const char* detail) {
    if (!held) fail(error, detail);
  }
  Result<void> finish();  // it was the whole block, and nothing failed

 private:
  std::uint64_t head(std::uint8_t major);
  Bytes string(std::uint8_t major);
  Bytes take(std::uint64_t size);

  Bytes block_, rest_;
  std::optional<ledger_error> error_;
  const char* detail_ = "";
};

}  // namespace kith::store

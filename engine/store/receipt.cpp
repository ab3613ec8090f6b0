// SPDX-License-Identifier: MIT
#include "engine/store/receipt.h"

#include <algorithm>

#include "engine/crypto/ed25519.h"
#include "engine/store/block_codec.h"

namespace kith::store {
namespace {

constexpr std::string_view kReceiptDomain("kith-receipt/1\0", 15);

void append_number(ByteVector& to, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(number >> shift));
}

class Fields {
 public:
  explicit Fields(Bytes bytes) : rest_(bytes) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : rest_.first(8)) value = value << 8 | byte;
    rest_ = rest_.subspan(8);
    return value;
  }
  template <std::size_t size>
  void raw(std::array<std::uint8_t, size>& to) {
    std::copy_n(rest_.begin(), size, to.begin());
    rest_ = rest_.subspan(size);
  }

 private:
  Bytes rest_;
};

}  // namespace

const char* describe(receipt_error error) {
  switch (error) {
    case receipt_error::malformed: return "no list of receipts";
    case receipt_error::stranger: return "its witness is neither a member nor named in the config";
    case receipt_error::own_feed: return "an author is no witness of his own feed";
    case receipt_error::unknown_feed: return "the opening of its feed is not held";
    case receipt_error::not_held_yet: return "its entry is not held yet";
    case receipt_error::wrong_entry: return "another entry is held where it says";
    case receipt_error::not_newer: return "one that is as new is kept";
    case receipt_error::ahead: return "its time is ahead of this node's clock";
    case receipt_error::bad_signature: return "the signature of a receipt does not hold";
    case receipt_error::full: return "this ledger keeps as many receipts as it may";
  }
  return "unknown receipt error";
}

ByteVector encode(const Receipt& receipt) {
  std::array<std::uint8_t, kEntryBytesMax> place;
  BlockWriter writer(place.data());
  writer.map(5);
  writer.key("seq");
  writer.integer(receipt.seq);
  writer.key("feed");
  writer.link(receipt.feed);
  writer.key("time");
  writer.integer(receipt.time_us);
  writer.key("entry");
  writer.link(receipt.entry);
  writer.key("witness");
  writer.bytes(receipt.witness);
  return {place.data(), writer.end()};
}

Result<Receipt> decode_receipt(Bytes block) {
  if (block.size() > kEntryBytesMax) return ledger_error::entry_too_large;
  BlockReader reader(block);
  Receipt receipt;
  reader.map(5);
  reader.key("seq");
  receipt.seq = reader.integer();
  reader.expect(receipt.seq > 0, ledger_error::bad_block, "seq begins at 1");
  reader.key("feed");
  receipt.feed = reader.link();
  reader.key("time");
  receipt.time_us = reader.integer();
  reader.key("entry");
  receipt.entry = reader.link();
  reader.key("witness");
  receipt.witness = reader.bytes<sizeof(crypto::Key32)>();
  if (!reader.failed()) {
    reader.expect(crypto::is_prime_order_point(receipt.witness), ledger_error::bad_key, "");
  }
  if (const auto end = reader.finish(); !end) return end.error();
  return receipt;
}

bool is_newer(const Receipt& one, const Receipt& other) {
  return one.seq != other.seq ? one.seq > other.seq : one.time_us > other.time_us;
}

std::uint64_t item_of(const Receipt& receipt) {
  const Digest digest = digest_block(encode(receipt));
  return Fields(digest).number();
}

crypto::Signature sign_receipt(const crypto::Identity& witness, const Receipt& receipt) {
  return witness.sign(kReceiptDomain, encode(receipt));
}

bool is_signed(const Receipt& receipt, Bytes signature) {
  return crypto::verify_claim(peer_of(receipt.witness), {}, kReceiptDomain, encode(receipt),
                              signature);
}

void append_receipt(ByteVector& to, const SignedReceipt& given) {
  append(to, given.receipt.feed);
  append_number(to, given.receipt.seq);
  append(to, given.receipt.entry);
  append_number(to, given.receipt.time_us);
  append(to, given.receipt.witness);
  append(to, given.signature);
}

Result<std::vector<SignedReceipt>> read_receipts(Bytes bytes) {
  if (bytes.size() % kReceiptBytes != 0) return receipt_error::malformed;
  std::vector<SignedReceipt> made(bytes.size() / kReceiptBytes);
  for (SignedReceipt& one : made) {
    Fields fields(bytes.first(kReceiptBytes));
    bytes = bytes.subspan(kReceiptBytes);
    fields.raw(one.receipt.feed);
    one.receipt.seq = fields.number();
    fields.raw(one.receipt.entry);
    one.receipt.time_us = fields.number();
    fields.raw(one.receipt.witness);
    fields.raw(one.signature);
    const bool is_counted = one.receipt.seq > 0 && one.receipt.seq <= kIntegerMax;
    if (!is_counted || one.receipt.time_us > kIntegerMax) return receipt_error::malformed;
  }
  return made;
}

}  // namespace kith::store

// SPDX-License-Identifier: MIT
#include "engine/store/grants.h"

#include <algorithm>
#include <cassert>

#include "engine/store/block_codec.h"

namespace kith::store {
namespace {

constexpr std::size_t kGrantBytesMax = 64 + sizeof(crypto::Key32) + kTypeBytesMax;
constexpr std::size_t kKeepBytes =
    176;  // a row: two links of 41, 66 of signature, at most 9 of seq
constexpr std::uint64_t kRowItems = 4;

bool are_feeds_sorted(const std::vector<SignedHead>& keep) {
  const auto out_of_order = [](const SignedHead& a, const SignedHead& b) {
    return !(a.head.feed < b.head.feed);
  };
  return std::adjacent_find(keep.begin(), keep.end(), out_of_order) == keep.end();
}

SignedHead read_row(BlockReader& reader) {
  SignedHead row;
  reader.expect(reader.list(UINT64_MAX) == kRowItems, ledger_error::bad_block,
                "a row of keep is feed, seq, entry, signature");
  row.head.feed = reader.link();
  row.head.seq = reader.integer();
  reader.expect(row.head.seq > 0, ledger_error::bad_block, "seq begins at 1");
  row.head.entry = reader.link();
  row.signature = reader.bytes<sizeof(crypto::Signature)>();
  return row;
}

}  // namespace

ByteVector encode(const Grant& grant) {
  assert(grant.rank > 0 && is_type_valid(grant.role));
  std::array<std::uint8_t, kGrantBytesMax> place;
  BlockWriter writer(place.data());
  writer.map(3);
  writer.key("to");
  writer.bytes(grant.to);
  writer.key("rank");
  writer.integer(grant.rank);
  writer.key("role");
  writer.text(grant.role);
  return {place.data(), writer.end()};
}

Result<Grant> decode_grant(Bytes body) {
  if (body.size() > kBodyBytesMax) return ledger_error::body_too_large;
  BlockReader reader(body);
  Grant grant;
  reader.map(3);
  reader.key("to");
  grant.to = reader.bytes<sizeof(crypto::Key32)>();
  reader.key("rank");
  const std::uint64_t rank = reader.integer();
  reader.expect(rank > 0 && rank <= kRankMax, ledger_error::bad_block, "a rank is 1 to 65,535");
  grant.rank = static_cast<std::uint16_t>(rank);
  reader.key("role");
  grant.role = reader.text();
  reader.expect(is_type_valid(grant.role), ledger_error::bad_type, "the role of a grant");
  if (const auto end = reader.finish(); !end) return end.error();
  return grant;
}

ByteVector encode(const Revoke& revoke) {
  assert(revoke.keep.size() <= kKeepMax && are_feeds_sorted(revoke.keep));
  ByteVector body(64 + revoke.keep.size() * kKeepBytes);
  BlockWriter writer(body.data());
  writer.map(2);
  writer.key("keep");
  writer.list(revoke.keep.size());
  for (const SignedHead& row : revoke.keep) {
    writer.list(kRowItems);
    writer.link(row.head.feed);
    writer.integer(row.head.seq);
    writer.link(row.head.entry);
    writer.bytes(row.signature);
  }
  writer.key("grant");
  writer.link(revoke.grant);
  body.resize(static_cast<std::size_t>(writer.end() - body.data()));
  return body;
}

Result<Revoke> decode_revoke(Bytes body) {
  if (body.size() > kBodyBytesMax) return ledger_error::body_too_large;
  BlockReader reader(body);
  Revoke revoke;
  reader.map(2);
  reader.key("keep");
  const std::uint64_t rows = reader.list(UINT64_MAX);
  reader.expect(rows <= kKeepMax, ledger_error::bad_block, "keep has over 1,000 rows");
  for (std::uint64_t row = 0; row < rows && !reader.failed(); ++row) {
    revoke.keep.push_back(read_row(reader));
  }
  reader.expect(are_feeds_sorted(revoke.keep), ledger_error::bad_block,
                "keep is not sorted by feed, or names one twice");
  reader.key("grant");
  revoke.grant = reader.link();
  if (const auto end = reader.finish(); !end) return end.error();
  return revoke;
}

Result<ControlBody> decode_control(std::string_view type, Bytes body) {
  if (type == kGrantType) {
    auto grant = decode_grant(body);
    if (!grant) return grant.error();
    return ControlBody(*std::move(grant));
  }
  if (type != kRevokeType) return ledger_error::reserved_type;
  auto revoke = decode_revoke(body);
  if (!revoke) return revoke.error();
  return ControlBody(*std::move(revoke));
}

}  // namespace kith::store

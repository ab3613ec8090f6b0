// SPDX-License-Identifier: MIT
// The bodies of a control feed: a grant lets an author write, a revoke takes one grant away and
// says what of it stays. Canonical DAG-CBOR, as strict as blocks; without the 16 random bytes that
// bodies begin with where a ledger hides. Pure; any thread. Specified in engine/store/README.md
// "Access". It never judges whether an issuer was entitled: access.h does.
#pragma once
#include <variant>

#include "engine/store/blocks.h"

namespace kith::store {

inline constexpr std::string_view kGrantType = "ledger/grant", kRevokeType = "ledger/revoke";
inline constexpr std::uint16_t kRankMax = 65'535;
inline constexpr std::size_t kKeepMax = 1'000;

struct Grant {  // {to, rank, role}
  crypto::Key32 to{};
  std::uint16_t rank = 0;  // 1 and up
  std::string role;        // of the alphabet of types; a name for people and apps
  friend bool operator==(const Grant&, const Grant&) = default;
};
ByteVector encode(const Grant& grant);
// bad_block, not_canonical, bad_integer, bad_type (of the role), body_too_large.
Result<Grant> decode_grant(Bytes body);

struct Revoke {  // {keep, grant}
  Digest grant{};
  std::vector<SignedHead> keep;  // sorted by feed, one a feed, seq 1 and up
  friend bool operator==(const Revoke&, const Revoke&) = default;
};
ByteVector encode(const Revoke& revoke);
// bad_block, not_canonical, bad_integer, body_too_large. Signatures are not judged.
Result<Revoke> decode_revoke(Bytes body);

// By the entry's type; any other type is reserved_type.
using ControlBody = std::variant<Grant, Revoke>;
Result<ControlBody> decode_control(std::string_view type, Bytes body);

}  // namespace kith::store

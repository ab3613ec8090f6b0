// SPDX-License-Identifier: MIT
// Properties: a grant or revoke that is read is written as the very same bytes, is canonical
// DAG-CBOR and within its bounds; what is refused is refused by a known name. The first byte says
// which of the two it is.
#include <cstdlib>

#include "engine/store/grants.h"
#include "engine/wire/value.h"

using namespace kith;
using namespace kith::store;

namespace {

bool is_bounded(const Grant& grant) { return grant.rank > 0 && is_type_valid(grant.role); }

bool is_bounded(const Revoke& revoke) {
  for (std::size_t i = 0; i < revoke.keep.size(); ++i) {
    const Head& head = revoke.keep[i].head;
    if (head.seq == 0 || head.seq > kIntegerMax) return false;
    if (i > 0 && !(revoke.keep[i - 1].head.feed < head.feed)) return false;
  }
  return revoke.keep.size() <= kKeepMax;
}

template <class T>
void judge(Bytes body, const Result<T>& decoded) {
  if (decoded) {
    if (!is_bounded(*decoded) || !equal(encode(*decoded), body)) std::abort();
    if (!wire::decode_cbor(body)) std::abort();
    return;
  }
  using enum ledger_error;
  bool known = false;
  for (const ledger_error each :
       {bad_block, not_canonical, bad_integer, bad_type, body_too_large}) {
    known = known || decoded.error().is(each);
  }
  if (!known) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes body(data + 1, size - 1);
  data[0] % 2 == 0 ? judge(body, decode_grant(body)) : judge(body, decode_revoke(body));
  return 0;
}

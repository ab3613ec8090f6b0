// SPDX-License-Identifier: MIT
// Properties: a receipt that is read is written as the very same bytes and is canonical DAG-CBOR;
// so is a list of them as sync carries it. The first byte says which of the two it is.
#include <cstdlib>

#include "engine/store/receipt.h"
#include "engine/wire/value.h"

using namespace kith;
using namespace kith::store;

namespace {

bool is_bounded(const Receipt& receipt) {
  return receipt.seq > 0 && receipt.seq <= kIntegerMax && receipt.time_us <= kIntegerMax;
}

void judge_block(Bytes block) {
  const auto receipt = decode_receipt(block);
  if (!receipt) return;
  if (!is_bounded(*receipt) || !equal(encode(*receipt), block)) std::abort();
  if (!wire::decode_cbor(block)) std::abort();
}

void judge_list(Bytes bytes) {
  const auto receipts = read_receipts(bytes);
  if (!receipts) return;
  ByteVector again;
  for (const SignedReceipt& one : *receipts) {
    if (!is_bounded(one.receipt)) std::abort();
    append_receipt(again, one);
  }
  if (!equal(again, bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  data[0] % 2 == 0 ? judge_block(rest) : judge_list(rest);
  return 0;
}

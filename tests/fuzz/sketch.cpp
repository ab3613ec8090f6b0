// SPDX-License-Identifier: MIT
// Properties: symbols that are read are written as the same bytes; peeling any symbols ends; what
// is claimed as done explains each symbol taken; two honest sets give their very difference. Two
// bytes say how many items each side has of its own; the rest is laid over the other's symbols.
#include "engine/store/sketch.h"

#include <algorithm>
#include <cstdlib>

using namespace kith;
using namespace kith::store;

namespace {

void expect(bool held) {
  if (!held) std::abort();
}

std::vector<std::uint64_t> own_items(std::uint64_t side, std::size_t count) {
  std::vector<std::uint64_t> items;
  for (std::size_t i = 0; i < count; ++i) {
    items.push_back((side << 32 | (i + 1)) * 0x9e3779b97f4a7c15);
  }
  std::sort(items.begin(), items.end());
  return items;
}

std::vector<Symbol> read_whole(Bytes bytes) {
  const auto symbols = read_symbols(bytes);
  expect(static_cast<bool>(symbols) ==
         (bytes.size() % kSymbolBytes == 0 && bytes.size() <= kSymbolsMax * kSymbolBytes));
  if (!symbols) return {};
  ByteVector again;
  append_symbols(again, *symbols);
  expect(equal(again, bytes));
  return *symbols;
}

// The set, changed by what was found, has the very symbols that were taken.
void expect_explained(const Unsketch& unsketch, Sketch mine, std::span<const Symbol> taken) {
  for (const std::uint64_t item : unsketch.mine()) mine.remove(item);
  for (const std::uint64_t item : unsketch.theirs()) mine.add(item);
  expect(std::ranges::equal(mine.symbols().first(taken.size()), taken));
  expect(unsketch.mine().size() + unsketch.theirs().size() <= taken.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto only_mine = own_items(1, data[0] % 64), only_theirs = own_items(2, data[1] % 64);
  const Bytes over(data + 2, size - 2);
  read_whole(over);

  Sketch mine, theirs;
  for (const std::uint64_t item : only_mine) mine.add(item);
  for (const std::uint64_t item : only_theirs) theirs.add(item);
  ByteVector bytes;
  append_symbols(bytes, theirs.symbols());
  for (std::size_t i = 0; i < std::min(over.size(), bytes.size()); ++i) bytes[i] ^= over[i];
  const std::vector<Symbol> symbols = read_whole(bytes);

  Unsketch unsketch(mine);
  const std::span<const Symbol> all = symbols;
  const auto state = unsketch.take(all.first(data[0]));
  expect((state == Unsketch::State::more) == (unsketch.take({}) == Unsketch::State::more));
  unsketch.take(all.subspan(unsketch.taken()));
  expect(unsketch.state() != Unsketch::State::more);
  const bool is_done = unsketch.state() == Unsketch::State::done;
  if (is_done) expect_explained(unsketch, mine, all.first(unsketch.taken()));
  if (!is_done) expect(unsketch.mine().empty() && unsketch.theirs().empty());
  if (std::any_of(over.begin(), over.end(), [](std::uint8_t byte) { return byte != 0; })) return 0;
  expect(is_done && unsketch.mine() == only_mine && unsketch.theirs() == only_theirs);
  return 0;
}

// SPDX-License-Identifier: MIT
// Which tips two nodes do not share, in as many bytes as there are differences: a rateless IBLT
// (Yang, Gilad, Alizadeh: "Practical Rateless Set Reconciliation", 2024) over 8-byte items. Sketch
// is one node's set, kept current by its Ledger; Unsketch belongs to one exchange and takes a
// peer's symbols. Pure. Never the last word: items can be made to collide, so whether two nodes
// agree is said by their TipTrees alone (README.md, "Digest").
#pragma once
#include "engine/store/lanes.h"

namespace kith::store {

// 3 bytes of the feed's digest, so that TipTree::find is led to the tip, then 5 of the entry's.
std::uint64_t item_of(const Tip& tip);
inline constexpr std::size_t kItemFeedBits = 24;

struct Symbol {
  std::uint64_t sum = 0;    // its items, by xor
  std::uint32_t check = 0;  // their checks, by xor
  std::uint8_t count = 0;   // how many they are, modulo 256
  friend bool operator==(const Symbol&, const Symbol&) = default;
};
inline constexpr std::size_t kSymbolsMax = 512;  // of a sketch, and of a list of a peer's
inline constexpr std::size_t kSymbolBytes = 13;  // sum 8, check 4, count 1; big-endian

void append_symbols(ByteVector& to, std::span<const Symbol> symbols);
Result<std::vector<Symbol>> read_symbols(Bytes bytes);  // or bad_block

class Sketch {
 public:
  explicit Sketch(std::size_t symbols = kSymbolsMax) : symbols_(symbols) {}
  // About 0.1 us. A set: whoever adds an item twice must remove it twice.
  void add(std::uint64_t item);
  void remove(std::uint64_t item);
  std::span<const Symbol> symbols() const { return symbols_; }

 private:
  std::vector<Symbol> symbols_;
};

class Unsketch {
 public:
  enum class State {
    more,   // it takes further symbols to tell
    done,   // all taken symbols are explained by mine() and theirs()
    failed  // no more symbols to compare with, or no honest set has such
  };
  // Against the set as it is now, whatever becomes of it.
  explicit Unsketch(const Sketch& mine);
  // The peer's next symbols, from its first on. What comes after `done` is not looked at.
  State take(std::span<const Symbol> theirs);
  State state() const { return state_; }
  std::size_t taken() const { return taken_; }
  // Items that only one side has, sorted, once `done`; until then some of them, in no order.
  const std::vector<std::uint64_t>& mine() const { return mine_; }
  const std::vector<std::uint64_t>& theirs() const { return theirs_; }

 private:
  void peel();
  void take_out(const Symbol& found);
  void finish();
  void fail();

  // Theirs less mine less what was found; those not taken yet still lack theirs.
  std::vector<Symbol> left_;
  std::vector<std::size_t> single_;  // places that may hold one item
  std::size_t taken_ = 0;
  std::size_t filled_ = 0;  // of those taken, how many are not explained yet
  State state_ = State::more;
  std::vector<std::uint64_t> mine_, theirs_;
};

}  // namespace kith::store

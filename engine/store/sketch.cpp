// SPDX-License-Identifier: MIT
#include "engine/store/sketch.h"

#include <algorithm>
#include <cmath>

namespace kith::store {
namespace {

constexpr std::uint8_t kOneMore = 1, kOneLess = 0xff;

// SplitMix64: each bit of an item moves every bit of its check and of its places.
std::uint64_t mix(std::uint64_t item) {
  std::uint64_t mixed = item + 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

std::uint32_t check_of(std::uint64_t mixed) { return static_cast<std::uint32_t>(mixed); }

// The places of an item, ascending from 0: it stands in symbol i by the chance 1 / (1 + i / 2)
// (the paper, section 4.2). Each step is one rounded operation on doubles and none can be fused
// with the next, so that every machine finds the same places.
class Walk {
 public:
  explicit Walk(std::uint64_t mixed) : chance_(mixed | 1) {}
  std::size_t at() const { return at_; }
  void step() {
    chance_ *= 0xda942042e4dd58b5;
    const auto drawn = static_cast<double>(static_cast<std::int64_t>(chance_ >> 32) + 1);
    const double stretch = 65'536.0 / std::sqrt(drawn) - 1.0;
    const double from = static_cast<double>(static_cast<std::int64_t>(at_)) + 1.5;
    at_ += 1 + static_cast<std::size_t>(static_cast<std::int64_t>(from * stretch));
  }

 private:
  std::uint64_t chance_;
  std::size_t at_ = 0;
};

void change(Symbol& symbol, std::uint64_t sum, std::uint32_t check, std::uint8_t count) {
  symbol.sum ^= sum;
  symbol.check ^= check;
  symbol.count = static_cast<std::uint8_t>(symbol.count + count);
}

void change_all(std::vector<Symbol>& symbols, std::uint64_t item, std::uint8_t count) {
  const std::uint64_t mixed = mix(item);
  for (Walk walk(mixed); walk.at() < symbols.size(); walk.step()) {
    change(symbols[walk.at()], item, check_of(mixed), count);
  }
}

bool may_be_single(const Symbol& symbol) {
  return symbol.count == kOneMore || symbol.count == kOneLess;
}

bool is_single(const Symbol& symbol, std::size_t place) {
  if (!may_be_single(symbol)) return false;
  const std::uint64_t mixed = mix(symbol.sum);
  if (symbol.check != check_of(mixed)) return false;
  Walk walk(mixed);
  while (walk.at() < place) walk.step();
  return walk.at() == place;
}

bool is_set(const std::vector<std::uint64_t>& sorted) {
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

void append_big_endian(ByteVector& to, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t read_big_endian(Bytes from) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : from) value = value << 8 | byte;
  return value;
}

}  // namespace

std::uint64_t item_of(const Tip& tip) {
  return read_big_endian(Bytes(tip.feed).first(3)) << 40 |
         read_big_endian(Bytes(tip.entry).first(5));
}

void append_symbols(ByteVector& to, std::span<const Symbol> symbols) {
  to.reserve(to.size() + symbols.size() * kSymbolBytes);
  for (const Symbol& symbol : symbols) {
    append_big_endian(to, symbol.sum, 8);
    append_big_endian(to, symbol.check, 4);
    to.push_back(symbol.count);
  }
}

Result<std::vector<Symbol>> read_symbols(Bytes bytes) {
  if (bytes.size() % kSymbolBytes != 0 || bytes.size() / kSymbolBytes > kSymbolsMax) {
    return Error(ledger_error::bad_block, "symbols of a sketch");
  }
  std::vector<Symbol> symbols(bytes.size() / kSymbolBytes);
  for (Symbol& symbol : symbols) {
    symbol.sum = read_big_endian(bytes.first(8));
    symbol.check = static_cast<std::uint32_t>(read_big_endian(bytes.subspan(8, 4)));
    symbol.count = bytes[12];
    bytes = bytes.subspan(kSymbolBytes);
  }
  return symbols;
}

void Sketch::add(std::uint64_t item) { change_all(symbols_, item, kOneMore); }
void Sketch::remove(std::uint64_t item) { change_all(symbols_, item, kOneLess); }

Unsketch::Unsketch(const Sketch& mine) : left_(mine.symbols().begin(), mine.symbols().end()) {
  for (Symbol& symbol : left_) symbol.count = static_cast<std::uint8_t>(-symbol.count);
}

Unsketch::State Unsketch::take(std::span<const Symbol> theirs) {
  for (const Symbol& symbol : theirs) {
    if (state_ != State::more || taken_ == left_.size()) break;
    Symbol& left = left_[taken_];
    change(left, symbol.sum, symbol.check, symbol.count);
    if (left != Symbol{}) ++filled_;
    single_.push_back(taken_++);
    peel();
    if (state_ == State::more && filled_ == 0) finish();
  }
  if (state_ == State::more && taken_ == left_.size()) fail();
  return state_;
}

// Of an honest set every item is found once, and each symbol gives one at most.
void Unsketch::peel() {
  while (!single_.empty()) {
    const std::size_t place = single_.back();
    single_.pop_back();
    const Symbol found = left_[place];
    if (!is_single(found, place)) continue;
    if (mine_.size() + theirs_.size() == taken_) return fail();
    (found.count == kOneMore ? theirs_ : mine_).push_back(found.sum);
    take_out(found);
  }
}

void Unsketch::take_out(const Symbol& found) {
  const auto less = static_cast<std::uint8_t>(-found.count);
  for (Walk walk(mix(found.sum)); walk.at() < left_.size(); walk.step()) {
    Symbol& left = left_[walk.at()];
    const bool was_filled = left != Symbol{};
    change(left, found.sum, found.check, less);
    if (walk.at() >= taken_) continue;
    if (was_filled) --filled_;
    if (left != Symbol{}) ++filled_;
    if (may_be_single(left)) single_.push_back(walk.at());
  }
}

void Unsketch::finish() {
  std::sort(mine_.begin(), mine_.end());
  std::sort(theirs_.begin(), theirs_.end());
  std::vector<std::uint64_t> both;
  std::set_intersection(mine_.begin(), mine_.end(), theirs_.begin(), theirs_.end(),
                        std::back_inserter(both));
  if (!both.empty() || !is_set(mine_) || !is_set(theirs_)) return fail();
  state_ = State::done;
}

void Unsketch::fail() {
  state_ = State::failed;
  mine_.clear();
  theirs_.clear();
  single_.clear();
}

}  // namespace kith::store

// SPDX-License-Identifier: MIT
// Columns: reads the pieces of a run one after the other. The first that is not there makes all
// later ones empty. Never allocates. The room's own.
#pragma once
#include <optional>

#include "engine/store/blocks.h"

namespace kith::store {

class ColumnReader {
 public:
  explicit ColumnReader(Bytes rest) : rest_(rest) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    const int taken = wire::read_varint(rest_, value);
    if (taken <= 0) {
      fail(ledger_error::bad_run, "a number cut short or not minimal");
      return 0;
    }
    rest_ = rest_.subspan(static_cast<std::size_t>(taken));
    return value;
  }
  // A number that has an upper bound; over it, and after a failure, 0.
  std::uint64_t number(std::uint64_t max, ledger_error over, const char* detail) {
    const std::uint64_t value = number();
    if (value <= max) return value;
    fail(over, detail);
    return 0;
  }
  Bytes bytes(std::uint64_t size) {
    if (size > rest_.size()) {
      fail(ledger_error::bad_run, "cut short");
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  template <std::size_t size>
  void copy(std::array<std::uint8_t, size>& to) {
    const Bytes from = bytes(size);
    if (!from.empty()) std::memcpy(to.data(), from.data(), size);
  }

  std::size_t left() const { return rest_.size(); }
  bool failed() const { return error_.has_value(); }
  Error error() const { return Error(*error_, detail_); }
  void fail(ledger_error error, const char* detail) {
    if (error_) return;
    error_ = error;
    detail_ = detail;
    rest_ = {};
  }
  void expect(bool held, ledger_error error, const char* detail) {
    if (!held) fail(error, detail);
  }

 private:
  Bytes rest_;
  std::optional<ledger_error> error_;
  const char* detail_ = "";
};

}  // namespace kith::store

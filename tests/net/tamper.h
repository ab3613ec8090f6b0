// SPDX-License-Identifier: MIT
// Tamper: a link around a link that spoils what is written to it from a given byte on, as a broken
// or hostile peer would. Owned by its holder as any pipe; drop ends both.
#pragma once
#include <kith/pipe.h>

#include <memory>

namespace kith::test {

struct Tamper final : kith_pipe {
  enum class Mode { none, silence, flip, garbage };
  struct Plan {
    Mode mode = Mode::none;
    std::size_t at = 0;              // the byte from which on; flip: that byte alone
    std::size_t* written = nullptr;  // counts all that passed
  };
  static Pipe around(Pipe inner, Plan plan) {
    auto made = std::make_unique<Tamper>(std::move(inner), plan);
    return Pipe(made.release());  // until drop
  }
  Tamper(Pipe inner, Plan plan)
      : kith_pipe{&PipeOps<Tamper>::table}, inner_(std::move(inner)), plan_(plan) {}

  std::int64_t read(MutableBytes to) { return inner_.read(to); }
  std::int64_t write(std::span<const kith_bytes> v) {
    std::int64_t taken = 0;
    for (const kith_bytes& piece : v) {
      ByteVector bytes = to_vector(view(piece));
      std::size_t pass = bytes.size();
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t at = passed_ + i;
        if (plan_.mode == Mode::silence && at >= plan_.at) pass = std::min(pass, i);
        if (plan_.mode == Mode::flip && at == plan_.at) bytes[i] ^= 0x40;
        if (plan_.mode == Mode::garbage && at >= plan_.at) {
          bytes[i] = static_cast<std::uint8_t>(at * 151 + 17);
        }
      }
      // A link that says it took the bytes and never delivers them.
      if (pass > 0 && inner_.write(Bytes(bytes).first(pass)) < 0) return KITH_RESET;
      passed_ += bytes.size();
      if (plan_.written) *plan_.written = passed_;
      taken += static_cast<std::int64_t>(bytes.size());
    }
    return taken;
  }
  void want(unsigned rd_wr, kith_done wake) { inner_.want(rd_wr, wake); }
  void deadline(unsigned rd_wr, std::uint32_t ms) { inner_.deadline(rd_wr, ms); }
  int shut() { return inner_.shut(); }
  void drop(int error) {
    const std::unique_ptr<Tamper> self(this);
    error < 0 ? inner_.reset(error) : inner_.close();
  }
  int info(kith_pipe_info& info) const { return inner_.get()->ops->info(inner_.get(), &info); }

 private:
  Pipe inner_;
  Plan plan_;
  std::size_t passed_ = 0;
};

}  // namespace kith::test

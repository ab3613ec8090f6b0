// SPDX-License-Identifier: MIT
// Bytes: views, owned strings of bytes, and the shared buffer. Header only; no knowledge of any
// protocol.
#pragma once
#include <kith/kith.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kith {

using Bytes = std::span<const std::uint8_t>;  // a view; ends with what it looks at
using MutableBytes = std::span<std::uint8_t>;
using ByteVector = std::vector<std::uint8_t>;  // owned

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes view(kith_bytes bytes) { return {bytes.p, bytes.n}; }
inline std::string_view text(kith_bytes bytes) { return as_text(view(bytes)); }
inline kith_bytes c_bytes(Bytes bytes) { return {bytes.data(), bytes.size()}; }
inline kith_bytes c_bytes(std::string_view text) { return c_bytes(as_bytes(text)); }
inline std::string to_string(kith_bytes bytes) { return std::string(text(bytes)); }
inline ByteVector to_vector(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
inline bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
inline void append(ByteVector& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

// Holds one reference to a kith_buf. Loop thread only, as the count is not atomic.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(kith_buf* adopted) : buf_(adopted) {}
  Buffer(const Buffer& other) : buf_(other.buf_ ? kith_buf_ref(other.buf_) : nullptr) {}
  Buffer(Buffer&& other) noexcept : buf_(std::exchange(other.buf_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(buf_, other.buf_);
    return *this;
  }
  ~Buffer() { kith_buf_unref(buf_); }

  static Buffer take(ByteVector bytes) {
    auto* owned = new Owned{{}, std::move(bytes)};
    owned->buf = {c_bytes(Bytes(owned->bytes)), 1, &Owned::free};
    return Buffer(&owned->buf);
  }
  static Buffer copy(Bytes bytes) { return take(to_vector(bytes)); }
  static Buffer share(kith_buf* held) { return Buffer(held ? kith_buf_ref(held) : nullptr); }

  Bytes bytes() const { return buf_ ? view(buf_->b) : Bytes(); }
  kith_buf* get() const { return buf_; }
  explicit operator bool() const { return buf_ != nullptr; }

 private:
  struct Owned {
    kith_buf buf;  // first, so that a kith_buf* is an Owned*
    ByteVector bytes;
    static void free(kith_buf* buf) { delete reinterpret_cast<Owned*>(buf); }
  };
  kith_buf* buf_ = nullptr;
};

}  // namespace kith

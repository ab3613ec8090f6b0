// SPDX-License-Identifier: MIT
// Result<T>: a value or an Error. For code that judges bytes; coroutines go on by .value(), which
// throws Fault. An area declares `enum class wire_error {...}` and `const char*
// describe(wire_error)` beside it.
#pragma once
#include <kith/kith.h>

#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace kith {

inline const char* describe(kith_err error) {
  switch (error) {
    case KITH_AGAIN: return "nothing now";
    case KITH_CLOSED: return "closed";
    case KITH_RESET: return "reset by the other side";
    case KITH_TIMEOUT: return "timed out";
    case KITH_REFUSED: return "refused";
    case KITH_LIMIT: return "over a limit";
    case KITH_BAD: return "malformed";
    case KITH_ABSENT: return "no such thing";
    case KITH_IO: return "input or output failed";
  }
  return "unknown error";
}

// One value of one area's enum, with what a person needs to know beyond it. The detail of a
// kith_err is a whole sentence: the code is for programs.
class Error {
 public:
  template <class Enum>
  requires std::is_enum_v<Enum> Error(Enum code,
                                      std::string detail = {})  // NOLINT: meant to convert
      : code_(static_cast<int>(code)),
        text_(describe(code)),
        detail_(std::move(detail)),
        whole_(std::is_same_v<Enum, kith_err>) {}

  template <class Enum>
  requires std::is_enum_v<Enum>
  bool is(Enum code) const {
    return code_ == static_cast<int>(code) && std::strcmp(text_, describe(code)) == 0;
  }
  int code() const { return code_; }
  const std::string& detail() const { return detail_; }
  std::string message() const {
    if (detail_.empty()) return text_;
    return whole_ ? detail_ : std::string(text_) + ": " + detail_;
  }

 private:
  int code_;
  const char* text_;
  std::string detail_;
  bool whole_;
};

// What .value() throws: caught only at the root of a task (see Scope) and at the C and Lua borders.
class Fault : public std::exception {
 public:
  explicit Fault(Error error) : error_(std::move(error)), message_(error_.message()) {}
  const char* what() const noexcept override { return message_.c_str(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: meant to convert
  Result(Error error)
      : held_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: meant to convert
  template <class Enum>
  requires std::is_enum_v<Enum> &&(!std::is_same_v<Enum, T>)Result(Enum code)
      : Result(Error(code)) {}  // NOLINT: meant to convert

  explicit operator bool() const { return held_.index() == 0; }
  const Error& error() const { return std::get<1>(held_); }
  T& operator*() & { return std::get<0>(held_); }
  const T& operator*() const& { return std::get<0>(held_); }
  T&& operator*() && { return std::get<0>(std::move(held_)); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }
  T value() && {
    if (!*this) throw Fault(std::get<1>(std::move(held_)));
    return std::get<0>(std::move(held_));
  }
  const T& value() const& {
    if (!*this) throw Fault(error());
    return std::get<0>(held_);
  }
  T value_or(T other) && { return *this ? std::get<0>(std::move(held_)) : std::move(other); }

 private:
  std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: meant to convert
  template <class Enum>
  requires std::is_enum_v<Enum> Result(Enum code)
      : error_(Error(code)) {}  // NOLINT: meant to convert

  explicit operator bool() const { return !error_; }
  const Error& error() const { return *error_; }
  void value() const {
    if (error_) throw Fault(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace kith

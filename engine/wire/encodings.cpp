// SPDX-License-Identifier: MIT
#include "engine/wire/encodings.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace kith::wire {
namespace {

// One row of multibase.csv.
struct Base {
  char prefix;
  std::string_view alphabet;
  bool padded;
  bool any_case;  // the alphabet knows one case, and the other is read as well
  std::string (*encode)(const Base&, Bytes);
  Result<ByteVector> (*decode)(const Base&, std::string_view);
};

constexpr std::uint8_t kNoDigit = 0xff;
using DigitTable = std::array<std::uint8_t, 256>;

char other_case(char letter) {
  if (letter >= 'a' && letter <= 'z') return static_cast<char>(letter - 'a' + 'A');
  if (letter >= 'A' && letter <= 'Z') return static_cast<char>(letter - 'A' + 'a');
  return letter;
}

DigitTable digits_of(const Base& base) {
  DigitTable table;
  table.fill(kNoDigit);
  for (std::size_t i = 0; i < base.alphabet.size(); ++i) {
    const char letter = base.alphabet[i];
    table[static_cast<std::uint8_t>(letter)] = static_cast<std::uint8_t>(i);
    if (base.any_case) {
      table[static_cast<std::uint8_t>(other_case(letter))] = static_cast<std::uint8_t>(i);
    }
  }
  return table;
}

// ---- a radix that is a power of two, read in bits (RFC 4648)

// Characters that a padded text counts in: as many as fill whole bytes.
template <unsigned kBits>
constexpr std::size_t kGroup = kBits == 5 ? 8 : 4;

template <unsigned kBits>
std::string encode_bits(const Base& base, Bytes bytes) {
  const std::size_t letters = (bytes.size() * 8 + kBits - 1) / kBits;
  const std::size_t groups = (letters + kGroup<kBits> - 1) / kGroup<kBits>;
  std::string text(base.padded ? groups * kGroup<kBits> : letters, '=');
  constexpr std::uint32_t kMask = (1u << kBits) - 1;
  const char* alphabet = base.alphabet.data();
  char* to = text.data();
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8) | byte;
    for (held_bits += 8; held_bits >= kBits;) {
      held_bits -= kBits;
      *to++ = alphabet[(held >> held_bits) & kMask];
    }
  }
  if (held_bits > 0) *to = alphabet[(held << (kBits - held_bits)) & kMask];
  return text;
}

// The text without its padding, if that is just as long as it has to be.
template <unsigned kBits>
Result<std::string_view> without_padding(std::string_view text) {
  if (text.size() % kGroup<kBits> != 0) return wire_error::bad_multibase;
  const std::size_t letters = text.find_last_not_of('=') + 1;  // npos + 1 = 0
  if (text.size() - letters >= kGroup<kBits>) return wire_error::bad_multibase;
  return text.substr(0, letters);
}

template <unsigned kBits>
Result<ByteVector> decode_bits(const Base& base, std::string_view text) {
  if (base.padded) {
    const auto bare = without_padding<kBits>(text);
    if (!bare) return bare.error();
    text = *bare;
  }
  const DigitTable digits = digits_of(base);
  ByteVector bytes(text.size() * kBits / 8);
  std::uint8_t* to = bytes.data();
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  for (const char letter : text) {
    const std::uint8_t digit = digits[static_cast<std::uint8_t>(letter)];
    if (digit == kNoDigit) return wire_error::bad_multibase;
    held = (held << kBits) | digit;
    held_bits += kBits;
    if (held_bits >= 8) {
      held_bits -= 8;
      *to++ = static_cast<std::uint8_t>(held >> held_bits);
    }
  }
  // What is left over is less than a character and all zero, or there are two texts for one value.
  const std::uint32_t spare = held & ((1u << held_bits) - 1);
  if (held_bits >= kBits || spare != 0) return wire_error::bad_multibase;
  return bytes;
}

// ---- any other radix: one big number, in quadratic time, which bounds what is read

constexpr std::size_t kBigNumberMax = 256;

// `from`, big-endian digits, as little-endian digits of another radix, without zeros at the front.
template <unsigned kFrom, unsigned kTo>
ByteVector convert(Bytes from) {
  ByteVector digits;
  digits.reserve(2 * from.size());
  for (const unsigned digit : from) {
    unsigned carry = digit;
    for (std::uint8_t& low : digits) {
      carry += low * kFrom;
      low = static_cast<std::uint8_t>(carry % kTo);
      carry /= kTo;
    }
    for (; carry > 0; carry /= kTo) digits.push_back(static_cast<std::uint8_t>(carry % kTo));
  }
  return digits;
}

std::size_t leading_zeros(Bytes bytes) {
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](auto byte) { return byte != 0; });
  return static_cast<std::size_t>(first - bytes.begin());
}

// Each leading zero byte is one leading zero digit.
template <unsigned kRadix>
std::string encode_big(const Base& base, Bytes bytes) {
  const std::size_t zeros = leading_zeros(bytes);
  const ByteVector digits = convert<256, kRadix>(bytes.subspan(zeros));
  std::string text(zeros, base.alphabet[0]);
  std::for_each(digits.rbegin(), digits.rend(),
                [&](std::uint8_t digit) { text.push_back(base.alphabet[digit]); });
  return text;
}

template <unsigned kRadix>
Result<ByteVector> decode_big(const Base& base, std::string_view text) {
  if (text.size() > kBigNumberMax) return wire_error::too_large;
  const DigitTable digits = digits_of(base);
  ByteVector values;
  values.reserve(text.size());
  for (const char letter : text) {
    values.push_back(digits[static_cast<std::uint8_t>(letter)]);
    if (values.back() == kNoDigit) return wire_error::bad_multibase;
  }
  const std::size_t zeros = leading_zeros(values);
  const ByteVector low_first = convert<kRadix, 256>(Bytes(values).subspan(zeros));
  ByteVector bytes(zeros, 0);
  bytes.insert(bytes.end(), low_first.rbegin(), low_first.rend());
  return bytes;
}

// ---- the table

template <unsigned kBits>
constexpr Base bits(char prefix, std::string_view alphabet, bool padded = false) {
  return {prefix, alphabet, padded, false, encode_bits<kBits>, decode_bits<kBits>};
}
template <unsigned kRadix>
constexpr Base big(char prefix, std::string_view alphabet) {
  return {prefix, alphabet, false, false, encode_big<kRadix>, decode_big<kRadix>};
}
constexpr Base any_case(Base base) {
  base.any_case = true;
  return base;
}

constexpr bool kPadded = true;
constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpperDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLetters32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kUpperLetters32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kZBase32 = "ybndrfg8ejkmcpqxot1uwisza345h769";
constexpr std::string_view kBitcoin58 =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kFlickr58 = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
constexpr std::string_view kStandard64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr Base kBases[] = {
    bits<1>('0', kDigits.substr(0, 2)),
    bits<3>('7', kDigits.substr(0, 8)),
    big<10>('9', kDigits.substr(0, 10)),
    any_case(bits<4>('f', kDigits.substr(0, 16))),
    any_case(bits<4>('F', kUpperDigits.substr(0, 16))),
    any_case(bits<5>('v', kDigits.substr(0, 32))),
    any_case(bits<5>('V', kUpperDigits.substr(0, 32))),
    any_case(bits<5>('t', kDigits.substr(0, 32), kPadded)),
    any_case(bits<5>('T', kUpperDigits.substr(0, 32), kPadded)),
    any_case(bits<5>('b', kLetters32)),
    any_case(bits<5>('B', kUpperLetters32)),
    any_case(bits<5>('c', kLetters32, kPadded)),
    any_case(bits<5>('C', kUpperLetters32, kPadded)),
    bits<5>('h', kZBase32),
    any_case(big<36>('k', kDigits)),
    any_case(big<36>('K', kUpperDigits)),
    big<58>('z', kBitcoin58),
    big<58>('Z', kFlickr58),
    bits<6>('m', kStandard64),
    bits<6>('M', kStandard64, kPadded),
    bits<6>('u', kUrl64),
    bits<6>('U', kUrl64, kPadded),
};

const Base* find_base(char prefix) {
  const auto* base = std::find_if(std::begin(kBases), std::end(kBases),
                                  [prefix](const Base& b) { return b.prefix == prefix; });
  return base == std::end(kBases) ? nullptr : base;
}

std::string encode(char prefix, Bytes bytes) {
  const Base* base = find_base(prefix);
  assert(base);
  return base->encode(*base, bytes);
}
Result<ByteVector> decode(char prefix, std::string_view text) {
  const Base* base = find_base(prefix);
  return base ? base->decode(*base, text) : Result<ByteVector>(wire_error::bad_multibase);
}

}  // namespace

std::string to_hex(Bytes bytes) { return encode('f', bytes); }
Result<ByteVector> from_hex(std::string_view text) { return decode('f', text); }

std::string to_base64(Bytes bytes) { return encode('M', bytes); }
Result<ByteVector> from_base64(std::string_view text) {
  return decode(text.ends_with('=') ? 'M' : 'm', text);
}

std::string to_base58(Bytes bytes) { return encode('z', bytes); }
Result<ByteVector> from_base58(std::string_view text) { return decode('z', text); }

std::string to_multibase(char prefix, Bytes bytes) { return prefix + encode(prefix, bytes); }

Result<ByteVector> from_multibase(std::string_view text) {
  if (text.empty()) return wire_error::bad_multibase;
  return decode(text.front(), text.substr(1));
}

}  // namespace kith::wire

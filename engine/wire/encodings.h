// SPDX-License-Identifier: MIT
// Text forms of bytes: multibase (base16, base32, base58btc, base64, base64url) and the bare ones;
// UTF-8 judgement.
#pragma once
#include "engine/wire/varint.h"

namespace kith::wire {

std::string to_hex(Bytes bytes);                     // lower case
Result<ByteVector> from_hex(std::string_view text);  // either case
std::string to_base64(Bytes bytes);                  // RFC 4648, padded
Result<ByteVector> from_base64(
    std::string_view text);  // padded or not; strict alphabet, zero spare bits
std::string to_base58(Bytes bytes);
Result<ByteVector> from_base58(std::string_view text);  // at most 256 characters
std::string to_multibase(char prefix, Bytes bytes);     // 'f' 'b' 'z' 'm' 'u'; 'm' and 'u' unpadded
Result<ByteVector> from_multibase(
    std::string_view text);  // also 'F', 'B', 'k' (base36), 'v','c','t','M','U' as the table says

bool is_utf8(Bytes bytes);
// For a terminal or a log: control characters, DEL and bad UTF-8 as \xNN, newline as \n, backslash
// doubled.
std::string escape_text(std::string_view text);

}  // namespace kith::wire

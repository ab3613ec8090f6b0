// SPDX-License-Identifier: MIT
// Text forms of bytes: multibase (every base of multibase.csv that is an alphabet) and the bare
// ones; UTF-8 judgement. A text that is read is the one spelling of its bytes, but for the case of
// letters where the base has one. All are linear in time but base10, base36 and base58, whose text
// is at most 256 characters.
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
// The prefix is a letter of the table ("079fFvVtTbBcChkKzZmMuU"), never a stranger's; 'm' and 'u'
// are unpadded.
std::string to_multibase(char prefix, Bytes bytes);
Result<ByteVector> from_multibase(std::string_view text);

bool is_utf8(Bytes bytes);
// For a terminal or a log: control characters (C0, C1), DEL and bad UTF-8 as \xNN, newline as \n,
// backslash doubled.
std::string escape_text(std::string_view text);

}  // namespace kith::wire

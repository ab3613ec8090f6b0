// SPDX-License-Identifier: MIT
// The name that was probably meant: for sentences about unknown commands and arguments. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace kith::bus {

// By edits (insert, delete, change, swap), a name that begins with the word before others; the
// first of equals. Empty when nothing is known.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

// A stranger's word for a sentence: escaped, in quotes, cut when it is long.
std::string in_quotes(std::string_view word);

}  // namespace kith::bus

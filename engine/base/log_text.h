// SPDX-License-Identifier: MIT
// What a stranger's text becomes before it reaches a terminal or a log: one line, without control
// characters, from which the bytes can be read back. Holds no state.
#pragma once
#include <string>
#include <string_view>

namespace kith {

// Backslash doubled, newline as \n; controls (C0, DEL, C1), line separators (U+2028, U+2029), text
// direction marks and what is no UTF-8 as \xNN, byte by byte.
void append_log_text(std::string& to, std::string_view line);
// The same inside a JSON string.
void append_log_json(std::string& to, std::string_view line);

}  // namespace kith

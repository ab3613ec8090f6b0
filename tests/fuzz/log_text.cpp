// SPDX-License-Identifier: MIT
// Any bytes become one line without control characters, and can be read back from it.
#include "engine/base/log_text.h"

#include <cstdint>
#include <cstdlib>

namespace {

int digit(char letter) { return letter <= '9' ? letter - '0' : letter - 'a' + 10; }

std::string read_back(const std::string& line) {
  std::string bytes;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      bytes.push_back(line[i]);
    } else if (line.at(++i) == 'x') {
      bytes.push_back(static_cast<char>(digit(line.at(i + 1)) << 4 | digit(line.at(i + 2))));
      i += 2;
    } else {
      bytes.push_back(line[i] == 'n' ? '\n' : line[i]);
    }
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string given(reinterpret_cast<const char*>(data), size);
  std::string line, json;
  kith::append_log_text(line, given);
  kith::append_log_json(json, given);
  for (const char letter : line + json) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) std::abort();
  }
  if (read_back(line) != given) std::abort();
  // Inside a JSON string only \\ and \" appear: undoing those two gives the line of text.
  std::string undone;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') std::abort();
    if (json[i] == '\\' && json.at(++i) != '\\' && json[i] != '"') std::abort();
    undone.push_back(json[i]);
  }
  if (undone != line) std::abort();
  return 0;
}

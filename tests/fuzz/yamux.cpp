// SPDX-License-Identifier: MIT
// The Yamux frame parser, fed in pieces: what it tells, written again, is what it was given.
#include <cstdlib>

#include "engine/wire/yamux.h"

using namespace kith;
using Step = wire::YamuxParser::Step;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece_max = 1 + data[0];
  Bytes input(data + 1, size - 1);
  const Bytes all = input;
  wire::YamuxParser parser;
  ByteVector again;
  bool bad = false;
  while (!input.empty() && !bad) {
    Bytes piece = input.first(std::min(piece_max, input.size()));
    input = input.subspan(piece.size());
    for (Step step = parser.next(piece); step != Step::more; step = parser.next(piece)) {
      if (step == Step::bad) {
        bad = true;
        break;
      }
      if (step == Step::header) wire::append_yamux_header(again, parser.header());
      if (step == Step::data) append(again, parser.piece());
    }
  }
  const std::size_t lost = all.size() - again.size();  // of a header that is not whole
  if (again.size() > all.size() || !equal(again, all.first(again.size()))) std::abort();
  if (!bad && lost >= wire::YamuxHeader::kSize) std::abort();
  return 0;
}

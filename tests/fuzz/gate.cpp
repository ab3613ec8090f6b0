// SPDX-License-Identifier: MIT
// A block that reads writes itself so that it reads the same again, and holds its own first
// address; the gate takes what is a block or a peer id and nothing else.
#include "engine/net/gate.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith;
  const std::string text(as_text(Bytes(data, size)));
  const auto block = net::Cidr::from_text(text);
  if (block) {
    const auto again = net::Cidr::from_text(block->text());
    if (!again || !(*again == *block)) std::abort();
    const auto first = net::Cidr::ip_from_text(block->text().substr(0, block->text().find('/')));
    if (!first || !block->contains(*first)) std::abort();
  }
  net::Gate gate;
  net::Gate::Lists lists;
  lists.deny.push_back(text);
  const bool known = block || wire::PeerId::from_text(text);
  if (static_cast<bool>(gate.set(lists)) != known) std::abort();
  return 0;
}

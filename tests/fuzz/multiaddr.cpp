// SPDX-License-Identifier: MIT
// Property: an address comes back from its bytes and its text, its text is plain, and what is made
// from it is well-formed.
#include "engine/wire/multiaddr.h"

#include <cstdlib>

#include "engine/wire/encodings.h"

using namespace kith;
using namespace kith::wire;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void comes_back(const Multiaddr& address) {
  const auto from_bytes = Multiaddr::from_bytes(address.bytes());
  require(from_bytes && *from_bytes == address);
  const std::string text = address.text();
  const auto from_text = Multiaddr::from_text(text);
  require(from_text && *from_text == address);
  for (const char c : text) require(static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
}

void makes_well_formed(const Multiaddr& address) {
  const Multiaddr bare = address.without_peer();
  if (!bare.empty()) comes_back(bare);
  if (const auto peer = address.peer(); peer && !bare.peer()) {
    require(bare.with_peer(*peer) == address);
  }
  if (const auto port = address.port()) require(address.with_port(*port) == address);
  comes_back(address.with_port(1));
  if (const Multiaddr moved = address.with_ip("::1"); moved.bytes().size() <= 1024) {
    if (!moved.empty()) comes_back(moved);
    require(moved.empty() || (moved.is_loopback() && moved.host() == "::1"));
  }
  require(!(address.is_loopback() && address.is_unspecified()));
  for (const auto& part : address.parts()) require(address.has(part.name));
  require(!address.host_is_name() || !address.host().empty());
  require(address.suffix().size() <= address.text().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  if (const auto address = Multiaddr::from_bytes(bytes)) {
    require(equal(address->bytes(), bytes));
    comes_back(*address);
    makes_well_formed(*address);
  }
  if (const auto address = Multiaddr::from_text(as_text(bytes))) {
    comes_back(*address);
    makes_well_formed(*address);
  }
  return 0;
}

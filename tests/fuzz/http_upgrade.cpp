// SPDX-License-Identifier: MIT
// Both sides of the HTTP exchange that makes a WebSocket: a request that is taken gives a key that
// the reply to it is accepted for; what is refused gets a whole reply.
#include <cstdlib>

#include "engine/wire/http_upgrade.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  const std::size_t head_size = wire::http_head_size(input);
  if (head_size > size) std::abort();
  const Bytes head = head_size > 0 ? input.first(head_size) : input;
  const auto key = wire::judge_upgrade_request(head);
  if (key) {
    if (head_size == 0 || key->size() != 24) std::abort();
    const std::string reply = wire::upgrade_reply(*key);
    if (!wire::judge_upgrade_reply(as_bytes(reply), *key)) std::abort();
    if (!wire::judge_upgrade_request(as_bytes(wire::upgrade_request("host", *key)))) std::abort();
  } else {
    const std::string refusal = wire::upgrade_refusal(key.error());
    if (wire::http_head_size(as_bytes(refusal)) == 0) std::abort();
  }
  const auto judged = wire::judge_upgrade_reply(head, "dGhlIHNhbXBsZSBub25jZQ==");
  if (judged && (key || head_size == 0)) std::abort();
  if (!judged && judged.error().message().find('\n') != std::string::npos) std::abort();
  return 0;
}

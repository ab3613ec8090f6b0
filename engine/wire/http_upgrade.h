// SPDX-License-Identifier: MIT
// The HTTP/1.1 exchange that makes a WebSocket of a connection (RFC 6455 section 4): the texts of
// both sides, and the judgement of what the other one said. Pure; no HTTP beyond this.
#pragma once
#include <kith/bytes.h>
#include <kith/result.h>

namespace kith::wire {

enum class upgrade_error {
  malformed = 1,  // no HTTP/1.1 request or reply
  too_large,      // its head does not end within kHttpHeadMax
  not_asked,      // a plain request, as a browser's address bar sends
  version,        // of WebSocket, other than 13
  refused,        // the server answered something else
};
const char* describe(upgrade_error error);

inline constexpr std::size_t kHttpHeadMax = 8 * 1024;
inline constexpr std::size_t kHttpHeadersMax = 64;

// Of a head with the empty line that ends it; 0: the end is not there.
std::size_t http_head_size(Bytes from);

// key: 16 random bytes in base64.
std::string upgrade_request(std::string_view host, std::string_view key);
std::string upgrade_reply(std::string_view key);  // 101
std::string upgrade_refusal(const Error& why);    // of a request: 400, 426 or 431, and why

Result<std::string> judge_upgrade_request(Bytes head);  // the key
Result<void> judge_upgrade_reply(Bytes head, std::string_view key);

}  // namespace kith::wire

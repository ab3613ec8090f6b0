// SPDX-License-Identifier: MIT
#include "engine/wire/http_upgrade.h"

#include <algorithm>
#include <optional>

#include "engine/wire/encodings.h"
#include "engine/wire/sha1.h"

namespace kith::wire {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kAcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kReasonMax = 80;  // of a stranger's words in a sentence of ours

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// RFC 9110 5.6.2
bool is_token(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

bool is_visible(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts off what stands before `mark`, and the mark.
std::string_view cut(std::string_view& text, std::string_view mark) {
  const std::size_t at = std::min(text.find(mark), text.size());
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(std::min(at + mark.size(), text.size()));
  return before;
}

// The first line and the fields of a head, as views into it.
class Head {
 public:
  static std::optional<Head> read(Bytes bytes) {
    if (bytes.empty() || http_head_size(bytes) != bytes.size()) return {};
    std::string_view text = as_text(bytes);
    text.remove_suffix(kLineEnd.size());
    Head head;
    head.first_line = cut(text, kLineEnd);
    if (!is_visible(head.first_line)) return {};
    while (!text.empty()) {
      std::string_view value = cut(text, kLineEnd);
      const bool has_colon = value.find(':') != std::string_view::npos;
      const std::string_view name = cut(value, ":");
      if (!has_colon || !is_token(name) || !is_visible(value)) return {};
      if (head.fields.size() == kHttpHeadersMax) return {};
      head.fields.emplace_back(name, trimmed(value));
    }
    return head;
  }
  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::count_if(fields.begin(), fields.end(),
                      [&](const auto& field) { return same_word(field.first, name); }));
  }
  // Of the first field of that name, or empty.
  std::string_view value(std::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (same_word(key, name)) return value;
    }
    return {};
  }
  // Whether one of the fields of that name has `word` in its list.
  bool lists(std::string_view name, std::string_view word) const {
    for (const auto& [key, value] : fields) {
      if (!same_word(key, name)) continue;
      for (std::string_view list = value; !list.empty();) {
        if (same_word(trimmed(cut(list, ",")), word)) return true;
      }
    }
    return false;
  }

  std::string_view first_line;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
};

std::string accept_of(std::string_view key) {
  return to_base64(sha1(as_bytes(std::string(key) + std::string(kAcceptSuffix))));
}

bool is_key(std::string_view text) {
  const auto bytes = from_base64(text);
  return bytes && bytes->size() == kKeyBytes && to_base64(*bytes) == text;
}

}  // namespace

const char* describe(upgrade_error error) {
  switch (error) {
    case upgrade_error::malformed: return "malformed HTTP";
    case upgrade_error::too_large: return "an HTTP head of more than 8 KiB";
    case upgrade_error::not_asked: return "a plain HTTP request";
    case upgrade_error::version: return "another version of WebSocket than 13";
    case upgrade_error::refused: return "no WebSocket there";
  }
  return "unknown error";
}

std::size_t http_head_size(Bytes from) {
  const std::size_t at = as_text(from).find("\r\n\r\n");
  return at == std::string_view::npos ? 0 : at + 4;
}

std::string upgrade_request(std::string_view host, std::string_view key) {
  std::string text = "GET / HTTP/1.1\r\nHost: ";
  text += host;
  text += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  text += "Sec-WebSocket-Key: ";
  text += key;
  text += "\r\n\r\n";
  return text;
}

std::string upgrade_reply(std::string_view key) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         accept_of(key) + "\r\n\r\n";
}

std::string upgrade_refusal(const Error& why) {
  std::string status = "400 Bad Request", more;
  std::string sentence = "This is no request for a WebSocket.\n";
  if (why.is(upgrade_error::too_large)) status = "431 Request Header Fields Too Large";
  if (why.is(upgrade_error::not_asked) || why.is(upgrade_error::version)) {
    status = "426 Upgrade Required";
    more = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    sentence =
        "A libp2p node listens here for WebSockets: there is no page to see, but a peer that "
        "runs js-libp2p can dial this address.\n";
  }
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + more +
         "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " +
         std::to_string(sentence.size()) + "\r\n\r\n" + sentence;
}

Result<std::string> judge_upgrade_request(Bytes bytes) {
  const auto head = Head::read(bytes);
  if (!head) return upgrade_error::malformed;
  std::string_view line = head->first_line;
  const std::string_view method = cut(line, " ");
  const std::string_view target = cut(line, " ");
  if (method != "GET" || target.empty() || (line != "HTTP/1.1" && line != "HTTP/1.0"))
    return upgrade_error::malformed;
  const bool has_body = head->count("Transfer-Encoding") > 0 ||
                        (head->count("Content-Length") > 0 && head->value("Content-Length") != "0");
  if (has_body || head->count("Host") > 1) return upgrade_error::malformed;
  const bool asks = line == "HTTP/1.1" && head->lists("Upgrade", "websocket") &&
                    head->lists("Connection", "upgrade");
  if (!asks) return upgrade_error::not_asked;
  const std::string_view key = head->value("Sec-WebSocket-Key");
  if (head->count("Host") != 1 || head->count("Sec-WebSocket-Key") != 1 || !is_key(key) ||
      head->count("Sec-WebSocket-Version") != 1)
    return upgrade_error::malformed;
  if (head->value("Sec-WebSocket-Version") != "13") return upgrade_error::version;
  return std::string(key);
}

Result<void> judge_upgrade_reply(Bytes bytes, std::string_view key) {
  const auto head = Head::read(bytes);
  if (!head) return upgrade_error::malformed;
  std::string_view line = head->first_line;
  if (cut(line, " ") != "HTTP/1.1" || line.size() < 3) return upgrade_error::malformed;
  const std::string said = escape_text(line.substr(0, kReasonMax));
  if (line.substr(0, 3) != "101" || (line.size() > 3 && line[3] != ' '))
    return Error(upgrade_error::refused, "it answered " + said);
  if (!head->lists("Upgrade", "websocket") || !head->lists("Connection", "upgrade"))
    return Error(upgrade_error::refused, "it switched to something else");
  if (head->count("Sec-WebSocket-Accept") != 1 ||
      head->value("Sec-WebSocket-Accept") != accept_of(key))
    return Error(upgrade_error::refused, "its accept key is not that of our key");
  // 4.1: what was not asked for must not be there.
  if (head->count("Sec-WebSocket-Extensions") > 0 || head->count("Sec-WebSocket-Protocol") > 0)
    return Error(upgrade_error::refused, "it insists on an extension or a subprotocol");
  return {};
}

}  // namespace kith::wire

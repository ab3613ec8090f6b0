// SPDX-License-Identifier: MIT
#include "engine/node/origins.h"

#include <algorithm>
#include <charconv>

#include "engine/bus/nearest.h"

namespace kith::node {

namespace {

constexpr std::size_t kHostBytesMax = 255;
constexpr std::string_view kExpected =
    " is no origin such as \"http://127.0.0.1:8080\" or \"https://example.org\"";

bool is_of(std::string_view text, std::string_view others) {
  return !text.empty() && text.size() <= kHostBytesMax &&
         std::all_of(text.begin(), text.end(), [others](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
         });
}

bool is_host(std::string_view host) {
  if (!host.starts_with('[')) return is_of(host, "-._");
  return host.ends_with(']') && is_of(host.substr(1, host.size() - 2), ":.");
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0;
}

}  // namespace

Result<std::string> judge_origin(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (made.ends_with('/') && !made.ends_with("//")) made.pop_back();
  const Error refused(KITH_BAD, bus::in_quotes(text) + std::string(kExpected));
  const std::string_view all = made;
  const std::size_t scheme = all.starts_with("http://") ? 7 : all.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return refused;
  const std::string_view rest = all.substr(scheme);
  if (rest.find('/') != rest.npos) {
    return Error(KITH_BAD, bus::in_quotes(text) +
                               " has a path: an origin is a scheme, a host and perhaps a port");
  }
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  if (!is_host(rest.substr(0, colon))) return refused;
  if (colon != rest.npos && !is_port(rest.substr(colon + 1))) return refused;
  return made;
}

Result<std::vector<std::string>> http_origins(const wire::Value& config) {
  std::vector<std::string> origins;
  const wire::Value* given = config.find("http");
  if (!given) return origins;
  const wire::Value::List one(1, *given);
  const wire::Value::List* list = given->string() ? &one : given->list();
  if (!list) return Error(KITH_BAD, "http is a list of origins such as \"http://127.0.0.1:8080\"");
  for (const wire::Value& item : *list) {
    if (!item.string()) return Error(KITH_BAD, "http holds texts only");
    auto judged = judge_origin(*item.string());
    if (!judged) return Error(KITH_BAD, "http: " + judged.error().detail());
    origins.push_back(*std::move(judged));
  }
  return origins;
}

}  // namespace kith::node

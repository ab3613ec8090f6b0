// SPDX-License-Identifier: MIT
#include "plugins/apps/hooks/options.h"

#include <algorithm>

#include "engine/wire/encodings.h"
#include "plugins/apps/hooks/limits.h"

namespace kith::hooks {
namespace {

Error bad(const std::string& path, const std::string& what) {
  return {KITH_BAD, path + ": " + what};
}

// '+' stands for one level, a last '#' for the rest.
bool is_topic(std::string_view topic) {
  if (topic.empty() || topic.size() > kTopicBytesMax) return false;
  for (std::size_t at = 0; at <= topic.size();) {
    const std::size_t end = std::min(topic.find('/', at), topic.size());
    const std::string_view level = topic.substr(at, end - at);
    const bool is_wild = level.find_first_of("+#") != level.npos;
    if (is_wild && (level.size() != 1 || (level == "#" && end != topic.size()))) return false;
    at = end + 1;
  }
  return true;
}

bool is_url(std::string_view url) {
  const std::size_t host = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  return host > 0 && url.size() > host && url.size() <= kUrlBytesMax &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c != 0x7f; });
}

Result<HookSpec> judge_one(const std::string& path, const wire::Value& given) {
  if (!given.map()) return bad(path, "a hook is a table: write [[plugins.hooks.post]]");
  for (const auto& [key, value] : *given.map()) {
    if (key != "topic" && key != "url")
      return bad(path + "." + wire::escape_text(key), "unknown key: a hook has topic and url");
    if (!value.string()) return bad(path + "." + key, "expected a text");
  }
  HookSpec spec{given.string_or("topic"), given.string_or("url")};
  if (!is_topic(spec.topic)) {
    return bad(path + ".topic",
               "expected a topic such as \"alerts\", or a pattern such as \"alerts/#\"");
  }
  if (!is_url(spec.url)) {
    return bad(path + ".url", "expected http://HOST/... or https://HOST/..., without spaces");
  }
  return spec;
}

}  // namespace

std::string HookSpec::shown_url() const {
  const std::size_t host = url.find("//") + 2;
  const std::size_t end = std::min(url.find_first_of("/?#", host), url.size());
  const std::size_t at = url.rfind('@', end);
  if (at == url.npos || at < host) return url;
  return url.substr(0, host) + "***" + url.substr(at);
}

Result<std::vector<HookSpec>> judge_options(const wire::Value& options) {
  std::vector<HookSpec> specs;
  const wire::Value* post = options.find("post");
  if (!post) return specs;
  if (!post->list()) return bad("post", "expected tables: write [[plugins.hooks.post]]");
  if (post->list()->size() > kHooksMax)
    return bad("post", "at most " + std::to_string(kHooksMax) + " hooks");
  for (const wire::Value& given : *post->list()) {
    auto spec = judge_one("post[" + std::to_string(specs.size() + 1) + "]", given);
    if (!spec) return spec.error();
    if (std::find(specs.begin(), specs.end(), *spec) != specs.end())
      return bad("post[" + std::to_string(specs.size() + 1) + "]",
                 "the same hook stands there twice");
    specs.push_back(*std::move(spec));
  }
  return specs;
}

}  // namespace kith::hooks

// SPDX-License-Identifier: MIT
#include "engine/bus/nearest.h"

#include <algorithm>
#include <numeric>

#include "engine/wire/encodings.h"

namespace kith::bus {

namespace {

constexpr std::size_t kWordBytesMax = 64;  // longer ones are cut: the table is quadratic

// Damerau's distance, neighbours swapped counting once.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> older(b.size() + 1), old(b.size() + 1), now(b.size() + 1);
  std::iota(old.begin(), old.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = old[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u);
      now[j] = std::min({old[j] + 1, now[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], older[j - 2] + 1);
    }
    older.swap(old);
    old.swap(now);
  }
  return old[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  word = word.substr(0, kWordBytesMax);
  std::string_view best;
  std::size_t best_edits = static_cast<std::size_t>(-1);
  for (const std::string_view name : known) {
    const bool begins = !word.empty() && name.starts_with(word);
    const std::size_t distance = begins ? 0 : edits(word, name.substr(0, kWordBytesMax));
    if (distance >= best_edits) continue;
    best_edits = distance;
    best = name;
  }
  return best;
}

std::string in_quotes(std::string_view word) {
  const bool cut = word.size() > kWordBytesMax;
  return '"' + wire::escape_text(word.substr(0, kWordBytesMax)) + (cut ? "..\"" : "\"");
}

}  // namespace kith::bus

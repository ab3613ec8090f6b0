// SPDX-License-Identifier: MIT
#include "engine/bus/handlers.h"

#include <algorithm>

namespace kith::bus {

namespace {

bool before(const Handlers::Entry& a, const Handlers::Entry& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
}

}  // namespace

Handlers::Row& Handlers::row_of(const std::string& pattern) {
  return is_pattern(pattern) ? patterns_ : literals_[pattern];
}

void Handlers::add(Entry entry) {
  Row& row = row_of(entry.pattern);
  const auto at = std::find_if(row.begin(), row.end(),
                               [&entry](const Entry& other) { return before(entry, other); });
  const Bus::Id id = entry.id;
  by_id_[id] = row.insert(at, std::move(entry));
}

const Handlers::Entry* Handlers::remove(Bus::Id id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  const Row::iterator entry = found->second;
  by_id_.erase(found);
  entry->gone = true;
  removed_.push_back(entry);
  return &*entry;
}

// What a handler holds may unregister more as it is freed, so it is taken out first and freed last.
void Handlers::sweep() {
  if (walks_ > 0) return;
  Row freed;
  for (const Row::iterator entry : std::exchange(removed_, {})) {
    Row& row = row_of(entry->pattern);
    freed.splice(freed.end(), row, entry);
    if (row.empty() && &row != &patterns_) literals_.erase(freed.back().pattern);
  }
}

std::vector<Bus::Id> Handlers::of(const Owner& owner) const {
  std::vector<Bus::Id> ids;
  for (const auto& [id, entry] : by_id_) {
    if (entry->owner == &owner) ids.push_back(id);
  }
  return ids;
}

std::vector<const Handlers::Entry*> Handlers::all() const {
  std::vector<const Entry*> entries;
  for (const auto& [id, entry] : by_id_) entries.push_back(&*entry);
  return entries;
}

bool Handlers::heard(std::string_view name) const {
  const auto live = [](const Entry& entry) { return !entry.gone; };
  const auto found = literals_.find(name);
  if (found != literals_.end() && std::any_of(found->second.begin(), found->second.end(), live))
    return true;
  return std::any_of(patterns_.begin(), patterns_.end(), [name](const Entry& entry) {
    return !entry.gone && matches(entry.pattern, name);
  });
}

Handlers::Walk::Walk(Handlers& handlers, std::string_view name, Bus::Id born_before)
    : handlers_(handlers), name_(name), born_before_(born_before), row_(&handlers.patterns_) {
  const auto found = handlers.literals_.find(name);
  if (found != handlers.literals_.end()) {
    row_ = &found->second;
    literal_ = row_->begin();
  } else {
    literal_ = row_->end();
  }
  pattern_ = handlers.patterns_.begin();
  ++handlers.walks_;
}

Handlers::Walk::~Walk() {
  if (--handlers_.walks_ == 0 && !handlers_.removed_.empty()) handlers_.sweep();
}

// Merges the literal row and the patterns that match, both of which stand in order.
const Handlers::Entry* Handlers::Walk::next() {
  while (literal_ != row_->end() && !hears(*literal_)) ++literal_;
  const auto end = handlers_.patterns_.cend();
  while (pattern_ != end && !(hears(*pattern_) && matches(pattern_->pattern, name_))) ++pattern_;
  if (literal_ == row_->end()) return pattern_ == end ? nullptr : &*pattern_++;
  if (pattern_ == end || before(*literal_, *pattern_)) return &*literal_++;
  return &*pattern_++;
}

}  // namespace kith::bus

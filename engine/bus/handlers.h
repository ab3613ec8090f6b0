// SPDX-License-Identifier: MIT
// Handlers: who hears which event, in the order of a walk. Owned by the Bus. Knows nothing of
// nesting or posting. Safe to add to and remove from while walks are under way.
#pragma once
#include <list>
#include <map>
#include <unordered_map>

#include "engine/bus/bus.h"

namespace kith::bus {

class Handlers {
 public:
  struct Entry {
    Bus::Id id = 0;
    const Owner* owner = nullptr;
    std::string pattern;
    int priority = 0;
    unsigned flags = 0;
    Handler handler;
    bool gone = false;
  };

  void add(Entry entry);
  // The entry, which is no longer heard; it lives until the outermost walk ends. nullptr: unknown.
  const Entry* remove(Bus::Id id);
  void sweep();  // frees what was removed, when no walk is under way
  std::vector<Bus::Id> of(const Owner& owner) const;
  std::vector<const Entry*> all() const;  // oldest first
  bool heard(std::string_view name) const;

  // The entries that hear one name, in order; those with an id from `born_before` on are passed
  // over.
  class Walk {
   public:
    Walk(Handlers& handlers, std::string_view name, Bus::Id born_before);
    ~Walk();
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;
    const Entry* next();

   private:
    friend class Handlers;
    using Row = std::list<Entry>;
    bool hears(const Entry& entry) const { return !entry.gone && entry.id < born_before_; }
    Handlers& handlers_;
    std::string_view name_;
    Bus::Id born_before_;
    const Row* row_;
    Row::const_iterator literal_, pattern_;
  };

 private:
  using Row = std::list<Entry>;  // higher priority first, then older first
  // Looked up only; never iterated.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>()(name);
    }
  };
  Row& row_of(const std::string& pattern);

  std::unordered_map<std::string, Row, Hash, std::equal_to<>> literals_;
  Row patterns_;
  std::map<Bus::Id, Row::iterator> by_id_;
  std::vector<Row::iterator> removed_;
  int walks_ = 0;
};

}  // namespace kith::bus

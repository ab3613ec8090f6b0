// SPDX-License-Identifier: MIT
// Ledgers: those that this node keeps, by name. Opens, loads and owns them; a node keeps and serves
// only what its config or its apps opened. Owned by the Node; ends when idle, or just before its
// Committer. Loop thread.
#pragma once
#include "engine/store/ledger.h"

namespace kith::store {

struct LedgersSetup {
  Loop& loop;
  Log log;
  const crypto::Identity& identity;
  Committer& committer;
  // What names this very store: machine, device and inode of its folder. A store that was copied
  // or restored finds another than the one it kept, and opens a new feed of its own. "" in memory.
  std::string origin;
};

class Ledgers {
 public:
  // Reads what the store holds. Throws Fault(damaged, ...) with what to do.
  explicit Ledgers(LedgersSetup setup);
  ~Ledgers();
  Ledgers(const Ledgers&) = delete;
  Ledgers& operator=(const Ledgers&) = delete;

  // The ledger that this node keeps under that name; where there is none, the open one that has it,
  // made. Throws Fault(KITH_BAD) for a bad name.
  Ledger& open(std::string_view name);
  // A ledger that is new, with this node as its founder; opened at each start from now on.
  struct Founding {
    std::string name;
    bool hide = false;
    std::string rule;  // the ledger kept here whose grants govern it; empty: its own do
  };
  Ledger& found(const Founding& founding);
  // The ledger of that genesis, under a name that is free here (empty: its own); opened at each
  // start from now on. The same again gives what is there. Throws Fault: KITH_BAD, KITH_REFUSED
  // where the name is taken or the ledger that rules it is not kept.
  Ledger& join(Bytes genesis_block, std::string_view name);
  // Whether it is opened at each start.
  void keep(Ledger& ledger, bool is_kept);
  Ledger* find(std::string_view name);
  Ledger* find(const Digest& id);
  std::vector<Ledger*> all();  // opened since the start, by name

  void observe(LedgerObserver& observer);
  void unobserve(LedgerObserver& observer);
  // No append and no take from now on; done when idle(): what was taken is on disk.
  void retire();
  bool idle() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::store

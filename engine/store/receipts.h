// SPDX-License-Identifier: MIT
// Receipts: who vouches for what of one ledger (README.md, "Receipts"). Judges what peers bring,
// signs for what this node holds of others where its config says so, and keeps the newest of each
// witness and feed. Owned by its ledger; loop thread. What counts never depends on it.
#pragma once
#include <functional>
#include <list>
#include <set>

#include "engine/store/beside.h"
#include "engine/store/ledgers.h"
#include "engine/store/receipt_table.h"

namespace kith::store {

inline constexpr std::size_t kWitnessesMax = 64;  // of a ledger; those in the config have room
inline constexpr std::size_t kReceiptsMax = 262'144;
inline constexpr std::size_t kReceiptsWaitingMax = 1'024;     // for the run that they are about
inline constexpr std::uint64_t kReceiptAheadUs = 60'000'000;  // of this node's clock
inline constexpr std::uint64_t kWitnessSettleUs = 1'000'000;  // after a feed last grew
inline constexpr std::uint64_t kWitnessEveryUs = 5'000'000;   // one receipt a feed, at most
inline constexpr std::size_t kWitnessTurnMax = 64;            // signed in a turn
inline constexpr std::uint64_t kWitnessTurnEveryUs = 50'000;  // so 1,280 a second

struct ReceiptsSetup {
  const LedgersSetup& ledgers;
  const crypto::Key32& author;  // this node's
  const bool& is_retired;
  std::uint32_t ledger;  // its number in the store
  const std::string& name;
  const Lanes& lanes;
  std::function<void()> told;  // some were kept and synced
};

// What became of a list of receipts.
struct TakenReceipts {
  std::vector<Receipt> fresh;
  std::size_t waiting = 0;   // for the run that they are about
  std::size_t useless = 0;   // refused, or as good ones are kept
  std::optional<Error> bad;  // a signature does not hold: whoever sent it is to blame
};

class Receipts {
 public:
  explicit Receipts(ReceiptsSetup setup);
  ~Receipts();
  Receipts(const Receipts&) = delete;
  Receipts& operator=(const Receipts&) = delete;

  void load();  // once the lanes are; throws Fault(damaged)
  void settle(const LedgerSettings& settings);
  void grown(const Feed& feed);  // a run of it is kept and synced
  bool idle() const { return in_flight_.empty(); }

  // Judged beside the loop; answered once what is new of them is synced. Throws Fault for what is
  // this node's own: KITH_LIMIT, KITH_IO.
  Task<TakenReceipts> take(std::vector<SignedReceipt> given);
  // Whether its word is taken now: named in the config, this node, or a member.
  bool is_believed(const crypto::Key32& witness) const;
  const ReceiptTable& table() const { return table_; }

 private:
  struct InFlight {
    Receipts* receipts;
    std::list<InFlight>::iterator self;
    std::vector<SignedReceipt> fresh;
    std::shared_ptr<Parked::Slot> slot;
  };
  struct Due {  // to be signed for
    std::uint64_t first_us, at_us;
  };
  using Place = std::pair<Digest, crypto::Key32>;

  Result<void> judge(const Receipt& receipt) const;
  bool has_room(const crypto::Key32& witness) const;
  bool is_named(const crypto::Key32& witness) const;
  void wait(const SignedReceipt& receipt);
  void keep(std::vector<SignedReceipt> fresh, std::shared_ptr<Parked::Slot> slot);
  static void on_synced(void* ctx, std::int64_t r, const void*);
  Task<void> retake(Digest feed);

  // receipts_signing.cpp
  void expect(const Feed& feed);
  void arm();
  void sign_due();
  std::optional<SignedReceipt> sign_for(const Feed& feed) const;

  ReceiptsSetup setup_;
  Log log_;
  ReceiptTable table_;
  std::set<crypto::Key32> named_;
  bool is_witness_ = false;
  std::list<InFlight> in_flight_;
  std::map<Place, SignedReceipt> waiting_;
  std::map<Digest, Due> due_;
  std::set<std::pair<std::uint64_t, Digest>> queue_;  // of due_, by time
  Timer timer_;
  Scope scope_;  // last: its tasks end first
};

}  // namespace kith::store

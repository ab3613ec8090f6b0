// SPDX-License-Identifier: MIT
// Receipts: what this node signs as a witness. A feed's turn comes once it has rested, or has grown
// for long; what is signed was judged when it was taken, and is held.
#include <algorithm>

#include "engine/store/receipts.h"

namespace kith::store {

void Receipts::expect(const Feed& feed) {
  if (feed.opening.author == setup_.author) return;
  const std::uint64_t now_us = setup_.ledgers.loop.now_us();
  const auto [at, is_new] = due_.try_emplace(feed.id, Due{now_us, 0});
  Due& due = at->second;
  if (!is_new) queue_.erase({due.at_us, feed.id});
  due.at_us = std::min(now_us + kWitnessSettleUs, due.first_us + kWitnessEveryUs);
  if (const SignedReceipt* last = table_.find(feed.id, setup_.author)) {
    const std::uint64_t wall_us = setup_.ledgers.loop.wall_us();
    const std::uint64_t age_us = wall_us - std::min(wall_us, last->receipt.time_us);
    due.at_us = std::max(due.at_us, now_us + kWitnessEveryUs - std::min(age_us, kWitnessEveryUs));
  }
  queue_.emplace(due.at_us, feed.id);
}

void Receipts::arm() {
  if (queue_.empty()) return;
  const std::uint64_t now_us = setup_.ledgers.loop.now_us();
  const std::uint64_t at_us = std::max(queue_.begin()->first, now_us + kWitnessTurnEveryUs);
  if (!timer_.armed() || timer_.due_us() > at_us) setup_.ledgers.loop.start(timer_, at_us - now_us);
}

void Receipts::sign_due() {
  if (setup_.is_retired) return;
  std::vector<SignedReceipt> fresh;
  const std::uint64_t now_us = setup_.ledgers.loop.now_us();
  const bool is_full = setup_.ledgers.committer.is_full();
  for (std::size_t looked = 0; !is_full && looked < kWitnessTurnMax && !queue_.empty(); ++looked) {
    const auto [at_us, id] = *queue_.begin();
    if (at_us > now_us) break;
    queue_.erase(queue_.begin());
    due_.erase(id);
    if (auto made = sign_for(*setup_.lanes.find_feed(id))) fresh.push_back(*std::move(made));
  }
  if (!fresh.empty()) keep(std::move(fresh), nullptr);
  arm();
}

// The newest end of what counts; nothing where it was signed for already, or is early (or this
// machine's clock behind).
std::optional<SignedReceipt> Receipts::sign_for(const Feed& feed) const {
  const Lane* newest = nullptr;
  for (const std::uint32_t number : feed.lanes) {
    const Lane& lane = *setup_.lanes.find(number);
    if (!setup_.lanes.tip_of(lane)) continue;
    if (!newest || lane.counts_to > newest->counts_to) newest = &lane;
  }
  const SignedReceipt* last = table_.find(feed.id, setup_.author);
  if (!newest || (last && last->receipt.seq >= newest->counts_to)) return std::nullopt;
  if (!last && !has_room(setup_.author)) return std::nullopt;
  const std::uint64_t wall_us = setup_.ledgers.loop.wall_us();
  if (newest->time_us > wall_us + kReceiptAheadUs) return std::nullopt;
  const Receipt receipt{feed.id, newest->counts_to, newest->counted, wall_us, setup_.author};
  return SignedReceipt{receipt, sign_receipt(setup_.ledgers.identity, receipt)};
}

}  // namespace kith::store

// SPDX-License-Identifier: MIT
#include "engine/node/ledger_news.h"

#include "engine/wire/encodings.h"

namespace kith::node {

namespace {

using wire::Value;

std::string cid_text(const store::Digest& digest) {
  return wire::Cid::from_bytes(store::cid_of(digest)).value().text();
}

std::string_view advice(bool is_own) {
  return is_own
             ? "a copy of this node's home, or a backup of it, has written with the same key: stop "
               "the other one and give it an identity of its own; this node goes on in a new feed"
             : "the author's home was copied, or restored from a backup: both branches are kept "
               "and shown; whoever owns the key should stop one of the two";
}

}  // namespace

Value entry_body(const store::Held& held) {
  Value body;
  body["id"] = cid_text(held.id);
  body["author"] = store::peer_of(held.author).text();
  body["feed"] = cid_text(held.feed);
  body["seq"] = held.seq;
  body["time"] = static_cast<double>(held.time_us) / 1e6;
  body["type"] = held.type;
  body["text"] = wire::is_utf8(held.body) ? Value(as_text(held.body)) : Value();
  body["data"] = held.body;
  body["late"] = (held.flags & KITH_ENTRY_LATE) != 0;
  body["fork"] = (held.flags & KITH_ENTRY_FORK) != 0;
  body["early"] = (held.flags & KITH_ENTRY_EARLY) != 0;
  body["odd"] = (held.flags & KITH_ENTRY_ODD) != 0;
  Value::List links;
  for (const store::Digest& link : held.links) links.emplace_back(cid_text(link));
  body["links"] = std::move(links);
  body["arrival"] = held.arrival;
  return body;
}

LedgerNews::LedgerNews(bus::Bus& bus, store::Ledgers& ledgers, protocols::Clocks& clocks, Log log)
    : bus_(bus), ledgers_(ledgers), clocks_(clocks), log_(log), scope_([this](const auto& why) {
        log_.error("entries not told err={}", why.what());
      }) {
  ledgers_.observe(*this);
  clocks_.changed = [this](const auto& verdict) { on_clock(verdict); };
}

LedgerNews::~LedgerNews() {
  clocks_.changed = nullptr;
  ledgers_.unobserve(*this);
}

void LedgerNews::on_run(store::Ledger& ledger, std::uint64_t first_arrival, std::uint64_t entries) {
  Teller& teller = tellers_[ledger.id()];
  teller.until = first_arrival + entries - 1;
  if (teller.is_running) return;
  teller.told = bus_.heard("entry/" + ledger.name()) ? first_arrival - 1 : teller.until;
  if (teller.told < teller.until) scope_.spawn(tell(*this, ledger, teller));
}

Task<void> LedgerNews::tell(LedgerNews& self, store::Ledger& ledger, Teller& teller) {
  struct Running {
    Teller& teller;
    ~Running() { teller.is_running = false; }
  } const running{teller};
  teller.is_running = true;
  const std::string name = "entry/" + ledger.name();
  while (teller.told < teller.until && self.bus_.heard(name)) {
    store::Query query;
    query.after = teller.told;
    query.limit = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(teller.until - teller.told, store::kPageEntriesMax));
    const store::Page page = co_await ledger.read(std::move(query));
    for (const store::Held& held : page.entries) {
      teller.told = held.arrival;
      self.bus_.emit(name, entry_body(held));
    }
    if (page.entries.empty()) teller.told = teller.until;  // nothing of it counts
    Nap turn(self.bus_.loop(), 0);
    co_await turn;
  }
}

void LedgerNews::on_fork(store::Ledger& ledger, const store::Digest& feed,
                         const crypto::Key32& author, std::uint64_t seq, bool is_own) {
  const std::string who = store::peer_of(author).text();
  log_.warn("fork ledger={} author={} seq={} own={} advice=\"{}\"", ledger.name(), who, seq, is_own,
            advice(is_own));
  if (!bus_.heard("ledger/fork")) return;
  Value body;
  body["ledger"] = ledger.name();
  body["feed"] = cid_text(feed);
  body["author"] = who;
  body["seq"] = seq;
  body["own"] = is_own;
  body["advice"] = advice(is_own);
  bus_.emit("ledger/fork", body);
}

void LedgerNews::on_void(store::Ledger& ledger, const store::Lane& lane, std::uint64_t first_seq,
                         std::uint64_t last_seq, bool counts) {
  if (!bus_.heard("ledger/void")) return;
  Value body;
  body["ledger"] = ledger.name();
  body["feed"] = cid_text(lane.feed->id);
  body["author"] = store::peer_of(lane.feed->opening.author).text();
  body["first_seq"] = first_seq;
  body["last_seq"] = last_seq;
  body["counts"] = counts;
  bus_.emit("ledger/void", body);
}

void LedgerNews::on_clock(const protocols::ClockVerdict& verdict) {
  const char* const clock = !verdict.is_off()       ? "right"
                            : verdict.offset_us < 0 ? "ahead"
                                                    : "behind";
  const double offset_s = static_cast<double>(verdict.offset_us) / 1e6;
  const auto level = verdict.is_off() ? LogLevel::warn : LogLevel::info;
  log_.write(level,
             fmt::format("clock {} offset_s={:.1f} peers={} agree={} advice=\"{}\"", clock,
                         offset_s, verdict.peers, verdict.agree, protocols::advice(verdict)));
  if (!bus_.heard("ledger/clock")) return;
  Value body;
  body["clock"] = clock;
  body["offset_s"] = offset_s;
  body["peers"] = static_cast<std::int64_t>(verdict.peers);
  body["agree"] = static_cast<std::int64_t>(verdict.agree);
  body["advice"] = protocols::advice(verdict);
  bus_.emit("ledger/clock", body);
}

}  // namespace kith::node

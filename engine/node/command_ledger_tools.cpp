// SPDX-License-Identifier: MIT
// The commands that take a ledger out of a node and back in, and that tell what is in it: export,
// import, prove, history, stats.
#include <fmt/core.h>

#include <cmath>

#include "engine/node/command_adder.h"
#include "engine/store/beside.h"
#include "engine/store/importing.h"
#include "engine/store/stats.h"
#include "engine/wire/encodings.h"

namespace kith::node {

namespace {

using wire::Value;

constexpr std::int64_t kHistoryRows = 20;
constexpr std::size_t kShownProofBytesMax = 64 * 1024;  // larger ones are for a file

double seconds(std::uint64_t us) { return static_cast<double>(us) / 1e6; }

// Of a ledger's tools: what they all stand on.
struct Tools {
  Node& node;
  std::shared_ptr<store::KeyValue> store;
};

std::shared_ptr<const store::LedgerFacts> facts_of(const store::Ledger& ledger) {
  return std::make_shared<const store::LedgerFacts>(ledger);
}

// Runs a job to its end and tells its caller how far it is.
template <class Work>
Task<void> work_off(Tools& tools, std::shared_ptr<Work> work, bus::Call& call, std::uint64_t of) {
  for (;;) {
    auto mine = work;
    const bool is_over =
        co_await store::step_beside(tools.node.loop(), std::move(mine), Loop::Beside::lengthy);
    if (work->error()) throw Fault(*work->error());
    if (is_over) co_return;
    Value part;
    part["entries"] = work->entries();
    part["of"] = of;
    if (!call.part(part)) throw Fault(Error(KITH_CLOSED, "nobody waits for it any more"));
  }
}

Task<Value> export_ledger(Tools tools, bus::CallPtr call, std::string name, std::string file) {
  const store::Ledger& ledger = ledger_named(tools.node.ledgers(), name);
  const auto facts = facts_of(ledger);
  auto fresh = store::NewFile::make(file).value();
  auto work = std::make_shared<store::ExportWork>(tools.store, facts, std::move(fresh));
  auto mine = work;
  co_await work_off(tools, std::move(mine), *call, facts->entries);
  Value made;
  made["file"] = file;
  made["ledger"] = store::cid_text(facts->id);
  made["entries"] = work->entries();
  made["bytes"] = work->bytes();
  co_return made;
}

// A founder's ledger is never opened on a file's word: who may write in it is not to be guessed.
store::Ledger& ledger_of(Node& node, const store::Genesis& genesis, const store::Digest& id) {
  if (store::Ledger* ledger = node.ledgers().find(id)) return *ledger;
  if (!genesis.is_open())
    throw Fault(Error(KITH_ABSENT,
                      fmt::format("the ledger '{}' of this file has a founder: to keep it, first "
                                  "kith ledger join {}",
                                  genesis.name, wire::to_multibase('u', store::encode(genesis)))));
  store::Ledger& ledger = node.open_ledger(genesis.name);
  if (ledger.id() == id) return ledger;
  throw Fault(Error(KITH_BAD, fmt::format("another ledger named '{}' is kept here", genesis.name)));
}

Task<Value> import_ledger(Tools tools, bus::CallPtr call, std::string file) {
  Node& node = tools.node;
  store::ImportSetup setup{node.loop(), std::move(file), {}, {}};
  setup.open = [&node](const store::Genesis& genesis, const store::Digest& id) -> store::Ledger& {
    return ledger_of(node, genesis, id);
  };
  setup.progress = [call](std::uint64_t entries, std::uint64_t bytes, std::uint64_t of) {
    Value part;
    part["entries"] = entries;
    part["bytes"] = bytes;
    part["of"] = of;
    return call->part(part);
  };
  store::ImportReport report = co_await store::import_file(std::move(setup));
  if (report.is_proof && !report.refused.empty())
    report.refused.emplace_back(
        "this file is the proof of one entry, not an export: 'kith ledger check FILE' judges it");
  Value made;
  made["ok"] = report.refused.empty();
  made["ledger"] = report.ledger;
  made["entries"] = report.entries;
  made["new"] = report.fresh;
  made["refused"] = Value::List(report.refused.begin(), report.refused.end());
  co_return made;
}

void keep_proof(const std::string& file, const ByteVector& proof) {
  auto fresh = store::NewFile::make(file).value();
  fresh.write(proof).value();
  fresh.finish().value();
}

// Which ledger an entry is of, its id does not tell.
Task<ByteVector> find_proof(Tools tools, store::Digest id, Value& made) {
  for (store::Ledger* ledger : tools.node.ledgers().all()) {
    const auto held = co_await ledger->find(id);
    if (!held) continue;
    auto work = std::make_shared<store::ProofWork>(store::proof_setup(*ledger, tools.store, *held));
    auto mine = work;
    co_await store::beside(tools.node.loop(), std::move(mine), Loop::Beside::brief);
    if (work->error()) throw Fault(*work->error());
    if (work->proof().empty()) continue;
    made["ledger"] = store::cid_text(ledger->id());
    co_return work->proof();
  }
  throw Fault(Error(KITH_ABSENT, "no ledger that is open here holds this entry"));
}

Task<Value> prove_entry(Tools tools, std::string entry, std::string out) {
  Value made;
  made["entry"] = entry;
  Task<ByteVector> finding = find_proof(tools, entry_named(entry), made);
  const ByteVector proof = co_await finding;
  if (out.empty() && proof.size() > kShownProofBytesMax)
    throw Fault(Error(KITH_LIMIT,
                      fmt::format("the proof has {} bytes: name a file with --out", proof.size())));
  made["bytes"] = proof.size();
  if (out.empty()) {
    made["proof"] = proof;
  } else {
    keep_proof(out, proof);
    made["file"] = out;
  }
  co_return made;
}

crypto::Key32 author_named(const std::string& text) {
  const auto peer = wire::PeerId::from_text(text);
  const auto author = peer ? store::author_of(*peer) : std::nullopt;
  if (author) return *author;
  throw Fault(Error(KITH_BAD, fmt::format("'{}' is no author's peer id such as 12D3KooW..", text)));
}

// A time in seconds; 0: none was given.
std::uint64_t time_named(const Value& args, const char* name) {
  const Value* given = args.find(name);
  const double* const time_s = given ? given->number() : nullptr;
  if (!time_s) return 0;
  if (!(*time_s >= 0 && *time_s * 1e6 <= static_cast<double>(store::kIntegerMax)))
    throw Fault(
        Error(KITH_BAD, fmt::format("--{} is seconds since 1970, such as a row's time", name)));
  return static_cast<std::uint64_t>(std::llround(*time_s * 1e6));
}

store::Query history_query(const Value& args) {
  const std::int64_t limit = args.integer_or("limit", kHistoryRows);
  if (limit < 1 || limit > store::kPageEntriesMax)
    throw Fault(Error(KITH_BAD, fmt::format("--limit is 1 to {}", store::kPageEntriesMax)));
  store::Query query;
  query.by_time = true;
  query.limit = static_cast<std::uint32_t>(limit);
  query.after = time_named(args, "after");
  query.before = time_named(args, "before");
  query.newest = query.after == 0;
  query.type = args.string_or("type");
  const std::string author = args.string_or("author");
  if (!author.empty()) query.author = author_named(author);
  return query;
}

Task<Value> history(Tools tools, std::string name, store::Query query) {
  store::Ledger& ledger = ledger_named(tools.node.ledgers(), name);
  const store::Page page = co_await ledger.read(std::move(query));
  Value::List rows;
  for (const store::Held& held : page.entries) {
    Value row;
    row["time"] = seconds(held.time_us);
    row["author"] = store::peer_of(held.author).text();
    row["type"] = held.type;
    row["seq"] = held.seq;
    row["id"] = store::cid_text(held.id);
    row["bytes"] = held.body_bytes;
    rows.push_back(std::move(row));
  }
  co_return rows;
}

Value stats_row(const store::Stats& stats) {
  Value row;
  row["feeds"] = stats.feeds;
  row["entries"] = stats.entries;
  row["bytes"] = stats.bytes;
  row["oldest"] = stats.entries == 0 ? Value() : Value(seconds(stats.oldest_us));
  row["newest"] = stats.entries == 0 ? Value() : Value(seconds(stats.newest_us));
  return row;
}

Task<Value> stats(Tools tools, bus::CallPtr call, std::string name) {
  const auto facts = facts_of(ledger_named(tools.node.ledgers(), name));
  auto work = std::make_shared<store::StatsWork>(tools.store, facts);
  auto mine = work;
  co_await work_off(tools, std::move(mine), *call, facts->entries);
  Value made = stats_row(work->all());
  Value::List authors;
  for (const auto& [author, counted] : work->authors()) {
    Value row = stats_row(counted);
    row["author"] = store::peer_of(author).text();
    authors.push_back(std::move(row));
  }
  made["authors"] = std::move(authors);
  co_return made;
}

}  // namespace

store::Digest entry_named(const std::string& text) {
  const auto cid = wire::Cid::from_text(text);
  const auto digest =
      cid && cid->codec() == wire::kDagCborCodec ? store::digest_of(cid->bytes()) : std::nullopt;
  if (digest) return *digest;
  throw Fault(Error(KITH_BAD, fmt::format("'{}' is no entry's id such as bafyrei..: 'kith ledger "
                                          "history NAME' shows them",
                                          text)));
}

void add_ledger_tools(const CommandAdder& adder) {
  const Tools tools{adder.node, adder.services.committer->share()};
  const auto name = required_arg("name", "string", "the ledger");
  const auto file = required_arg("file", "string", "a new file");
  auto exporting = command_spec("ledger.export", "write a ledger into a new file, a CAR",
                                "{file, ledger, entries, bytes}", {name, file});
  auto importing = command_spec(
      "ledger.import", "take what is new of a ledger's file, judged as if a peer had sent it",
      "{ok, ledger, entries, new, refused}",
      {required_arg("file", "string",
                    "what export wrote; its ledger is open until the next stop")});
  auto proving = command_spec(
      "ledger.prove", "find an entry in the ledgers and prove that its author signed it",
      "{entry, ledger, bytes, file or proof}",
      {required_arg("entry", "string", "its id, as history shows it"),
       optional_arg("out", "string", "a new file for the proof", true, "")});
  auto telling =
      command_spec("ledger.history", "who wrote what when; the newest last",
                   "[{time, author, type, seq, id, bytes}]",
                   {name, optional_arg("limit", "int", "how many, up to 1000", true, kHistoryRows),
                    optional_arg("author", "string", "only this peer's", true, ""),
                    optional_arg("type", "string", "only of this type", true, ""),
                    optional_arg("before", "number", "only before this time, in seconds", true),
                    optional_arg("after", "number",
                                 "from this time on: the first of those, not the newest", true)});
  auto counting = command_spec("ledger.stats", "how much a ledger holds, and of whom",
                               "{feeds, entries, bytes, oldest, newest, authors}", {name});
  telling.read = counting.read = true;
  exporting.admin = importing.admin = proving.admin = true;  // they touch files
  exporting.stream = importing.stream = counting.stream = true;
  adder.add(std::move(exporting), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(call, export_ledger(tools, call, args.string_or("name"), args.string_or("file")));
  });
  adder.add(std::move(importing), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(call, import_ledger(tools, call, args.string_or("file")));
  });
  adder.add(std::move(proving), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(std::move(call),
                 prove_entry(tools, args.string_or("entry"), args.string_or("out")));
  });
  adder.add(std::move(telling), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(std::move(call), history(tools, args.string_or("name"), history_query(args)));
  });
  adder.add(std::move(counting), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(call, stats(tools, call, args.string_or("name")));
  });
}

}  // namespace kith::node

// SPDX-License-Identifier: MIT
// The commands that take a ledger out of a node and back in, and that tell what is in it: export,
// import, prove, history, stats.
#include <fmt/core.h>

#include "engine/node/command_adder.h"
#include "engine/store/beside.h"
#include "engine/store/importing.h"
#include "engine/store/stats.h"

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
    throw Fault(Error(KITH_ABSENT, fmt::format("the ledger '{}' of this file has a founder and is "
                                               "not open here: open it first",
                                               genesis.name)));
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

store::Digest entry_named(const std::string& text) {
  const auto cid = wire::Cid::from_text(text);
  const auto digest =
      cid && cid->codec() == wire::kDagCborCodec ? store::digest_of(cid->bytes()) : std::nullopt;
  if (digest) return *digest;
  throw Fault(Error(KITH_BAD, fmt::format("'{}' is no entry's id such as bafyrei..: 'kith ledger "
                                          "history NAME' shows them",
                                          text)));
}

void keep_proof(const std::string& file, const ByteVector& proof) {
  auto fresh = store::NewFile::make(file).value();
  fresh.write(proof).value();
  fresh.finish().value();
}

// One after the other: which ledger an entry is of, its id does not tell.
Task<Value> prove_entry(Tools tools, bus::CallPtr call, std::string entry, std::string out) {
  const store::Digest id = entry_named(entry);
  std::vector<std::shared_ptr<const store::LedgerFacts>> all;
  for (const store::Ledger* ledger : tools.node.ledgers().all()) all.push_back(facts_of(*ledger));
  for (const auto& facts : all) {
    auto work = std::make_shared<store::ProofWork>(tools.store, facts, id);
    auto mine = work;
    co_await work_off(tools, std::move(mine), *call, facts->entries);
    const ByteVector& proof = work->proof();
    if (proof.empty()) continue;
    if (out.empty() && proof.size() > kShownProofBytesMax)
      throw Fault(Error(
          KITH_LIMIT, fmt::format("the proof has {} bytes: name a file with --out", proof.size())));
    if (!out.empty()) keep_proof(out, proof);
    Value made;
    made["entry"] = entry;
    made["ledger"] = store::cid_text(facts->id);
    made["bytes"] = proof.size();
    if (out.empty()) {
      made["proof"] = proof;
    } else {
      made["file"] = out;
    }
    co_return made;
  }
  throw Fault(Error(KITH_ABSENT, "no ledger that is open here holds this entry"));
}

crypto::Key32 author_named(const std::string& text) {
  const auto peer = wire::PeerId::from_text(text);
  const auto author = peer ? store::author_of(*peer) : std::nullopt;
  if (author) return *author;
  throw Fault(Error(KITH_BAD, fmt::format("'{}' is no author's peer id such as 12D3KooW..", text)));
}

Task<Value> history(Tools tools, std::string name, std::int64_t limit, std::string author) {
  if (limit < 1 || limit > store::kPageEntriesMax)
    throw Fault(Error(KITH_BAD, fmt::format("--limit is 1 to {}", store::kPageEntriesMax)));
  store::Query query;
  query.by_time = query.newest = true;
  query.limit = static_cast<std::uint32_t>(limit);
  if (!author.empty()) query.author = author_named(author);
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
      "ledger.prove",
      "find an entry in the ledgers (all of them are read) and prove that its author signed it",
      "{entry, ledger, bytes, file or proof}",
      {required_arg("entry", "string", "its id, as history shows it"),
       optional_arg("out", "string", "a new file for the proof", true, "")});
  auto telling =
      command_spec("ledger.history", "who wrote what when; the newest last",
                   "[{time, author, type, seq, id, bytes}]",
                   {name, optional_arg("limit", "int", "how many, up to 1000", true, kHistoryRows),
                    optional_arg("author", "string", "only this peer's", true, "")});
  auto counting = command_spec("ledger.stats", "how much a ledger holds, and of whom",
                               "{feeds, entries, bytes, oldest, newest, authors}", {name});
  telling.read = counting.read = true;
  exporting.admin = importing.admin = proving.admin = true;  // they touch files
  exporting.stream = importing.stream = proving.stream = counting.stream = true;
  adder.add(std::move(exporting), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(call, export_ledger(tools, call, args.string_or("name"), args.string_or("file")));
  });
  adder.add(std::move(importing), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(call, import_ledger(tools, call, args.string_or("file")));
  });
  adder.add(std::move(proving), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(call, prove_entry(tools, call, args.string_or("entry"), args.string_or("out")));
  });
  adder.add(std::move(telling), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(std::move(call),
                 history(tools, args.string_or("name"), args.integer_or("limit", kHistoryRows),
                         args.string_or("author")));
  });
  adder.add(std::move(counting), [adder, tools](bus::CallPtr call, Value args) {
    adder.answer(call, stats(tools, call, args.string_or("name")));
  });
}

}  // namespace kith::node

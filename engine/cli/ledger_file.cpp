// SPDX-License-Identifier: MIT
#include "engine/cli/ledger_file.h"

#include <fmt/chrono.h>

#include "engine/cli/run.h"
#include "engine/store/file_check.h"
#include "engine/store/files.h"
#include "engine/store/stored_runs.h"
#include "engine/wire/encodings.h"

namespace kith::cli {
namespace {

using wire::Value;

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr const char* kShowsNot =
    "a proof shows that this author signed this entry at this place; not that he was entitled to "
    "write there, nor that he signed no other entry at the same place";

Result<void> feed_all(store::FileSource& source, store::FileCheck& check) {
  ByteVector piece(kPieceBytes);
  for (;;) {
    const auto read = source.read(piece);
    if (!read) return read.error();
    if (*read == 0 || !check.feed(Bytes(piece).first(*read))) return {};
  }
}

Result<store::FileVerdict> judge(const std::string& file) {
  auto source = store::FileSource::open(file);
  if (!source) return source.error();
  store::FileCheck check;
  if (const auto fed = feed_all(*source, check); !fed) return fed.error();
  check.finish();
  if (check.wants_again()) {
    if (const auto again = source->rewind(); !again) return again.error();
    check.begin_again();
    if (const auto fed = feed_all(*source, check); !fed) return fed.error();
    check.finish();
  }
  return check.verdict();
}

Value proven_body(const store::Proven& proven) {
  Value made;
  made["id"] = store::cid_text(proven.id);
  made["author"] = store::peer_of(proven.author).text();
  made["feed"] = store::cid_text(proven.feed);
  made["seq"] = proven.seq;
  made["time"] = static_cast<double>(proven.time_us) / 1e6;
  made["type"] = proven.type;
  made["bytes"] = proven.body_bytes;
  made["signed_at"] = proven.signed_seq;
  const bool is_text = proven.body && wire::is_utf8(*proven.body);
  made["text"] = is_text ? Value(as_text(*proven.body)) : Value();
  made["data"] = proven.body ? Value(*proven.body) : Value();
  return made;
}

Value verdict_body(const std::string& file, const store::FileVerdict& verdict) {
  Value made;
  made["file"] = file;
  made["ok"] = verdict.ok();
  made["ledger"] = verdict.genesis ? Value(store::cid_text(verdict.ledger)) : Value();
  made["name"] = verdict.genesis ? Value(verdict.genesis->name) : Value();
  made["chains"] = verdict.lanes;
  made["entries"] = verdict.entries;
  made["bytes"] = verdict.body_bytes;
  made["missing_bodies"] = verdict.missing_bodies;
  made["problems"] = Value::List(verdict.problems.begin(), verdict.problems.end());
  if (!verdict.is_proof) return made;
  made["proven"] = verdict.proven && verdict.ok() ? proven_body(*verdict.proven) : Value();
  made["shows_not"] = kShowsNot;
  return made;
}

std::string time_text(std::uint64_t time_us) {
  const auto seconds = static_cast<std::time_t>(time_us / 1'000'000);
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
}

void say_proven(Output& out, const store::Proven& proven) {
  out.line("  entry   " + store::cid_text(proven.id));
  out.line("  author  " + store::peer_of(proven.author).text());
  out.line(fmt::format("  place   seq {} of feed {}, signed with seq {}", proven.seq,
                       store::cid_text(proven.feed), proven.signed_seq));
  out.line("  time    " + time_text(proven.time_us) + ", as the author claims");
  out.line("  type    " + proven.type);
  const bool is_text = proven.body && wire::is_utf8(*proven.body);
  out.line(is_text       ? "  text    " + std::string(as_text(*proven.body))
           : proven.body ? fmt::format("  body    {} bytes that are no text", proven.body_bytes)
                         : fmt::format("  body    {} bytes, not in the file", proven.body_bytes));
  out.line(std::string("it does not show all: ") + kShowsNot);
}

void say(Output& out, const std::string& file, const store::FileVerdict& verdict) {
  for (const std::string& problem : verdict.problems) out.line(problem);
  if (!verdict.ok()) {
    out.note(file + " is not whole");
    return;
  }
  const std::string ledger =
      "the ledger '" + verdict.genesis->name + "' (" + store::cid_text(verdict.ledger) + ")";
  if (verdict.proven) {
    out.line(file + " proves one entry of " + ledger);
    return say_proven(out, *verdict.proven);
  }
  out.line(file + " is good: " + ledger);
  out.line(fmt::format("  {} chains, {} entries, {} bytes of bodies, {} bodies not in the file",
                       verdict.lanes, verdict.entries, verdict.body_bytes, verdict.missing_bodies));
}

}  // namespace

int check_ledger_file(const Place& place, const std::string& file) {
  crypto::start_crypto();
  const auto verdict = judge(file);
  if (!verdict) {
    place.out.note(verdict.error().message());
    return kExitFailure;
  }
  if (place.out.json()) {
    place.out.value(verdict_body(file, *verdict));
  } else {
    say(place.out, file, *verdict);
  }
  return verdict->ok() ? kExitOk : kExitFailure;
}

}  // namespace kith::cli

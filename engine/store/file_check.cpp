// SPDX-License-Identifier: MIT
#include "engine/store/file_check.h"

#include <algorithm>

#include "engine/base/limits.h"
#include "engine/store/stored_runs.h"

namespace kith::store {

void FileCheck::problem(std::string sentence) {
  if (verdict_.problems.size() < limits::kProblemsMax)
    verdict_.problems.push_back(std::move(sentence));
}

void FileCheck::problem(const FileRun& run, const Error& error) {
  problem("feed " + cid_text(run.run.feed) + " seq " + std::to_string(run.run.first_seq) + " to " +
          std::to_string(run.run.last_seq()) + ": " + error.message());
}

bool FileCheck::feed(Bytes piece) {
  if (!is_readable_) return false;
  reader_.feed(piece);
  for (;;) {
    auto run = reader_.next();
    if (!run) {
      problem(run.error().message() + "; what is behind it was not looked at");
      is_readable_ = false;
      return false;
    }
    if (!*run) return true;
    pass_ == 1 ? judge(**run) : find_branches(**run);
  }
}

void FileCheck::begin_again() {
  pass_ = 2;
  reader_ = {};
}

void FileCheck::finish() {
  if (pass_ == 2) {
    for (const auto& [prev, branch] : branches_)
      problem("feed " + cid_text(branch.feed) + " seq " + std::to_string(branch.seq + 1) +
              ": it follows an entry that is not in the file");
    return;
  }
  if (const auto end = reader_.finish(); is_readable_ && !end) {
    problem(end.error().message());
    is_readable_ = false;
  }
  if (const auto& manifest = reader_.manifest()) {
    verdict_.is_proof = manifest->entry.has_value();
    verdict_.ledger = manifest->genesis;
    verdict_.genesis = reader_.genesis();
  }
  if (is_readable_) judge_tips();
}

// What the manifest names is there, and nothing else: so nothing was cut off behind a signed head.
void FileCheck::judge_tips() {
  if (verdict_.lanes > 0) ends_.push_back(last_head_);
  std::sort(ends_.begin(), ends_.end());
  const Manifest& manifest = *reader_.manifest();
  if (ends_ != manifest.tips)
    problem("the manifest names " + std::to_string(manifest.tips.size()) +
            " ends of chains, which are not the " + std::to_string(ends_.size()) + " in the file");
  if (manifest.entry && !verdict_.proven)
    problem("the entry " + cid_text(*manifest.entry) + " is not in the file");
}

// What a run should follow; at the beginning of a branch that is for the second pass to see.
Before FileCheck::before(const FileRun& file_run) {
  const Run& run = file_run.run;
  if (!file_run.begins_lane) return last_;
  if (verdict_.lanes++ > 0) ends_.push_back(last_head_);
  if (run.first_seq == 1) return {run.feed, 0, reader_.genesis()->time_us.value_or(0)};
  const bool is_proof = reader_.manifest()->entry.has_value();
  if (!is_proof)
    branches_.emplace(run.prev, Branch{run.feed, run.first_seq - 1, run.rows.front().time_us});
  return {run.prev, run.first_seq - 1, 0};
}

void FileCheck::judge(FileRun& file_run) {
  Run& run = file_run.run;
  const Before follows = before(file_run);
  last_head_ = file_run.signed_head;
  last_ = {file_run.ids.back(), run.last_seq(), run.rows.back().time_us};
  verdict_.entries += run.rows.size();
  for (const Row& row : run.rows) {
    verdict_.missing_bodies += row.is_dropped ? 1 : 0;
    verdict_.body_bytes += row.body_bytes;
  }
  const auto judged = judge_run(run, file_run.opening, follows);
  if (!judged) return problem(file_run, judged.error());
  prove(file_run);
}

void FileCheck::prove(const FileRun& file_run) {
  const auto& entry = reader_.manifest()->entry;
  if (!entry) return;
  const auto found = std::find(file_run.ids.begin(), file_run.ids.end(), *entry);
  if (found == file_run.ids.end()) return;
  const Run& run = file_run.run;
  const std::uint64_t place = static_cast<std::uint64_t>(found - file_run.ids.begin());
  const Row& row = run.rows[place];
  Proven& made = verdict_.proven.emplace();
  made.id = *entry;
  made.feed = run.feed;
  made.author = file_run.opening.author;
  made.seq = run.first_seq + place;
  made.time_us = row.time_us;
  made.signed_seq = run.last_seq();
  made.type = row.type;
  made.body_bytes = row.body_bytes;
  if (!row.is_dropped) made.body = to_vector(row.body);
}

void FileCheck::find_branches(const FileRun& file_run) {
  const Run& run = file_run.run;
  for (std::size_t i = 0; i < file_run.ids.size(); ++i) {
    const auto [from, to] = branches_.equal_range(file_run.ids[i]);
    for (auto at = from; at != to;) {
      const Branch& branch = at->second;
      const bool is_it = branch.feed == run.feed && branch.seq == run.first_seq + i &&
                         branch.first_time_us > run.rows[i].time_us;
      at = is_it ? branches_.erase(at) : std::next(at);
    }
  }
}

}  // namespace kith::store

// SPDX-License-Identifier: MIT
// RunFile: a ledger as a CAR. First the manifest and the genesis; then each lane: its feed's
// opening, and run after run its entries, each followed by its body, and the signed head behind the
// last. The reader gives runs, whose blocks are what their CIDs name and follow one another; it
// judges no signature. Pure; any one thread.
#pragma once
#include "engine/store/car.h"
#include "engine/store/manifest.h"
#include "engine/store/run.h"

namespace kith::store {

// Whose bodies go along.
struct BodiesOf {
  bool all = true;
  std::uint64_t seq = 0;  // else only this one's
};
// `run` was rebuilt: `ids` are its entries'.
void append_car_run(ByteVector& to, const Run& run, std::span<const Digest> ids, BodiesOf bodies);
SignedHead signed_head_of(const Run& run, std::span<const Digest> ids);
// Header, manifest and genesis.
ByteVector car_beginning(const Manifest& manifest, Bytes genesis_block);

// A run as it was read; owns what it shows. What had no body is dropped.
struct FileRun {
  bool begins_lane = false;
  Opening opening;
  ByteVector opening_block;
  Run run;
  std::vector<Digest> ids;
  Digest signed_head{};
  std::vector<ByteVector> blocks;  // what `run` looks at
};

class RunFileReader {
 public:
  void feed(Bytes piece) { car_.feed(piece); }
  // The next run; none: more must be fed. After an error, nothing more can be read.
  Result<std::optional<FileRun>> next();
  Result<void> finish() const;

  const std::optional<Manifest>& manifest() const { return manifest_; }
  const std::optional<Genesis>& genesis() const { return genesis_; }
  Digest ledger() const { return manifest_->genesis; }
  std::uint64_t offset() const { return car_.offset(); }

 private:
  // True: the run is whole.
  Result<bool> take(const CarBlock& block);
  Result<void> take_manifest(const CarBlock& block);
  Result<void> take_genesis(const CarBlock& block);
  Result<void> take_opening(const CarBlock& block);
  Result<void> take_entry(const CarBlock& block);
  Result<void> take_body(const CarBlock& block);
  Result<void> take_head(const CarBlock& block);
  Error misplaced(const char* detail) const;
  void begin_run(bool begins_lane);

  CarReader car_;
  std::optional<Manifest> manifest_;
  std::optional<Genesis> genesis_;
  bool is_feed_open_ = false, awaits_entry_ = false;
  FileRun made_;
  std::size_t body_bytes_ = 0;
};

}  // namespace kith::store

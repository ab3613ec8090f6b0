// SPDX-License-Identifier: MIT
// CountingStore: a KeyValue that counts how often something is looked up in it: each get, and each
// move of a scan. For tests of what a read costs.
#pragma once
#include "engine/store/key_value.h"

namespace kith::test {

class CountingStore final : public store::KeyValue {
 public:
  explicit CountingStore(std::shared_ptr<store::KeyValue> held) : held_(std::move(held)) {}

  std::size_t take_looks() { return std::exchange(*looks_, 0); }

  Result<std::optional<ByteVector>> get(store::Column column, Bytes key) const override {
    ++*looks_;
    return held_->get(column, key);
  }
  Result<void> commit(const store::Batch& batch, bool sync) override {
    return held_->commit(batch, sync);
  }
  Result<void> sync() override { return held_->sync(); }
  std::unique_ptr<store::Scan> scan(store::Column column) const override {
    return std::make_unique<CountingScan>(held_->scan(column), looks_);
  }

 private:
  class CountingScan final : public store::Scan {
   public:
    CountingScan(std::unique_ptr<store::Scan> held, std::shared_ptr<std::size_t> looks)
        : held_(std::move(held)), looks_(std::move(looks)) {}
    void seek(Bytes key) override { ++*looks_, held_->seek(key); }
    void seek_back(Bytes key) override { ++*looks_, held_->seek_back(key); }
    void next() override { ++*looks_, held_->next(); }
    void back() override { ++*looks_, held_->back(); }
    bool valid() const override { return held_->valid(); }
    Bytes key() const override { return held_->key(); }
    Bytes value() const override { return held_->value(); }
    Result<void> status() const override { return held_->status(); }

   private:
    std::unique_ptr<store::Scan> held_;
    std::shared_ptr<std::size_t> looks_;
  };
  std::shared_ptr<store::KeyValue> held_;
  std::shared_ptr<std::size_t> looks_ = std::make_shared<std::size_t>(0);
};

}  // namespace kith::test

// SPDX-License-Identifier: MIT
// What every KeyValue promises; each test runs over memory and over RocksDB.
#include "engine/store/key_value.h"

#include <atomic>
#include <thread>

#include "tests/store/folder.h"

namespace kith::store {
namespace {

enum class Body { memory, rocks };

class KeyValueContract : public testing::TestWithParam<Body> {
 protected:
  KeyValueContract() { open(); }
  void open() {
    if (GetParam() == Body::memory) {
      store = make_memory_store();
      return;
    }
    auto opened = open_rocks_store(folder.store());
    ASSERT_TRUE(opened) << opened.error().message();
    store = *std::move(opened);
  }
  void put(std::string_view key, std::string_view value, Column column = Column::meta) {
    Batch batch;
    batch.put(column, as_bytes(key), to_vector(as_bytes(value)));
    commit(batch);
  }
  void erase(std::string_view key) {
    Batch batch;
    batch.erase(Column::meta, as_bytes(key));
    commit(batch);
  }
  void commit(const Batch& batch, bool sync = false) {
    const auto kept = store->commit(batch, sync);
    ASSERT_TRUE(kept) << kept.error().message();
  }
  // "-" where there is none.
  std::string get(std::string_view key, Column column = Column::meta) const {
    const auto found = store->get(column, as_bytes(key));
    if (!found) return found.error().message();
    return *found ? std::string(as_text(**found)) : "-";
  }
  static std::string forward(Scan& scan) {
    std::string out;
    for (; scan.valid(); scan.next())
      out += std::string(as_text(scan.key())) + "=" + std::string(as_text(scan.value())) + " ";
    EXPECT_TRUE(scan.status());
    return out;
  }
  static std::string at(const Scan& scan) {
    return scan.valid() ? std::string(as_text(scan.key())) : "-";
  }

  test::Folder folder;
  std::unique_ptr<KeyValue> store;
};

TEST_P(KeyValueContract, TheLastWriteOfAKeyWins) {
  EXPECT_EQ(get("a"), "-");
  put("a", "1");
  EXPECT_EQ(get("a"), "1");
  put("a", "2");
  EXPECT_EQ(get("a"), "2");
  erase("a");
  EXPECT_EQ(get("a"), "-");
  erase("a");
  EXPECT_EQ(get("a"), "-");
}

TEST_P(KeyValueContract, ABatchIsInItsOrder) {
  put("gone", "x");
  Batch batch;
  batch.put(Column::meta, as_bytes("a"), to_vector(as_bytes("1")));
  batch.put(Column::meta, as_bytes("a"), to_vector(as_bytes("2")));
  batch.erase(Column::meta, as_bytes("gone"));
  batch.put(Column::meta, as_bytes("b"), to_vector(as_bytes("1")));
  batch.erase(Column::meta, as_bytes("b"));
  batch.put(Column::runs, as_bytes("a"), to_vector(as_bytes("other")));
  commit(batch, true);
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(get("b"), "-");
  EXPECT_EQ(get("gone"), "-");
  EXPECT_EQ(get("a", Column::runs), "other");
}

TEST_P(KeyValueContract, BatchesAppend) {
  Batch first, second, empty;
  first.put(Column::meta, as_bytes("a"), to_vector(as_bytes("1")));
  second.put(Column::meta, as_bytes("a"), to_vector(as_bytes("22")));
  second.erase(Column::meta, as_bytes("b"));
  first.append(std::move(second));
  EXPECT_EQ(first.writes().size(), 3u);
  EXPECT_EQ(first.bytes(), 6u);
  empty.append(std::move(first));
  EXPECT_EQ(empty.bytes(), 6u);
  commit(empty);
  EXPECT_EQ(get("a"), "22");
  commit(Batch(), true);
}

TEST_P(KeyValueContract, ColumnsAreApart) {
  for (std::size_t i = 0; i < kColumns; ++i) put("key", std::to_string(i), static_cast<Column>(i));
  for (std::size_t i = 0; i < kColumns; ++i) {
    EXPECT_EQ(get("key", static_cast<Column>(i)), std::to_string(i));
    auto scan = store->scan(static_cast<Column>(i));
    scan->seek({});
    EXPECT_EQ(forward(*scan), "key=" + std::to_string(i) + " ");
  }
}

TEST_P(KeyValueContract, KeysAndValuesAreAnyBytes) {
  using namespace std::string_view_literals;
  put("\0"sv, "");
  put("\0\0"sv, "\0"sv);
  put("\xff\xff"sv, "high");
  put("", "no key");
  EXPECT_EQ(get("\0"sv), "");
  EXPECT_EQ(get("\0\0"sv), "\0"sv);
  EXPECT_EQ(get("\xff\xff"sv), "high");
  EXPECT_EQ(get(""), "no key");
  auto scan = store->scan(Column::meta);
  scan->seek({});
  EXPECT_EQ(forward(*scan), "=no key \0= \0\0=\0 \xff\xff=high "sv);
}

TEST_P(KeyValueContract, LargeValues) {
  std::string large(3 << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>(i);
  put("large", large, Column::bodies);
  EXPECT_EQ(get("large", Column::bodies), large);
}

TEST_P(KeyValueContract, ScansGoBothWays) {
  for (const char* key : {"b", "d", "f"}) put(key, key);
  auto scan = store->scan(Column::meta);
  EXPECT_FALSE(scan->valid());
  scan->seek(as_bytes("c"));
  EXPECT_EQ(at(*scan), "d");
  scan->back();
  EXPECT_EQ(at(*scan), "b");
  scan->next();
  scan->next();
  EXPECT_EQ(at(*scan), "f");
  scan->next();
  EXPECT_FALSE(scan->valid());
  scan->seek_back(as_bytes("z"));
  EXPECT_EQ(at(*scan), "f");
  scan->back();
  scan->back();
  EXPECT_EQ(at(*scan), "b");
  scan->back();
  EXPECT_FALSE(scan->valid());
  EXPECT_TRUE(scan->status());
}

TEST_P(KeyValueContract, SeeksAtTheEdges) {
  auto none = store->scan(Column::times);
  none->seek({});
  EXPECT_FALSE(none->valid());
  none->seek_back(as_bytes("z"));
  EXPECT_FALSE(none->valid());

  for (const char* key : {"b", "d"}) put(key, key);
  auto scan = store->scan(Column::meta);
  const auto seeks = [&](const char* key) {
    scan->seek(as_bytes(key));
    return at(*scan);
  };
  const auto seeks_back = [&](const char* key) {
    scan->seek_back(as_bytes(key));
    return at(*scan);
  };
  EXPECT_EQ(seeks(""), "b");
  EXPECT_EQ(seeks("b"), "b");
  EXPECT_EQ(seeks("d"), "d");
  EXPECT_EQ(seeks("da"), "-");
  EXPECT_EQ(seeks_back("a"), "-");
  EXPECT_EQ(seeks_back("b"), "b");
  EXPECT_EQ(seeks_back("c"), "b");
  EXPECT_EQ(seeks_back("z"), "d");
  EXPECT_EQ(seeks_back(""), "-");
}

TEST_P(KeyValueContract, AScanSeesNothingThatCameLater) {
  for (const char* key : {"a", "b", "c"}) put(key, "old");
  auto scan = store->scan(Column::meta);
  scan->seek({});
  put("b", "new");
  put("bb", "new");
  erase("c");
  EXPECT_EQ(forward(*scan), "a=old b=old c=old ");
  auto later = store->scan(Column::meta);
  later->seek({});
  EXPECT_EQ(forward(*later), "a=old b=new bb=new ");
}

TEST_P(KeyValueContract, AScanMayOutliveItsStore) {
  put("a", "1");
  auto scan = store->scan(Column::meta);
  store.reset();
  scan->seek({});
  EXPECT_EQ(forward(*scan), "a=1 ");
}

// Batches of one number under many keys: whoever reads sees all of one or of another.
TEST_P(KeyValueContract, OthersReadWhileOneWrites) {
  constexpr int kRounds = 200, kKeys = 20;
  std::atomic<bool> ended = false;
  std::atomic<int> mixed = 0, looks = 0;
  const auto write = [&](int round) {
    Batch batch;
    for (int key = 0; key < kKeys; ++key)
      batch.put(Column::meta, as_bytes(std::to_string(key)),
                to_vector(as_bytes(std::to_string(round))));
    commit(batch);
  };
  write(0);
  std::thread reader([&] {
    while (!ended || looks < 3) {
      auto scan = store->scan(Column::meta);
      scan->seek({});
      const std::string first(as_text(scan->value()));
      int seen = 0;
      for (; scan->valid(); scan->next(), ++seen)
        if (as_text(scan->value()) != first) ++mixed;
      if (seen != kKeys || get("7") == "-") ++mixed;
      ++looks;
    }
  });
  for (int round = 1; round <= kRounds; ++round) write(round);
  ended = true;
  reader.join();
  EXPECT_EQ(mixed, 0);
}

INSTANTIATE_TEST_SUITE_P(, KeyValueContract, testing::Values(Body::memory, Body::rocks),
                         [](const auto& info) {
                           return info.param == Body::memory ? "Memory" : "Rocks";
                         });

class RocksStore : public testing::Test {
 protected:
  std::unique_ptr<KeyValue> open() {
    auto opened = open_rocks_store(folder.store());
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  }
  test::Folder folder;
};

TEST_F(RocksStore, KeepsWhatItWasGiven) {
  for (int round = 0; round < 5; ++round) {
    auto store = open();
    for (int i = 0; i < round; ++i) {
      const auto found = store->get(Column::runs, as_bytes(std::to_string(i)));
      ASSERT_TRUE(found);
      EXPECT_TRUE(*found) << "round " << round << " lost " << i;
    }
    Batch batch;
    batch.put(Column::runs, as_bytes(std::to_string(round)), to_vector(as_bytes("x")));
    EXPECT_TRUE(store->commit(batch, false));
    EXPECT_TRUE(store->sync());
  }
}

TEST_F(RocksStore, ASecondOpenerIsRefused) {
  const auto store = open();
  const auto second = open_rocks_store(folder.store());
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(store_error::in_use)) << second.error().message();
  EXPECT_NE(second.error().message().find(folder.store()), std::string::npos);
  Batch batch;
  batch.put(Column::meta, as_bytes("a"), to_vector(as_bytes("1")));
  EXPECT_TRUE(store->commit(batch, true));
}

TEST_F(RocksStore, AFolderThatCannotBeMadeIsAFailure) {
  test::write_file(folder.path() / "file", as_bytes("x"));
  const auto opened = open_rocks_store(folder.path() / "file" / "store");
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(store_error::failed)) << opened.error().message();
}

}  // namespace
}  // namespace kith::store

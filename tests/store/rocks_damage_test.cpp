// SPDX-License-Identifier: MIT
// A store whose files were changed behind its back: it is refused, or what is read is right. It
// never opens with less than was synced.
#include "engine/store/key_value.h"
#include "engine/store/rocks_log.h"
#include "tests/store/folder.h"

namespace kith::store {
namespace {

constexpr int kKeys = 40;

ByteVector value_of(int key, std::size_t bytes) {
  ByteVector value(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    value[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(key) * 31 + i * i);
  return value;
}

class RocksDamage : public testing::Test {
 protected:
  void write(int first, int last, std::size_t bytes) {
    auto opened = open_rocks_store(folder.store());
    ASSERT_TRUE(opened) << opened.error().message();
    for (int key = first; key < last; ++key) {
      Batch batch;
      batch.put(Column::bodies, as_bytes(std::to_string(key)), value_of(key, bytes));
      ASSERT_TRUE((*opened)->commit(batch, true));
    }
  }
  // How many of the keys are there. -1: it said that it is damaged, on open, get or scan.
  int count(std::size_t bytes) {
    const auto opened = open_rocks_store(folder.store());
    if (!opened) return judge(opened.error());
    int found = 0;
    for (int key = 0; key < kKeys; ++key) {
      const auto value = (*opened)->get(Column::bodies, as_bytes(std::to_string(key)));
      if (!value) return judge(value.error());
      if (*value && **value == value_of(key, bytes)) ++found;
      if (*value && **value != value_of(key, bytes)) ADD_FAILURE() << "wrong data under " << key;
    }
    int scanned = 0;
    auto scan = (*opened)->scan(Column::bodies);
    for (scan->seek({}); scan->valid(); scan->next()) ++scanned;
    const auto status = scan->status();
    if (!status) return judge(status.error());
    EXPECT_EQ(scanned, found);
    return found;
  }
  int judge(const Error& error) {
    EXPECT_TRUE(error.is(store_error::damaged)) << error.message();
    EXPECT_NE(error.message().find("move " + folder.store() + " aside"), std::string::npos);
    return -1;
  }
  // Where the last record of a log begins.
  static std::size_t place_of_last(Bytes log) {
    std::size_t at = 0;
    for (;;) {
      const std::size_t next = at + 7 + log[at + 4] + (std::size_t{log[at + 5]} << 8);
      if (next >= log.size()) return at;
      at = next;
    }
  }
  std::filesystem::path newest(const std::string& ending) {
    const auto found = folder.files(ending);
    EXPECT_FALSE(found.empty()) << ending;
    return found.empty() ? std::filesystem::path() : found.back();
  }
  std::filesystem::path manifest() {
    const ByteVector current = test::read_file(folder.store() + "/CURRENT");
    return folder.store() + "/" + std::string(as_text(Bytes(current).first(current.size() - 1)));
  }

  test::Folder folder;
};

TEST_F(RocksDamage, AByteOfTheWalThatFlips) {
  constexpr std::size_t kBytes = 10;
  write(0, kKeys, kBytes);
  const auto wal = newest(".log");
  const ByteVector log = test::read_file(wal);
  ASSERT_GT(log.size(), kKeys * kBytes);
  folder.save();
  const auto flip = [&](std::size_t at, unsigned bits) {
    folder.restore();
    ByteVector changed = log;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ bits);
    test::write_file(wal, changed);
    EXPECT_EQ(count(kBytes), -1) << "byte " << at << " of " << log.size() << " by " << bits;
  };
  // Every byte of a record in the middle, and the header of the last.
  constexpr std::size_t kHeaderBytes = 7;
  const std::size_t record = log.size() / kKeys, middle = log.size() / 2;
  for (std::size_t at = middle; at < middle + record; ++at) flip(at, 0x04);
  const std::size_t last = place_of_last(log);
  for (std::size_t at = last; at < last + kHeaderBytes; ++at) {
    flip(at, 0x04);
    flip(at, 0xff);
  }
  folder.restore();
  EXPECT_EQ(count(kBytes), kKeys);
}

TEST_F(RocksDamage, AHoleInTheWal) {
  constexpr std::size_t kBytes = 4'000;
  write(0, kKeys, kBytes);
  const auto wal = newest(".log");
  ByteVector log = test::read_file(wal);
  ASSERT_GT(log.size(), 4u * 32'768);
  std::fill(log.begin() + 32'768, log.begin() + 2 * 32'768, std::uint8_t{0});
  test::write_file(wal, log);
  EXPECT_EQ(count(kBytes), -1);
}

TEST_F(RocksDamage, AWriteThatWasCutOffIsForgiven) {
  constexpr std::size_t kBytes = 10;
  write(0, kKeys, kBytes);
  const auto wal = newest(".log");
  const ByteVector log = test::read_file(wal);
  folder.save();
  const std::size_t last = place_of_last(log);
  for (std::size_t size = last; size < log.size(); size += size < last + 7 ? 2 : 8) {
    folder.restore();
    test::write_file(wal, Bytes(log).first(size));
    EXPECT_EQ(count(kBytes), kKeys - 1) << size;
  }
  EXPECT_EQ(count(kBytes), kKeys - 1) << "the second open sees another store";
}

// Killed while it was made for the first time: there is nothing to lose.
TEST_F(RocksDamage, AStoreThatWasNeverFinished) {
  write(0, 0, 10);
  for (const char* name : {"CURRENT", ".log"}) std::filesystem::remove(newest(name));
  EXPECT_EQ(count(10), 0);
}

TEST_F(RocksDamage, AMissingWal) {
  write(0, kKeys, 10);
  std::filesystem::remove(newest(".log"));
  EXPECT_EQ(count(10), -1);
}

TEST_F(RocksDamage, AByteOfATableThatFlips) {
  constexpr std::size_t kBytes = 100;
  write(0, kKeys / 2, kBytes);
  write(kKeys / 2, kKeys, kBytes);  // the open before it wrote the first half into a table
  const auto table = newest(".sst");
  const ByteVector bytes = test::read_file(table);
  folder.save();
  int refused = 0, tries = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 40, ++tries) {
    folder.restore();
    ByteVector changed = bytes;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0x10);
    test::write_file(table, changed);
    const int found = count(kBytes);
    EXPECT_TRUE(found == kKeys || found == -1) << found << " keys, byte " << at;
    if (found == -1) ++refused;
  }
  EXPECT_GT(refused, tries / 2);  // the rest: properties and padding, which hold no data
}

TEST_F(RocksDamage, AMissingTable) {
  constexpr std::size_t kBytes = 10;
  write(0, kKeys / 2, kBytes);
  write(kKeys / 2, kKeys, kBytes);
  std::filesystem::remove(newest(".sst"));
  EXPECT_EQ(count(kBytes), -1);
}

TEST_F(RocksDamage, AByteOfTheManifestThatFlips) {
  constexpr std::size_t kBytes = 10;
  write(0, kKeys / 2, kBytes);
  write(kKeys / 2, kKeys, kBytes);
  const auto file = manifest();
  const ByteVector log = test::read_file(file);
  folder.save();
  for (std::size_t at = 0; at < log.size(); at += 1 + log.size() / 40) {
    folder.restore();
    ByteVector changed = log;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0x04);
    test::write_file(file, changed);
    EXPECT_EQ(count(kBytes), -1) << "byte " << at << " of " << log.size();
  }
}

TEST_F(RocksDamage, AMissingCurrent) {
  write(0, kKeys, 10);
  std::filesystem::remove(folder.store() + "/CURRENT");
  EXPECT_EQ(count(10), -1);
  EXPECT_FALSE(std::filesystem::exists(folder.store() + "/CURRENT")) << "it was changed";
}

}  // namespace
}  // namespace kith::store

// SPDX-License-Identifier: MIT
// Folder: an empty one of the test's own, gone with it; and what a test does to the files in it.
#pragma once
#include <gtest/gtest.h>
#include <kith/bytes.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace kith::test {

class Folder {
 public:
  Folder() {
    std::string made = testing::TempDir() + "kith-store-XXXXXX";
    if (!mkdtemp(made.data())) throw std::runtime_error("no folder for the test: " + made);
    path_ = made;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string store() const { return path_ / "store"; }

  // The files of the store that end so, by name.
  std::vector<std::filesystem::path> files(const std::string& ending) const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(store())) {
      if (entry.path().string().ends_with(ending)) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  // As the store is now, to be put back by restore().
  void save() { copy(store(), path_ / "saved"); }
  void restore() { copy(path_ / "saved", store()); }

 private:
  static void copy(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to);
  }
  std::filesystem::path path_;
};

inline ByteVector read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
inline void write_file(const std::filesystem::path& path, Bytes bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace kith::test

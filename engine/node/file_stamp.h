// SPDX-License-Identifier: MIT
// FileStamp: what tells one content of a file from the next without reading it. A plain value; a
// file that is not there has none.
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

namespace kith::node {

struct FileStamp {
  std::int64_t modified_ns = 0;
  std::uint64_t bytes = 0;
  std::uint64_t inode = 0;  // an editor that writes aside and renames brings a new one
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

inline std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  return FileStamp{facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec,
                   static_cast<std::uint64_t>(facts.st_size), facts.st_ino};
}

}  // namespace kith::node

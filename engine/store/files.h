// SPDX-License-Identifier: MIT
// NewFile: a file that is made anew, readable by its owner alone, and written from its beginning to
// its end. What was not finished is removed again; what was there before is never touched.
// FileSource: one that is read so. Each of any one thread.
#pragma once
#include <kith/bytes.h>
#include <kith/result.h>

#include <string>

namespace kith::store {

class NewFile {
 public:
  // A sentence where something of that name is there already.
  static Result<NewFile> make(std::string path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&& other) = delete;
  ~NewFile();

  Result<void> write(Bytes bytes);
  Result<void> finish();  // it survives a power cut
  std::uint64_t bytes() const { return bytes_; }

 private:
  NewFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Error failed() const;
  std::string path_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
};

class FileSource {
 public:
  static Result<FileSource> open(const std::string& path);
  FileSource(FileSource&& other) noexcept;
  FileSource& operator=(FileSource&&) = delete;
  ~FileSource();
  // Up to as many as there is room for; none at the end.
  Result<std::size_t> read(MutableBytes to);
  Result<void> rewind();
  std::uint64_t size() const { return size_; }

 private:
  FileSource(std::string path, int fd, std::uint64_t size)
      : path_(std::move(path)), fd_(fd), size_(size) {}
  Error failed() const;
  std::string path_;
  int fd_;
  std::uint64_t size_;
};

}  // namespace kith::store

// SPDX-License-Identifier: MIT
#include "engine/store/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace kith::store {

Result<NewFile> NewFile::make(std::string path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) return NewFile(std::move(path), fd);
  if (errno == EEXIST)
    return Error(KITH_IO, path + " is there already: name another file, or move it away");
  return Error(KITH_IO, "cannot make " + path + ": " + std::strerror(errno));
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), bytes_(other.bytes_) {}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

Error NewFile::failed() const {
  return Error(KITH_IO, "cannot write " + path_ + ": " + std::strerror(errno));
}

Result<void> NewFile::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed();
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    bytes_ += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> NewFile::finish() {
  if (::fsync(fd_) != 0) return failed();
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  const int parent = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (parent >= 0) {  // its name too
    ::fsync(parent);
    ::close(parent);
  }
  ::close(std::exchange(fd_, -1));
  return {};
}

Result<FileSource> FileSource::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error(KITH_IO, "cannot open " + path + ": " + std::strerror(errno));
  struct stat facts {};
  if (::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode))
    return FileSource(path, fd, static_cast<std::uint64_t>(facts.st_size));
  ::close(fd);
  return Error(KITH_IO, path + " is no file");
}

FileSource::FileSource(FileSource&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

FileSource::~FileSource() {
  if (fd_ >= 0) ::close(fd_);
}

Error FileSource::failed() const {
  return Error(KITH_IO, "cannot read " + path_ + ": " + std::strerror(errno));
}

Result<std::size_t> FileSource::read(MutableBytes to) {
  for (;;) {
    const ssize_t n = ::read(fd_, to.data(), to.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return failed();
  }
}

Result<void> FileSource::rewind() {
  return ::lseek(fd_, 0, SEEK_SET) == 0 ? Result<void>() : failed();
}

}  // namespace kith::store

// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/crypto/keys.h"

namespace kith::crypto {
namespace {

constexpr std::size_t kFileBytesMax = 1024;

Error refused(const std::string& path, const std::string& why) {
  return Error(crypto_error::identity_file, path + " " + why);
}
Error failed(const std::string& path, const char* what) {
  return refused(path, fmt::format("{}: {}", what, std::strerror(errno)));
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Where the file lives. All names are looked up from this one descriptor, so that a folder that is
// moved or replaced meanwhile changes nothing.
struct Place {
  std::string folder, name;
  static Place of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {path.substr(0, slash + 1), path.substr(slash + 1)};
  }
};

// The bytes of a secret; wiped at the end.
struct Secret {
  ByteVector bytes;
  ~Secret() { wipe(bytes); }
};

bool read_all(int fd, ByteVector& to) {
  std::size_t size = 0;
  while (size < to.size()) {
    const ssize_t got = ::read(fd, to.data() + size, to.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  to.resize(size);
  return true;
}

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

// Ours alone, and a plain file.
Result<void> judge(int fd, const std::string& path) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return failed(path, "cannot be examined");
  if (!S_ISREG(found.st_mode)) return refused(path, "is not a plain file; name another path");
  if (found.st_uid != ::geteuid()) {
    return refused(path, fmt::format("belongs to user {}, not to user {} who runs this node; "
                                     "change its owner with chown, or name another path",
                                     found.st_uid, ::geteuid()));
  }
  if ((found.st_mode & 077) != 0) {
    return refused(path, fmt::format("is open to others (mode {:04o}); run: chmod 600 {}",
                                     found.st_mode & 07777u, path));
  }
  if (found.st_size > static_cast<off_t>(kFileBytesMax))
    return refused(path, "is too large for a key; name another path");
  return {};
}

Result<void> read_key(int fd, const std::string& path, ByteVector& key) {
  const auto ours = judge(fd, path);
  if (!ours) return ours.error();
  key.resize(kFileBytesMax);
  if (!read_all(fd, key)) return failed(path, "cannot be read");
  return {};
}

// Gives `from` the name `to` unless something has it. EEXIST is kept in errno.
bool name_it(int folder, const std::string& from, const std::string& to) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  // A file system without that flag (NFS): a hard link does not replace either.
  if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) != 0) return false;
  ::unlinkat(folder, from.c_str(), 0);
  return true;
}

Result<void> write_key(int folder, const std::string& name, const std::string& path, Bytes key) {
  ::unlinkat(folder, name.c_str(), 0);  // left over from a crash
  const File file(
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return failed(path, "cannot be created");
  // The umask may have taken bits away.
  if (::fchmod(file.fd(), 0600) != 0 || !write_all(file.fd(), key) || ::fsync(file.fd()) != 0)
    return failed(path, "cannot be written");
  return {};
}

// False: another process was faster, and its file stands.
Result<bool> create(int folder, const Place& place, const std::string& path,
                    const Identity& identity, Bytes key) {
  const std::string fresh = fmt::format(".{}.{}.new", place.name, identity.peer_id().text());
  const auto written = write_key(folder, fresh, path, key);
  if (!written) {
    ::unlinkat(folder, fresh.c_str(), 0);
    return written.error();
  }
  if (!name_it(folder, fresh, place.name)) {
    const int why = errno;
    ::unlinkat(folder, fresh.c_str(), 0);
    if (why == EEXIST) return false;
    errno = why;
    return failed(path, "cannot be named");
  }
  if (::fsync(folder) != 0) return failed(path, "cannot be made durable");
  return true;
}

}  // namespace

Result<Identity> Identity::load_or_create(const std::string& path, const Key32& fresh_seed) {
  const Place place = Place::of(path);
  if (place.name.empty()) return refused(path, "names a folder; name a file in it");
  const File folder(::open(place.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return failed(path, "lies in a folder that cannot be opened");

  // Twice: the file may appear between the look and the making.
  for (int attempt = 0; attempt < 2; ++attempt) {
    // Without O_NONBLOCK a FIFO of that name would hold the node up.
    const File file(
        ::openat(folder.fd(), place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (file) {
      Secret key;
      const auto read = read_key(file.fd(), path, key.bytes);
      if (!read) return read.error();
      auto identity = from_private_key(key.bytes);
      if (identity) return identity;
      return refused(path,
                     fmt::format("holds no usable key ({}); restore it from a backup, or move "
                                 "it away and a new identity is made",
                                 identity.error().message()));
    }
    if (errno == ELOOP) return refused(path, "is a symbolic link; name the file itself");
    if (errno != ENOENT) return failed(path, "cannot be opened");

    Identity identity = from_seed(fresh_seed);
    const Secret key{identity.private_key()};
    const auto created = create(folder.fd(), place, path, identity, key.bytes);
    if (!created) return created.error();
    if (*created) return identity;
  }
  return refused(path, "appears and disappears; is another program at work on it?");
}

}  // namespace kith::crypto

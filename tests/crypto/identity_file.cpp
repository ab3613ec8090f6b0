// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>

#include "tests/crypto/vectors.h"

namespace kith::crypto {
namespace {

using test::from_hex;
using test::hex;
using test::named_key;
namespace fs = std::filesystem;

class IdentityFile : public testing::Test {
 protected:
  IdentityFile() {
    start_crypto();
    std::string form = testing::TempDir() + "kith-identity-XXXXXX";
    if (!::mkdtemp(form.data())) throw std::runtime_error("no folder for the test");
    folder_ = form;
    path_ = folder_ + "/identity.key";
  }
  ~IdentityFile() override { fs::remove_all(folder_); }

  void put(Bytes bytes, mode_t mode = 0600) const {
    fs::remove_all(path_);
    std::ofstream(path_) << as_text(bytes);
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  ByteVector file_bytes() const {
    std::ifstream file(path_);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return to_vector(as_bytes(text));
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  Result<Identity> load() const { return Identity::load_or_create(path_, named_key("fresh")); }
  // What a refusal says; that it names the file and that the file stands untouched is looked at,
  // too.
  std::string refusal() const {
    const ByteVector before = file_bytes();
    const auto identity = load();
    if (identity) return "accepted";
    EXPECT_TRUE(identity.error().is(crypto_error::identity_file));
    EXPECT_NE(identity.error().message().find(path_), std::string::npos);
    EXPECT_EQ(file_bytes(), before);
    return identity.error().message();
  }
  bool refused_as(std::string_view words) const {
    const std::string said = refusal();
    if (said.find(words) != std::string::npos) return true;
    ADD_FAILURE() << said;
    return false;
  }

  std::string folder_, path_;
};

ByteVector private_key(std::initializer_list<ByteVector> pieces) {
  ByteVector data;
  for (const ByteVector& piece : pieces) append(data, piece);
  ByteVector protobuf = from_hex("080112");
  wire::append_prefixed(protobuf, data);
  return protobuf;
}

TEST_F(IdentityFile, IsMadeOnceAndKept) {
  const auto made = load();
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->peer_id(), Identity::from_seed(named_key("fresh")).peer_id());
  struct stat found {};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  EXPECT_EQ(found.st_nlink, 1u);
  EXPECT_EQ(files(), 1u) << "something temporary was left";

  const auto again = Identity::load_or_create(path_, named_key("another"));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->peer_id(), made->peer_id());
  EXPECT_EQ(again->sign(as_bytes("m")), made->sign(as_bytes("m")));
  EXPECT_EQ(files(), 1u);
}

TEST_F(IdentityFile, IsWhatJsWritesAndReads) {
  const auto file = test::read_vectors("keys.json");
  const auto& entry = file["keys"][0];
  const ByteVector recorded = from_hex(entry["private_key"]);
  put(recorded);
  const auto identity = load();
  ASSERT_TRUE(identity) << identity.error().message();
  EXPECT_EQ(identity->peer_id().text(), entry["peer_id"]);
  const Bytes message = as_bytes(file["message"].get_ref<const std::string&>());
  EXPECT_EQ(hex(identity->sign(message)), entry["signature"]);

  // And the other way: the same seed is written as the same bytes.
  fs::remove(path_);
  Key32 seed;
  std::copy_n(recorded.begin() + 4, seed.size(), seed.begin());
  ASSERT_TRUE(Identity::load_or_create(path_, seed));
  EXPECT_EQ(hex(file_bytes()), hex(recorded));
}

// peer-ids.md "Ed25519": seed || key || key.
TEST_F(IdentityFile, OlderFormIsRead) {
  const Key32 seed = named_key("older");
  const Identity identity = Identity::from_seed(seed);
  const ByteVector point = to_vector(identity.public_key().last(32));
  put(private_key({to_vector(seed), point, point}));
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->peer_id(), identity.peer_id());

  put(private_key({to_vector(seed), point, ByteVector(32)}));
  EXPECT_TRUE(refused_as("holds no usable key"));
}

TEST_F(IdentityFile, IsMadePrivateUnderAnyUmask) {
  for (const mode_t mask : {0u, 0777u}) {
    fs::remove(path_);
    const mode_t before = ::umask(mask);
    const auto made = load();
    ::umask(before);
    ASSERT_TRUE(made) << made.error().message();
    struct stat found {};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0600u);
  }
}

TEST_F(IdentityFile, BytesThatAreNoKeyAreRefused) {
  const Key32 seed = named_key("whose");
  const ByteVector point = to_vector(Identity::from_seed(seed).public_key().last(32));
  const ByteVector good = private_key({to_vector(seed), point});
  const ByteVector other = to_vector(Identity::from_seed(named_key("x")).public_key().last(32));
  put(good);
  ASSERT_TRUE(load());
  const ByteVector bad[] = {{},
                            to_vector(as_bytes("-----BEGIN PRIVATE KEY-----")),
                            to_vector(Bytes(good).first(good.size() - 1)),
                            private_key({to_vector(seed)}),
                            private_key({to_vector(seed), other}),
                            ByteVector(1024, 0x08)};
  for (const ByteVector& bytes : bad) {
    put(bytes);
    EXPECT_TRUE(refused_as("holds no usable key"));
  }
  put(ByteVector(1025));
  EXPECT_TRUE(refused_as("too large"));
  ByteVector secp256k1 = from_hex("08021220");
  append(secp256k1, seed);
  put(secp256k1);
  EXPECT_TRUE(refused_as("only Ed25519"));
}

TEST_F(IdentityFile, OthersMayNotEvenLook) {
  const Key32 seed = named_key("open");
  const ByteVector good =
      private_key({to_vector(seed), to_vector(Identity::from_seed(seed).public_key().last(32))});
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0610u, 0601u, 0644u}) {
    put(good, mode);
    EXPECT_TRUE(refused_as("chmod 600 " + path_)) << std::oct << mode;
  }
  put(good, 0400);
  EXPECT_TRUE(load());
  if (::geteuid() == 0) {  // only root can give files away
    put(good);
    ASSERT_EQ(::chown(path_.c_str(), 12345, 0), 0);
    EXPECT_TRUE(refused_as("belongs to user 12345"));
  }
}

TEST_F(IdentityFile, LinksFoldersAndPipesAreRefused) {
  const std::string target = folder_ + "/elsewhere.key";
  ASSERT_TRUE(Identity::load_or_create(target, named_key("elsewhere")));
  fs::create_symlink(target, path_);
  EXPECT_TRUE(refused_as("symbolic link"));
  fs::remove(path_);
  fs::create_symlink(folder_ + "/nowhere.key", path_);
  EXPECT_TRUE(refused_as("symbolic link"));
  EXPECT_FALSE(fs::exists(folder_ + "/nowhere.key"));
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const auto pipe = load();
  ASSERT_FALSE(pipe);
  EXPECT_NE(pipe.error().message().find("not a plain file"), std::string::npos);
  fs::remove(path_);
  fs::create_directory(path_);
  const auto in_folder = load();
  ASSERT_FALSE(in_folder);
  EXPECT_NE(in_folder.error().message().find("not a plain file"), std::string::npos);
}

TEST_F(IdentityFile, PlacesThatCannotBeAreNamed) {
  const auto absent = Identity::load_or_create(folder_ + "/no/such.key", named_key("fresh"));
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().message().find("No such file or directory"), std::string::npos);
  const auto folder = Identity::load_or_create(folder_ + "/", named_key("fresh"));
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message().find("names a folder"), std::string::npos);
  EXPECT_EQ(files(), 0u);
}

// Whoever comes first wins; all the others read what it wrote.
TEST_F(IdentityFile, ManyMakersAgreeOnOne) {
  constexpr std::size_t kMakers = 8;
  for (int round = 0; round < 20; ++round) {
    fs::remove(path_);
    std::array<std::string, kMakers> peers;
    std::vector<std::thread> makers;
    for (std::size_t i = 0; i < kMakers; ++i) {
      makers.emplace_back([this, i, &peers] {
        const auto identity =
            Identity::load_or_create(path_, named_key("maker " + std::to_string(i)));
        peers[i] = identity ? identity->peer_id().text() : identity.error().message();
      });
    }
    for (std::thread& maker : makers) maker.join();
    const std::set<std::string> different(peers.begin(), peers.end());
    EXPECT_EQ(different.size(), 1u) << *different.begin() << " and " << *different.rbegin();
    EXPECT_EQ(load()->peer_id().text(), peers[0]);
    EXPECT_EQ(files(), 1u);
  }
}

}  // namespace
}  // namespace kith::crypto

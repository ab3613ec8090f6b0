// SPDX-License-Identifier: MIT
#include "engine/crypto/keys.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "engine/base/limits.h"
#include "tests/crypto/vectors.h"

namespace kith::crypto {
namespace {

using nlohmann::json;
using test::from_hex;
using test::hex;
using test::key_from_hex;
using test::named_key;

class Keys : public testing::Test {
 protected:
  Keys() { start_crypto(); }
  const json file_ = test::read_vectors("keys.json");
  const Bytes message_ = as_bytes(file_["message"].get_ref<const std::string&>());

  const json& vector(std::string_view name) const {
    for (const json& entry : file_["keys"])
      if (entry["name"] == name) return entry;
    throw std::invalid_argument(std::string(name));
  }
};

ByteVector joined(std::initializer_list<ByteVector> pieces) {
  ByteVector all;
  for (const ByteVector& piece : pieces) append(all, piece);
  return all;
}

// A PublicKey protobuf around any data.
ByteVector wrapped(KeyType type, Bytes data) {
  ByteVector protobuf = {0x08, static_cast<std::uint8_t>(type), 0x12};
  wire::append_prefixed(protobuf, data);
  return protobuf;
}
ByteVector data_of(Bytes protobuf) {
  Bytes rest = protobuf.subspan(3);
  return to_vector(wire::read_prefixed(rest, rest.size()).value());
}
bool refused(Bytes protobuf) { return !PublicKey::from_protobuf(protobuf); }

TEST_F(Keys, RecordedKeysVerifyWhatTheySigned) {
  ASSERT_EQ(file_["keys"].size(), 8u);
  for (const json& entry : file_["keys"]) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto key = PublicKey::from_protobuf(from_hex(entry["public_key"]));
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_EQ(key->peer_id().text(), entry["peer_id"]);
    const ByteVector signature = from_hex(entry["signature"]);
    const ByteVector empty_signature = from_hex(entry["empty_signature"]);
    EXPECT_TRUE(key->verify(message_, signature));
    EXPECT_TRUE(key->verify({}, empty_signature));
    EXPECT_FALSE(key->verify(message_, empty_signature));
    EXPECT_FALSE(key->verify({}, signature));
    EXPECT_FALSE(key->verify(message_.first(message_.size() - 1), signature));
    EXPECT_FALSE(key->verify(message_, {}));
    EXPECT_FALSE(key->verify(message_, ByteVector(limits::kSignatureMax + 1)));
  }
}

TEST_F(Keys, NoBitOfASignatureCanBeFlipped) {
  for (const json& entry : file_["keys"]) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto key = PublicKey::from_protobuf(from_hex(entry["public_key"]));
    const ByteVector signature = from_hex(entry["signature"]);
    const std::size_t stride = signature.size() > 128 ? 41 : 1;
    for (std::size_t bit = 0; bit < signature.size() * 8; bit += stride) {
      ByteVector forged = signature;
      forged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      ASSERT_FALSE(key->verify(message_, forged)) << bit;
    }
    ByteVector longer = signature;
    longer.push_back(0);
    EXPECT_FALSE(key->verify(message_, longer));
    EXPECT_FALSE(key->verify(message_, Bytes(signature).first(signature.size() - 1)));
  }
}

TEST_F(Keys, OneEncodingOnly) {
  for (const json& entry : file_["keys"]) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const ByteVector good = from_hex(entry["public_key"]);
    const ByteVector data = data_of(good);
    const std::uint8_t type = good[1];
    ASSERT_EQ(wrapped(KeyType{type}, data), good);
    for (std::size_t size = 0; size < good.size(); ++size)
      ASSERT_TRUE(refused(Bytes(good).first(size))) << size;
    EXPECT_TRUE(refused(joined({good, {0}})));
    EXPECT_TRUE(refused(joined({good, {0x18, 0x01}}))) << "an unknown field";
    EXPECT_TRUE(refused(joined({good, {0x08, type}}))) << "a repeated field";
    const ByteVector head = {0x08, type};
    const Bytes tail = Bytes(good).subspan(2);
    EXPECT_TRUE(refused(joined({to_vector(tail), head}))) << "the other order";
    const ByteVector long_type = {0x08, static_cast<std::uint8_t>(type | 0x80), 0x00};
    EXPECT_TRUE(refused(joined({long_type, to_vector(tail)}))) << "a type that is not minimal";
    EXPECT_TRUE(refused(tail)) << "no type";
    for (const int other : {0, 1, 2, 3, 4, 127}) {
      const ByteVector other_head = {0x08, static_cast<std::uint8_t>(other)};
      EXPECT_TRUE(other == type || refused(joined({other_head, to_vector(tail)}))) << other;
    }
  }
  ByteVector long_length = from_hex("080112a000");
  long_length.resize(long_length.size() + 32, 7);
  EXPECT_TRUE(refused(long_length)) << "a length that is not minimal";
  EXPECT_TRUE(refused(wrapped(KeyType::rsa, ByteVector(limits::kPublicKeyMax))));
  EXPECT_TRUE(
      PublicKey::from_protobuf(from_hex("0805120101")).error().is(crypto_error::unsupported_key));
}

TEST_F(Keys, Secp256k1PointsHaveTwoForms) {
  const ByteVector compressed = data_of(from_hex(vector("secp256k1")["public_key"]));
  ASSERT_EQ(compressed.size(), 33u);
  EC_GROUP* group = EC_GROUP_new_by_curve_name(NID_secp256k1);
  EC_POINT* point = EC_POINT_new(group);
  ASSERT_EQ(EC_POINT_oct2point(group, point, compressed.data(), compressed.size(), nullptr), 1);
  const auto form = [&](point_conversion_form_t as) {
    ByteVector bytes(65);
    bytes.resize(EC_POINT_point2oct(group, point, as, bytes.data(), bytes.size(), nullptr));
    return bytes;
  };
  const ByteVector whole = form(POINT_CONVERSION_UNCOMPRESSED);
  const ByteVector hybrid = form(POINT_CONVERSION_HYBRID);
  EC_POINT_free(point);
  EC_GROUP_free(group);

  const auto key = PublicKey::from_protobuf(wrapped(KeyType::secp256k1, whole));
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->verify(message_, from_hex(vector("secp256k1")["signature"])));
  EXPECT_TRUE(refused(wrapped(KeyType::secp256k1, hybrid)));
  ByteVector off_curve = whole;
  off_curve.back() ^= 1;
  EXPECT_TRUE(refused(wrapped(KeyType::secp256k1, off_curve)));
  EXPECT_TRUE(refused(wrapped(KeyType::secp256k1, ByteVector{0}))) << "the point at infinity";
  EXPECT_TRUE(refused(wrapped(KeyType::secp256k1, {})));
  EXPECT_TRUE(refused(wrapped(KeyType::secp256k1, joined({compressed, {0}}))));
  ByteVector no_point(33, 0xff);
  no_point[0] = 2;
  EXPECT_TRUE(refused(wrapped(KeyType::secp256k1, no_point))) << "x over the field";
}

// BIP 62: of s and order - s only the lower one is a signature.
TEST_F(Keys, Secp256k1SignaturesHaveALowS) {
  const json& entry = vector("secp256k1");
  const ByteVector signature = from_hex(entry["signature"]);
  const std::uint8_t* at = signature.data();
  ECDSA_SIG* parsed = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size()));
  BIGNUM* order = nullptr;
  BN_hex2bn(&order, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  BIGNUM* high = BN_new();
  BN_sub(high, order, ECDSA_SIG_get0_s(parsed));
  ECDSA_SIG* other = ECDSA_SIG_new();
  ECDSA_SIG_set0(other, BN_dup(ECDSA_SIG_get0_r(parsed)), high);
  std::uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(other, &der);
  const ByteVector high_signature(der, der + size);
  OPENSSL_free(der);
  ECDSA_SIG_free(other);
  ECDSA_SIG_free(parsed);
  BN_free(order);

  const auto key = PublicKey::from_protobuf(from_hex(entry["public_key"]));
  EXPECT_TRUE(key->verify(message_, signature));
  EXPECT_FALSE(key->verify(message_, high_signature));
}

TEST_F(Keys, EcdsaKeysAreNamedCurvesAndWholePoints) {
  for (const char* name : {"ecdsa P-256", "ecdsa P-384", "ecdsa P-521"}) {
    SCOPED_TRACE(name);
    const ByteVector good = data_of(from_hex(vector(name)["public_key"]));
    EXPECT_FALSE(refused(wrapped(KeyType::ecdsa, good)));
    for (std::size_t at = 0; at < 27; ++at) {
      ByteVector other = good;
      other[at] ^= 1;
      EXPECT_TRUE(refused(wrapped(KeyType::ecdsa, other))) << at;
    }
    ByteVector off_curve = good;
    off_curve.back() ^= 1;
    EXPECT_TRUE(refused(wrapped(KeyType::ecdsa, off_curve)));
    EXPECT_TRUE(refused(wrapped(KeyType::ecdsa, joined({good, {0}}))));
  }
}

// DER, as long as lengths go here.
ByteVector der(std::uint8_t tag, Bytes content) {
  ByteVector bytes = {tag};
  const std::size_t size = content.size();
  if (size > 0xff) {
    append(bytes, ByteVector{0x82, static_cast<std::uint8_t>(size >> 8)});
  } else if (size > 0x7f) {
    bytes.push_back(0x81);
  }
  bytes.push_back(static_cast<std::uint8_t>(size));
  append(bytes, content);
  return bytes;
}

ByteVector rsa_info(Bytes modulus, Bytes exponent,
                    const std::string& algorithm = "300d06092a864886f70d0101010500") {
  const ByteVector key = der(0x30, joined({der(0x02, modulus), der(0x02, exponent)}));
  return der(0x30, joined({from_hex(algorithm), der(0x03, joined({{0}, key}))}));
}

// An odd number of so many bits, as DER writes it.
ByteVector modulus_of(std::size_t bits) {
  ByteVector bytes((bits + 7) / 8, 0x5b);
  const std::size_t top = (bits - 1) % 8;
  bytes[0] = static_cast<std::uint8_t>(1u << top);
  bytes.back() |= 1;
  if (top == 7) bytes.insert(bytes.begin(), 0);
  return bytes;
}

TEST_F(Keys, RsaKeysAreNeitherSmallNorHuge) {
  const ByteVector usual = from_hex("010001");
  const auto judged = [&](std::size_t bits) {
    return !refused(wrapped(KeyType::rsa, rsa_info(modulus_of(bits), usual)));
  };
  EXPECT_FALSE(judged(512));
  EXPECT_FALSE(judged(1024));
  EXPECT_FALSE(judged(2047));
  EXPECT_TRUE(judged(2048));
  EXPECT_TRUE(judged(3072));
  EXPECT_TRUE(judged(8192));
  EXPECT_FALSE(judged(8193));
  EXPECT_FALSE(judged(8704));
}

TEST_F(Keys, RsaKeysHaveOneFormAndASmallExponent) {
  const ByteVector modulus = modulus_of(2048), usual = from_hex("010001");
  const auto judged = [](const ByteVector& info) { return !refused(wrapped(KeyType::rsa, info)); };
  EXPECT_TRUE(judged(rsa_info(modulus, from_hex("03"))));
  EXPECT_TRUE(judged(rsa_info(modulus, from_hex("7fffffff"))));
  EXPECT_FALSE(judged(rsa_info(modulus, from_hex("00ffffffff"))));
  EXPECT_FALSE(judged(rsa_info(modulus, modulus_of(2047))));
  EXPECT_FALSE(judged(rsa_info(modulus, from_hex("01"))));
  EXPECT_FALSE(judged(rsa_info(modulus, from_hex("00"))));
  EXPECT_FALSE(judged(rsa_info(modulus, from_hex("04"))));
  EXPECT_FALSE(judged(rsa_info(modulus, from_hex("ff"))));
  EXPECT_FALSE(judged(rsa_info(modulus, from_hex("00010001")))) << "not minimal";
  EXPECT_FALSE(judged(joined({rsa_info(modulus, usual), {0}})));
  EXPECT_FALSE(judged(rsa_info(modulus, usual, "300b06092a864886f70d010101"))) << "no NULL";
  EXPECT_FALSE(judged(rsa_info(modulus, usual, "300d06092a864886f70d01010a0500"))) << "PSS";
  EXPECT_FALSE(judged(rsa_info(Bytes(modulus).subspan(1), usual))) << "a negative modulus";
}

// RFC 8032 section 7.1, tests 1 to 3.
TEST_F(Keys, Ed25519AsPublished) {
  struct Case {
    const char *seed, *key, *message, *signature;
  };
  const Case cases[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
       "f9b46bd25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
       "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
       "dc6594a7c15e9716ed28dc027beceea1ec40a"}};
  for (const Case& each : cases) {
    const Identity identity = Identity::from_seed(key_from_hex(each.seed));
    EXPECT_EQ(hex(identity.public_key()), std::string("08011220") + each.key);
    const ByteVector message = from_hex(each.message);
    EXPECT_EQ(hex(identity.sign(message)), each.signature);
    const auto key = PublicKey::from_protobuf(identity.public_key());
    EXPECT_TRUE(key->verify(message, from_hex(each.signature)));
    EXPECT_EQ(key->peer_id(), identity.peer_id());
  }
}

TEST_F(Keys, IdentitySurvivesAMove) {
  Identity first = Identity::from_seed(named_key("moved"));
  const wire::PeerId peer = first.peer_id();
  const Identity second = std::move(first);
  EXPECT_EQ(second.peer_id(), peer);
  EXPECT_TRUE(verify_claim(peer, {}, "", message_, second.sign(message_)));
}

TEST_F(Keys, ClaimsBindAuthorKeyAndDomain) {
  const Identity author = Identity::from_seed(named_key("author"));
  const Identity other = Identity::from_seed(named_key("other"));
  const Signature signature = author.sign("domain:", message_);
  const wire::PeerId& peer = author.peer_id();
  EXPECT_TRUE(verify_claim(peer, {}, "domain:", message_, signature));
  EXPECT_TRUE(verify_claim(peer, author.public_key(), "domain:", message_, signature));
  EXPECT_FALSE(verify_claim(peer, other.public_key(), "domain:", message_, signature));
  EXPECT_FALSE(verify_claim(other.peer_id(), {}, "domain:", message_, signature));
  EXPECT_FALSE(verify_claim(other.peer_id(), author.public_key(), "domain:", message_, signature));
  EXPECT_FALSE(verify_claim(peer, {}, "domain", message_, signature));
  EXPECT_FALSE(verify_claim(peer, {}, "", message_, signature));
  EXPECT_FALSE(verify_claim({}, {}, "domain:", message_, signature));
  EXPECT_FALSE(verify_claim(peer, as_bytes("no key"), "domain:", message_, signature));
}

TEST_F(Keys, ClaimsOfHashedIdsNeedTheKey) {
  const json& entry = vector("rsa 2048");
  const auto peer = wire::PeerId::from_text(entry["peer_id"].get<std::string>());
  ASSERT_TRUE(peer);
  const ByteVector key = from_hex(entry["public_key"]);
  const ByteVector signature = from_hex(entry["signature"]);
  EXPECT_TRUE(verify_claim(*peer, key, "", message_, signature));
  EXPECT_FALSE(verify_claim(*peer, {}, "", message_, signature));
}

}  // namespace
}  // namespace kith::crypto

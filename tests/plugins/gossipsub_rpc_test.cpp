// SPDX-License-Identifier: MIT
// The codec and the ids of plugins/routers/gossipsub, against bytes that js-libp2p made.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "engine/crypto/keys.h"
#include "engine/wire/encodings.h"
#include "plugins/routers/gossipsub/cache.h"
#include "plugins/routers/gossipsub/limits.h"
#include "plugins/routers/gossipsub/message_id.h"

namespace kith::gossip {
namespace {

std::map<std::string, std::string> vectors() {
  std::map<std::string, std::string> all;
  std::ifstream file(KITH_TEST_FILES "/gossipsub_js_rpc.txt");
  for (std::string name, value; file >> name;) {
    if (name.starts_with('#')) {
      std::getline(file, value);
    } else {
      file >> value;
      all[name] = value;
    }
  }
  return all;
}
ByteVector vector_of(const std::string& name) { return *wire::from_hex(vectors().at(name)); }

class EachJsRpc : public testing::TestWithParam<const char*> {};

TEST_P(EachJsRpc, EncodesToTheSameBytes) {
  const ByteVector bytes = vector_of(GetParam());
  Rpc rpc;
  ASSERT_TRUE(decode_rpc(bytes, rpc));
  ByteVector again;
  append_rpc(again, rpc);
  EXPECT_EQ(wire::to_hex(again), wire::to_hex(bytes));
}
INSTANTIATE_TEST_SUITE_P(GossipRpc, EachJsRpc,
                         testing::Values("signed", "signed_rsa", "anonymous", "subscriptions",
                                         "control"));

TEST(GossipRpc, ReadsWhatJsSays) {
  Rpc rpc;
  ByteVector bytes = vector_of("subscriptions");
  ASSERT_TRUE(decode_rpc(bytes, rpc));
  ASSERT_EQ(rpc.subscriptions.size(), 2u);
  EXPECT_TRUE(rpc.subscriptions[0].subscribe);
  EXPECT_EQ(rpc.subscriptions[0].topic, "lobby");
  EXPECT_FALSE(rpc.subscriptions[1].subscribe);
  EXPECT_EQ(rpc.subscriptions[1].topic, "attic");

  bytes = vector_of("control");
  ASSERT_TRUE(decode_rpc(bytes, rpc));
  ASSERT_EQ(rpc.ihave.size(), 1u);
  EXPECT_EQ(rpc.ihave[0].topic, "lobby");
  ASSERT_EQ(rpc.ids_of(rpc.ihave[0]).size(), 2u);
  EXPECT_EQ(wire::to_hex(rpc.ids_of(rpc.ihave[0])[0]), "010203");
  EXPECT_EQ(wire::to_hex(rpc.ids_of(rpc.iwant.at(0))[0]), "0405");
  EXPECT_EQ(wire::to_hex(rpc.ids_of(rpc.idontwant.at(0))[0]), "010203");
  EXPECT_EQ(rpc.graft.at(0), "lobby");
  EXPECT_EQ(rpc.prune.at(0).topic, "attic");
  EXPECT_EQ(rpc.prune.at(0).backoff_s, 60u);
}

TEST(GossipRpc, ReadsPastPeerExchange) {
  Rpc rpc;
  const ByteVector bytes = vector_of("prune_px");
  ASSERT_TRUE(decode_rpc(bytes, rpc));
  EXPECT_EQ(rpc.prune.at(0).topic, "attic");
  EXPECT_EQ(rpc.prune.at(0).backoff_s, 60u);
}

TEST(GossipRpc, AnEmptyOneHasAnEmptyControl) {
  const Buffer frame = frame_rpc(Rpc());
  EXPECT_EQ(wire::to_hex(frame.bytes()), "021a00");
}

TEST(GossipRpc, RefusesWhatIsMalformed) {
  Rpc rpc;
  for (const char* bad : {"0a", "0a05", "0aff", "08", "0801ff", "1a0212", "1a030a0112", "12020a05",
                          "0b", "00", "1205080112016c", "0fffffffffffffffffffff"}) {
    const ByteVector bytes = *wire::from_hex(bad);
    EXPECT_FALSE(decode_rpc(bytes, rpc)) << bad;
    EXPECT_TRUE(rpc.empty()) << bad;
  }
}

TEST(GossipRpc, SkipsUnknownFields) {
  Rpc rpc;
  const ByteVector bytes = *wire::from_hex(
      "5203616263"
      "0a0708011203616263"
      "5801");
  ASSERT_TRUE(decode_rpc(bytes, rpc));
  EXPECT_EQ(rpc.subscriptions.at(0).topic, "abc");
}

TEST(GossipRpc, HoldsItsLimits) {
  const auto decodes = [](const Rpc& rpc) {
    ByteVector bytes;
    append_rpc(bytes, rpc);
    Rpc read;
    const auto judged = decode_rpc(bytes, read);
    EXPECT_TRUE(judged || judged.error().is(rpc_error::over_limit));
    return static_cast<bool>(judged);
  };
  const ByteVector id(4);
  for (const auto& [most, kind] :
       {std::pair(limits::kIdsMax, &Rpc::iwant), std::pair(limits::kIdsMax, &Rpc::ihave),
        std::pair(limits::kUnwantedIdsMax, &Rpc::idontwant)}) {
    Rpc rpc;
    rpc.open(rpc.*kind);
    for (std::size_t i = 0; i < most; ++i) rpc.add_id(rpc.*kind, id);
    EXPECT_TRUE(decodes(rpc));
    rpc.add_id(rpc.*kind, id);
    EXPECT_FALSE(decodes(rpc));
  }
  Rpc subscriptions, messages, grafts, large;
  subscriptions.subscriptions.resize(limits::kSubscriptionsMax + 1);
  messages.messages.resize(limits::kMessagesMax + 1);
  grafts.graft.resize(limits::kControlsMax + 1);
  const ByteVector large_id(limits::kIdBytesMax + 1);
  large.open(large.iwant);
  large.add_id(large.iwant, large_id);
  EXPECT_FALSE(decodes(subscriptions));
  EXPECT_FALSE(decodes(messages));
  EXPECT_FALSE(decodes(grafts));
  EXPECT_FALSE(decodes(large));
}

// ---- Ids.

struct JsMessage {
  explicit JsMessage(const std::string& name) : bytes(vector_of(name)) {
    EXPECT_TRUE(decode_rpc(bytes, rpc));
    message = rpc.messages.at(0);
  }
  ByteVector bytes;
  Rpc rpc;
  MessageView message;
};

TEST(GossipId, EveryFormOfAJsMessageIsOneIdInside) {
  const auto all = vectors();
  for (const char* name : {"signed", "signed_rsa"}) {
    const JsMessage js(name);
    const ByteVector inside = spec_id(js.message);
    EXPECT_EQ(wire::to_hex(id_in_form(js.message, IdForm::kJs)),
              all.at(std::string(name) + "_js_id"));
    const std::string rust =
        all.at(std::string(name) + "_peer") + std::to_string(seqno_of(js.message.seqno));
    const ByteVector rust_id = id_in_form(js.message, IdForm::kRust);
    EXPECT_EQ(as_text(rust_id), rust);
    for (const IdForm form : {IdForm::kSpec, IdForm::kJs, IdForm::kRust}) {
      const ByteVector outside = id_in_form(js.message, form);
      const ReadId read = read_id(outside);
      EXPECT_TRUE(read.known);
      EXPECT_EQ(read.form, form);
      EXPECT_EQ(wire::to_hex(read.id), wire::to_hex(inside));
    }
  }
}

TEST(GossipId, WhatHasNoFormIsTakenAsItIs) {
  for (const std::string& odd :
       {std::string(), std::string("x"), std::string(32, '\x01'), std::string("12D3Koo7"),
        std::string("QmesYzVTcHPHDkenPJZCzTyqH8KytgRQc9QGhncPgzG1Qe"),
        std::string("QmesYzVTcHPHDkenPJZCzTyqH8KytgRQc9QGhncPgzG1Qe99999999999999999999")}) {
    const ReadId read = read_id(as_bytes(odd));
    EXPECT_FALSE(read.known) << odd;
    EXPECT_EQ(as_text(read.id), odd);
  }
}

TEST(GossipId, AgentsTellTheFormUntilIdsDo) {
  EXPECT_EQ(form_of_agent("js-libp2p/3.3.11 UserAgent=v22"), IdForm::kJs);
  EXPECT_EQ(form_of_agent("rust-libp2p/0.45.0"), IdForm::kRust);
  EXPECT_EQ(form_of_agent("go-libp2p/0.36"), IdForm::kSpec);
  EXPECT_EQ(form_of_agent(""), IdForm::kSpec);
}

TEST(GossipId, AnUnsignedMessageIsTheHashOfItsData) {
  const JsMessage js("anonymous");
  const auto hash = crypto::sha256(js.message.data);
  EXPECT_EQ(wire::to_hex(hash), vectors().at("anonymous_id"));
}

// ---- A stored message.

TEST(GossipStored, SignatureOfJsHoldsOverTheStoredPart) {
  for (const char* name : {"signed", "signed_rsa"}) {
    const JsMessage js(name);
    const ByteVector id = spec_id(js.message);
    const Stored stored = store_message(js.message, id, as_bytes("via"), 1);
    EXPECT_EQ(
        wire::to_hex(stored.frame.bytes().subspan(stored.frame.bytes().size() - js.bytes.size())),
        wire::to_hex(js.bytes));
    EXPECT_EQ(as_text(stored.via), "via");
    EXPECT_TRUE(equal(stored.id, id));
    const auto from = wire::PeerId::from_bytes(stored.message.from);
    ASSERT_TRUE(from);
    EXPECT_TRUE(crypto::verify_claim(*from, stored.message.key, kSignDomain, stored.signed_part,
                                     stored.message.signature));
  }
}

TEST(GossipStored, DropsUnknownFieldsAndOrder) {
  // {4 topic "t", 9 "x", 2 data "d"}
  const ByteVector bytes = *wire::from_hex(
      "1209"
      "220174"
      "4a0178"
      "120164");
  Rpc rpc;
  ASSERT_TRUE(decode_rpc(bytes, rpc));
  const Stored stored = store_message(rpc.messages.at(0), {}, {}, 1);
  EXPECT_EQ(wire::to_hex(stored.frame.bytes()),
            "08"
            "1206"
            "120164"
            "220174");
  EXPECT_EQ(as_text(stored.message.data), "d");
  EXPECT_EQ(stored.topic(), "t");
}

}  // namespace
}  // namespace kith::gossip

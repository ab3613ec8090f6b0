// SPDX-License-Identifier: MIT
// Rpc: one gossipsub RPC (libp2p/specs pubsub/README.md and gossipsub v1.0 to v1.2) as views into
// the bytes it was read from. One struct for both ways; keep it and decode into it again, and no
// RPC costs an allocation. Judges shape and limits only, never meaning.
#pragma once
#include <kith/bytes.h>
#include <kith/result.h>

namespace kith::gossip {

enum class rpc_error { malformed = 1, over_limit };
const char* describe(rpc_error error);

// Absent and empty are two things: what was signed depends on it.
struct MessageView {
  enum Field : std::uint8_t {
    kFrom = 1,
    kData = 2,
    kSeqno = 4,
    kTopic = 8,
    kSignature = 16,
    kKey = 32
  };
  Bytes from, data, seqno, topic, signature, key;
  std::uint8_t present = 0;

  bool has(Field field) const { return (present & field) != 0; }
};

struct Rpc {
  struct Subscription {
    bool subscribe;
    std::string_view topic;
  };
  struct IdList {
    std::string_view topic;    // of IHAVE
    std::size_t first, count;  // in `ids`
  };
  struct Prune {
    std::string_view topic;
    std::uint64_t backoff_s;  // 0 = not said
  };
  std::vector<Subscription> subscriptions;
  std::vector<MessageView> messages;
  std::vector<Bytes> ids;
  std::vector<IdList> ihave, iwant, idontwant;
  std::vector<std::string_view> graft;
  std::vector<Prune> prune;

  void clear();
  bool empty() const;
  std::span<const Bytes> ids_of(const IdList& list) const {
    return {ids.data() + list.first, list.count};
  }
  // Opens a list of one of the three kinds; the ids that follow belong to it.
  void open(std::vector<IdList>& kind, std::string_view topic = {}) {
    kind.push_back({topic, ids.size(), 0});
  }
  void add_id(std::vector<IdList>& kind, Bytes id) {
    ids.push_back(id);
    ++kind.back().count;
  }
};

// `rpc` is cleared first; on an error it holds nothing to act on. Unknown fields are skipped.
Result<void> decode_rpc(Bytes from, Rpc& rpc);

void append_rpc(ByteVector& to, const Rpc& rpc);
// The length prefix and the RPC, as it goes onto a stream. A peer waits for a first RPC even from
// one who has nothing to say: an empty one has an empty control field.
Buffer frame_rpc(const Rpc& rpc);

// Fields in ascending order, as everyone signs them. `fields` picks (MessageView::Field).
std::size_t message_size(const MessageView& message, std::uint8_t fields);
void append_message(ByteVector& to, const MessageView& message, std::uint8_t fields);

// What is signed: fields 1 to 4, behind this.
inline constexpr const char* kSignDomain = "libp2p-pubsub:";
inline constexpr std::uint8_t kSignedFields = 0x0f;
inline constexpr std::uint8_t kAllFields = 0x3f;

}  // namespace kith::gossip

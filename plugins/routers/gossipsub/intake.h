// SPDX-License-Identifier: MIT
// Intake: the way of a message from a frame to an app: size, topic, policy, id, signature, the
// node's validators, relay. Messages of one wake go together; claims are proven beside the loop.
// Cheap refusals come first: what was seen costs no signature, what is bad costs its sender.
#pragma once
#include <list>
#include <unordered_map>

#include "plugins/routers/gossipsub/offers.h"

namespace kith::gossip {

class Intake final : public FrameSink {
 public:
  Intake(Core& core, Mesh& mesh, Relay& relay, Offers& offers)
      : core_(core), mesh_(mesh), relay_(relay), offers_(offers) {}

  void on_frame(PeerState& peer, Bytes frame) override;
  void on_wake_end(PeerState& peer) override;
  void on_stream_end(PeerState& peer, int why) override;
  bool may_read(PeerState& peer) override;

  void verdict(std::uint64_t ticket, int v);
  void beat();  // late verdicts end

 private:
  // What one wake brought, while its claims are proven.
  struct Batch {
    Intake* owner;
    std::list<Batch>::iterator self;
    wire::PeerId via;
    std::vector<Stored> messages;
    std::vector<kith_claim> claims;
    std::size_t bytes = 0;
    Op op;
  };
  struct Waiting {
    Stored stored;
    wire::PeerId via;
    std::uint64_t until_us;
  };

  void receive(PeerState& peer, const MessageView& message);
  bool conforms(const MessageView& message) const;
  ByteVector id_of(const MessageView& message) const;
  bool is_known(PeerState& peer, const MessageView& message, Fingerprint id);
  void reject(PeerState& peer, std::string_view topic);

  void prove(const wire::PeerId& via, std::vector<Stored> messages);
  static void proven(void* ctx, std::int64_t r, const void* result);
  void judge(const wire::PeerId& via, const std::vector<Stored>& messages);
  bool keep_waiting(const wire::PeerId& via, const Stored& stored, std::uint64_t ticket);
  void settle(const wire::PeerId& via, const Stored& stored, int v, std::uint64_t ticket);
  kith_message message_of(const Stored& stored) const;
  void resume_paused();

  Core& core_;
  Mesh& mesh_;
  Relay& relay_;
  Offers& offers_;
  Rpc rpc_;
  std::vector<Stored> arrived_;  // of this wake
  std::list<Batch> batches_;
  // The signature of each message that is being proven: a copy of it is a duplicate, another
  // message under its id is not. Looked up, never walked.
  std::unordered_map<Fingerprint, Buffer> proving_;
  std::size_t pending_bytes_ = 0;
  std::vector<wire::PeerId> paused_;
  std::map<std::uint64_t, Waiting> waiting_;  // for a late verdict
  std::size_t waiting_bytes_ = 0;
  std::uint64_t next_ticket_ = 1;
};

}  // namespace kith::gossip

// SPDX-License-Identifier: MIT
// Every bound on what a peer may make this router hold, decode or answer, in one place. Units last.
// The numbers that another implementation also keeps are those of libp2p/specs pubsub/gossipsub.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kith::gossip::limits {

// Decoding one RPC. Over one of these it is undecodable.
inline constexpr std::size_t kFrameBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kSubscriptionsMax = 5'000;
inline constexpr std::size_t kMessagesMax = 5'000;
inline constexpr std::size_t kControlsMax = 5'000;
inline constexpr std::size_t kIdsMax = 5'000;  // of all IHAVE and IWANT together
inline constexpr std::size_t kUnwantedIdsMax = 512;
inline constexpr std::size_t kIdBytesMax = 1'024;

// Tables.
inline constexpr std::size_t kTopicBytesMax = 512;
inline constexpr std::size_t kTopicsPerPeerMax = 1'000;
inline constexpr std::size_t kTopicsMax = 65'536;  // that anyone subscribes to
inline constexpr std::size_t kSeenMax = 1u << 18;
inline constexpr std::size_t kAuthorsMax = 4'096;
inline constexpr std::size_t kCacheBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kCacheAskersMax = 64;   // peers counted per cached message
inline constexpr std::size_t kBackoffsMax = 8'192;   // per topic
inline constexpr std::size_t kGonePeersMax = 4'096;  // whose score is retained
inline constexpr std::size_t kPromisesMax = 32;      // per peer

// Messages on their way through claims and validators.
inline constexpr std::size_t kPendingBytesMax = 32 * 1024 * 1024;  // over it nobody is read
inline constexpr std::size_t kWaitingMax = 4'096;                  // for a late verdict
inline constexpr std::uint64_t kVerdictUs = 60'000'000;
inline constexpr std::size_t kBatchMax = 256;  // claims handed to the worker at once

// Sending, per peer.
inline constexpr std::size_t kUrgentBytesMax = 16 * 1024 * 1024;  // control and own messages
inline constexpr std::size_t kUrgentFramesMax = 65'536;
inline constexpr std::size_t kRelayedBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kRelayedFramesMax = 8'192;

// Waiting for a peer.
inline constexpr std::uint32_t kOpenMs = 10'000;
inline constexpr std::uint32_t kStallMs = 60'000;      // takes nothing, or stops inside a frame
inline constexpr std::uint64_t kSettleUs = 1'000'000;  // then it has no subscriptions to say
inline constexpr unsigned kOpenTriesMax = 5;

// Per peer and heartbeat.
inline constexpr unsigned kIhavesPerBeat = 10;
inline constexpr unsigned kIwantsPerBeat = 10;
inline constexpr unsigned kResendsMax = 3;  // of one message to one peer, by IWANT

}  // namespace kith::gossip::limits

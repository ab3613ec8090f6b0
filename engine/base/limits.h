// SPDX-License-Identifier: MIT
// Every bound on what a stranger may make this node hold or wait for, in one place. Units last.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kith::limits {

// Upgrade: link to connection.
inline constexpr std::uint32_t kUpgradeMs = 10'000;  // whole handshake, both directions
inline constexpr std::uint32_t kDialMs = 15'000;     // resolve, link and upgrade of one address
inline constexpr std::uint32_t kNegotiateStreamMs = 10'000;  // multistream-select on a stream
inline constexpr std::size_t kNegotiateProposalsMax =
    32;  // proposals answered with "na" before the pipe is dropped
inline constexpr std::size_t kMultistreamLineMax = 1024;
inline constexpr std::size_t kPendingUpgradesMax = 256;  // inbound links that are not yet proven
inline constexpr std::size_t kPendingUpgradesPerIpMax =
    32;  // private and loopback addresses share the total only

// Keys and the Noise payload.
inline constexpr std::size_t kPublicKeyMax = 1'152;  // protobuf; RSA of 8192 bits takes 1,067
inline constexpr std::size_t kRsaBitsMin = 2'048;
inline constexpr std::size_t kRsaBitsMax = 8'192;
inline constexpr std::size_t kSignatureMax = kRsaBitsMax / 8;
inline constexpr std::size_t kEarlyMuxersMax = 32;
inline constexpr std::size_t kMuxerNameMax = 128;

// Connections and streams.
inline constexpr std::size_t kConnectionsMax = 4'096;
inline constexpr std::size_t kConnectionsPerPeerMax = 4;
inline constexpr std::size_t kStreamsInMax = 1'024;  // per connection
inline constexpr std::size_t kStreamsOutMax = 1'024;
inline constexpr std::size_t kStreamsNegotiatingMax = 256;  // inbound, per connection
inline constexpr std::size_t kNoiseFrameMax = 65'535;
inline constexpr std::size_t kNoisePlainMax = kNoiseFrameMax - 16;
inline constexpr std::size_t kDataFrameMax = 65'507;       // one Yamux frame in one Noise frame
inline constexpr std::uint32_t kWindowFirst = 256 * 1024;  // the spec's
inline constexpr std::uint32_t kWindowMax = 16 * 1024 * 1024;
inline constexpr std::size_t kWindowsTotalMax =
    64 * 1024 * 1024;  // grown receive windows, all connections together
inline constexpr std::size_t kWriteQueueMax = 1024 * 1024;  // staged and unsealed, per connection
inline constexpr std::uint32_t kMuxPingEveryMs = 30'000;
inline constexpr std::uint32_t kMuxPingWaitMs = 20'000;
inline constexpr std::uint32_t kWriteStallMs =
    60'000;  // a peer that takes nothing for this long is gone

// Identify.
inline constexpr std::size_t kIdentifyBytesMax = 64 * 1024;
inline constexpr std::uint32_t kIdentifyMs = 10'000;
inline constexpr std::size_t kIdentifyProtocolsMax = 512;
inline constexpr std::size_t kIdentifyAddressesMax = 64;
inline constexpr std::size_t kAgentBytesMax = 256;
inline constexpr std::size_t kIdentifyStreamsPerPeerMax = 2;  // answered at once, each direction
inline constexpr std::size_t kPushesMax = 32;                 // under way at once
inline constexpr std::uint32_t kPushDelayMs = 1'000;          // changes within it go out together

// Peer table and dialer.
inline constexpr std::size_t kPeersMax = 16'384;  // known, connected or not
inline constexpr std::size_t kAddressesPerPeerMax = 32;
inline constexpr std::size_t kDialsMax = 64;  // under way at once
inline constexpr std::size_t kDialsQueuedMax = 4'096;
inline constexpr std::size_t kDialTriesMax = 2;           // addresses of one peer tried at once
inline constexpr std::uint32_t kDialHeadStartMs = 1'000;  // of one address before the next
inline constexpr std::size_t kResolvedAddressesMax = 8;   // taken of one DNS name
inline constexpr std::size_t kObservedAddressesMax = 16;  // of this node, as peers see it
inline constexpr std::uint32_t kBackoffFirstMs = 1'000;
inline constexpr std::uint32_t kBackoffMaxMs = 300'000;

// Ping.
inline constexpr std::uint32_t kPingMs = 10'000;
inline constexpr std::uint32_t kPingIdleMs = 60'000;
inline constexpr std::size_t kPingStreamsPerPeerMax = 2;

// Bus and control socket.
inline constexpr int kEventNestingMax = 8;
inline constexpr std::size_t kEventsPostedMax = 4'096;  // nested too deep, waiting for a turn
inline constexpr std::size_t kCallsMax = 4'096;         // of commands, under way in all
inline constexpr std::size_t kControlLineMax = 8 * 1024 * 1024;
inline constexpr std::size_t kControlPeersMax = 256;
inline constexpr std::size_t kControlCallsMax = 64;  // under way, per caller
inline constexpr std::size_t kControlQueueMax = 16 * 1024 * 1024;
inline constexpr std::size_t kValueDepthMax = 64;       // nesting of DAG-CBOR and JSON
inline constexpr std::size_t kJsonValuesMax = 262'144;  // in one document
inline constexpr std::size_t kTopicBytesMax = 512;
inline constexpr std::size_t kMessageBytesMax = 1024 * 1024;

// Ledgers and the store.
inline constexpr std::size_t kCommitQueueMax = 64 * 1024 * 1024;  // bytes that wait for the disk
inline constexpr std::size_t kCommitBatchMax = 8 * 1024 * 1024;   // written and synced at once
inline constexpr std::uint32_t kSyncEveryMs = 50;                 // durability = "interval"
inline constexpr std::size_t kAppendsWaitingMax = 65'536;         // of one ledger
inline constexpr std::size_t kLedgersMax = 1'024;
inline constexpr std::size_t kFeedsMax = 1'048'576;           // of one ledger
inline constexpr std::size_t kLanesPerFeedMax = 1'024;        // branches of one author's feed
inline constexpr std::size_t kProblemsMax = 100;              // that one verification names
inline constexpr std::size_t kTakesMax = 64;                  // runs of peers being judged at once
inline constexpr std::size_t kSyncLineMax = 4 * 1024 * 1024;  // one message of /kith/sync/1
inline constexpr std::uint32_t kSyncAnswerMs = 30'000;        // hello, and progress in sending
inline constexpr std::size_t kSyncStreamsPerPeerMax = 2;
inline constexpr std::size_t kKeyBytesMax = 1'024;  // of an app's own keys
inline constexpr std::size_t kValueBytesMax = 1024 * 1024;
inline constexpr std::size_t kAppStoreMax = 64 * 1024 * 1024;

// Outbound HTTP.
inline constexpr std::size_t kHttpRequestsMax = 256;  // under way at once
inline constexpr std::size_t kHttpWaitingMax = 1'024;
inline constexpr std::size_t kHttpReplyHeaderMax = 64 * 1024;

// Log.
inline constexpr std::size_t kLogLineMax = 8 * 1024;  // of one fact, before it is escaped

// Threads.
inline constexpr std::size_t kOffloadQueueMax = 4'096;

}  // namespace kith::limits

// SPDX-License-Identifier: MIT
// Cache: the messages of the last heartbeats, for IHAVE and IWANT (gossipsub v1.0 "Message Cache").
// Bounded by windows and by bytes: over the latter the oldest go first. Holds one reference to the
// buffer that streams, apps and this share.
#pragma once
#include <deque>
#include <map>
#include <unordered_map>

#include "plugins/routers/gossipsub/rpc.h"
#include "plugins/routers/gossipsub/seen.h"

namespace kith::gossip {

// One message in the one buffer that it lives in: the frame as it goes onto a stream, and behind
// that, out of the streams' sight, its id and the peer it came from.
struct Stored {
  Buffer frame;
  MessageView message;  // views into the frame, as all below
  Bytes signed_part;    // fields 1 to 4
  Bytes id, via;
  Fingerprint fingerprint = 0;

  std::string_view topic() const { return as_text(message.topic); }
  std::size_t bytes() const { return frame.bytes().size() + id.size() + via.size(); }
};

// `message` may view anything; the bytes are copied once, in canonical order.
Stored store_message(const MessageView& message, Bytes id, Bytes via, Fingerprint fingerprint);

class Cache {
 public:
  Cache(std::size_t windows, std::size_t bytes_max) : windows_(windows), bytes_max_(bytes_max) {}

  void set_windows(std::size_t windows) { windows_ = windows; }
  void put(const Stored& stored);
  const Stored* find(Fingerprint id) const;
  // Counts one more answer to `asker`; false when it had `most` of them already.
  bool count_answer(Fingerprint id, std::uint64_t asker, unsigned most);
  // Newest first, of the newest `windows` windows; stops at `most`.
  template <class Fn>
  void each_of(std::string_view topic, std::size_t windows, std::size_t most, Fn&& fn) const {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return;
    std::size_t told = 0;
    for (auto at = found->second.rbegin(); at != found->second.rend() && told < most; ++at) {
      if (at->window + windows <= window_) break;
      fn(kept_.at(at->id).stored);
      ++told;
    }
  }
  void shift();
  std::size_t size() const { return kept_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Answers {
    std::uint64_t asker;
    unsigned count;
  };
  struct Kept {
    Stored stored;
    std::vector<Answers> answers;
  };
  struct Placed {
    Fingerprint id;
    std::uint64_t window;
  };
  void drop_oldest();

  std::size_t windows_, bytes_max_, bytes_ = 0;
  std::uint64_t window_ = 0;
  std::deque<Placed> order_;  // of all; each topic's own is a part of it
  std::map<std::string, std::deque<Placed>, std::less<>> topics_;
  std::unordered_map<Fingerprint, Kept> kept_;  // looked up, never walked
};

}  // namespace kith::gossip

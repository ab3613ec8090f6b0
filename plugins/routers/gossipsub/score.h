// SPDX-License-Identifier: MIT
// Score: what each peer is worth (gossipsub v1.1 "Peer Scoring"), by what it did; never by what it
// says. Outlives the peer's connection for a while, so that nobody is cleared by reconnecting.
//
// P3 differs from the spec on purpose. There, a mesh peer must deliver an absolute number of
// messages, which prunes the honest leaf that can only hear from us, and in an idle topic everyone.
// Here it counts probes that a peer let pass (gossip.h): messages which it was offered and not
// sent, and neither delivered nor asked for.
#pragma once
#include <map>
#include <string>

#include "engine/wire/multiaddr.h"

namespace kith::gossip {

struct TopicScore {
  bool in_mesh = false;
  std::uint64_t grafted_us = 0;
  double first = 0;    // P2: first deliveries
  double missed = 0;   // P3: probes let pass
  double failure = 0;  // P3b: P3 at the time of a prune; sticky
  double invalid = 0;  // P4
};

class ScoreBook {
 public:
  struct Record {
    std::map<std::string, TopicScore, std::less<>> topics;
    double behaviour = 0;  // P7
    double app = 0;        // P5
    std::string ip;        // P6; empty: not counted
    bool connected = false;
    std::uint64_t until_us = 0;  // when it is gone
    double value = 0;
  };

  Record& arrive(const wire::PeerId& id);
  void leave(const wire::PeerId& id, std::uint64_t now_us);
  // Loopback and private addresses say nothing about who shares them, and a relay's address
  // nothing about who is behind it.
  void place(Record& record, const wire::Multiaddr& address);
  void set_app(Record& record, double app, std::uint64_t now_us);

  void graft(Record& record, std::string_view topic, std::uint64_t now_us);
  void prune(Record& record, std::string_view topic, std::uint64_t now_us);
  void first_delivery(Record& record, std::string_view topic);
  void delivery(Record& record, std::string_view topic);  // first or not: P3 is cleared
  void missed_probe(Record& record, std::string_view topic, std::uint64_t now_us);
  void invalid(Record& record, std::string_view topic, std::uint64_t now_us);
  void penalty(Record& record, double weight, std::uint64_t now_us);

  void beat(std::uint64_t now_us, double seconds);  // decay, refresh, end of retention
  std::size_t size() const { return records_.size(); }

 private:
  void refresh(Record& record, std::uint64_t now_us) const;
  void drop_gone();

  std::map<wire::PeerId, Record> records_;
  std::map<std::string, std::size_t> per_ip_;
  std::size_t gone_ = 0;
};

}  // namespace kith::gossip

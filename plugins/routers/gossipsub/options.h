// SPDX-License-Identifier: MIT
// Options: what an operator may set under [plugins.gossipsub], judged once. A value; the names are
// those of kOptions in gossipsub.h.
#pragma once
#include <kith/result.h>

#include <optional>

#include "engine/wire/value.h"
#include "plugins/routers/gossipsub/message_id.h"

namespace kith::gossip {

struct Options {
  bool sign = true;               // false: StrictNoSign
  std::optional<IdForm> id_form;  // nothing: towards each peer the form that it uses itself
  std::size_t d = 6, d_low = 4, d_high = 12, d_lazy = 6, d_score = 4, d_out = 2;
  std::uint64_t heartbeat_us = 1'000'000;
  std::size_t history_length = 5, history_gossip = 3;
  std::uint64_t fanout_ttl_us = 60'000'000;
  std::uint64_t prune_backoff_us = 60'000'000;
  std::uint64_t unsubscribe_backoff_us = 10'000'000;
  std::uint64_t seen_ttl_us = 120'000'000;
  std::size_t message_bytes_max = 1024 * 1024;
  bool flood_publish = true;
  double gossip_threshold = -10, publish_threshold = -50, graylist_threshold = -80;
};

Result<Options> read_options(const wire::Value& given);

}  // namespace kith::gossip

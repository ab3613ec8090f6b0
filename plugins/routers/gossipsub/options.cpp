// SPDX-License-Identifier: MIT
#include "plugins/routers/gossipsub/options.h"

#include "engine/wire/quantity.h"
#include "plugins/routers/gossipsub/limits.h"

namespace kith::gossip {

namespace {

Error bad(std::string_view name, const char* what) {
  return Error(KITH_BAD, std::string(name) + " " + what);
}

// Reads one option after another; the first that is wrong is kept and ends the judgement.
class Reader {
 public:
  explicit Reader(const wire::Value& given) : given_(given) {}

  void count(std::string_view name, std::size_t& to, std::int64_t low, std::int64_t high) {
    const wire::Value* value = given_.find(name);
    if (!value || error_) return;
    const std::int64_t* number = value->integer();
    if (!number || *number < low || *number > high)
      return fail(name,
                  ("must be from " + std::to_string(low) + " to " + std::to_string(high)).c_str());
    to = static_cast<std::size_t>(*number);
  }
  // Seconds as a number, or text such as "30s".
  void duration(std::string_view name, std::uint64_t& to_us, double low_s, double high_s) {
    const wire::Value* value = given_.find(name);
    if (!value || error_) return;
    const auto seconds = number_of(*value);
    if (!seconds || !(*seconds >= low_s && *seconds <= high_s))
      return fail(name, "is not a duration within its bounds");
    to_us = static_cast<std::uint64_t>(*seconds * 1e6);
  }
  void size(std::string_view name, std::size_t& to, std::int64_t low, std::int64_t high) {
    const wire::Value* value = given_.find(name);
    if (!value || error_) return;
    std::optional<std::int64_t> bytes;
    if (value->integer()) bytes = *value->integer();
    if (value->string()) bytes = wire::parse_size(*value->string());
    if (!bytes || *bytes < low || *bytes > high)
      return fail(name, "is not a size within its bounds");
    to = static_cast<std::size_t>(*bytes);
  }
  void flag(std::string_view name, bool& to) {
    const wire::Value* value = given_.find(name);
    if (!value || error_) return;
    if (!value->boolean()) return fail(name, "must be true or false");
    to = *value->boolean();
  }
  void negative(std::string_view name, double& to) {
    const wire::Value* value = given_.find(name);
    if (!value || error_) return;
    const auto number = number_of(*value);
    if (!number || !(*number < 0)) return fail(name, "must be below 0");
    to = *number;
  }
  void fail(std::string_view name, const char* what) {
    if (!error_) error_ = bad(name, what);
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  static std::optional<double> number_of(const wire::Value& value) {
    if (value.number()) return *value.number();
    if (value.integer()) return static_cast<double>(*value.integer());
    if (value.string()) return wire::parse_duration(*value.string());
    return std::nullopt;
  }
  const wire::Value& given_;
  std::optional<Error> error_;
};

void read_policy(Reader& reader, const wire::Value& given, Options& to) {
  const std::string sign = given.string_or("sign", "strict");
  if (sign != "strict" && sign != "none") reader.fail("sign", "must be \"strict\" or \"none\"");
  to.sign = sign == "strict";
  const std::string form = given.string_or("message_id", "auto");
  if (form == "spec")
    to.id_form = IdForm::kSpec;
  else if (form == "js")
    to.id_form = IdForm::kJs;
  else if (form == "rust")
    to.id_form = IdForm::kRust;
  else if (form != "auto")
    reader.fail("message_id", "must be \"auto\", \"spec\", \"js\" or \"rust\"");
}

}  // namespace

Result<Options> read_options(const wire::Value& given) {
  Options to;
  Reader reader(given);
  read_policy(reader, given, to);
  reader.count("d", to.d, 1, 64);
  reader.count("d_low", to.d_low, 1, 64);
  reader.count("d_high", to.d_high, 1, 128);
  reader.count("d_lazy", to.d_lazy, 0, 128);
  reader.duration("heartbeat", to.heartbeat_us, 0.1, 60);
  reader.count("history_length", to.history_length, 1, 60);
  reader.count("history_gossip", to.history_gossip, 1, 60);
  reader.duration("fanout_ttl", to.fanout_ttl_us, 1, 3600);
  reader.duration("prune_backoff", to.prune_backoff_us, 1, 3600);
  reader.duration("seen_ttl", to.seen_ttl_us, 10, 3600);
  reader.size("message_bytes_max", to.message_bytes_max, 1,
              static_cast<std::int64_t>(limits::kFrameBytesMax) - 4'096);
  reader.flag("flood_publish", to.flood_publish);
  reader.negative("gossip_threshold", to.gossip_threshold);
  reader.negative("publish_threshold", to.publish_threshold);
  reader.negative("graylist_threshold", to.graylist_threshold);
  if (reader.error()) return *reader.error();
  if (to.d_low > to.d || to.d > to.d_high) return bad("d", "must lie from d_low to d_high");
  if (to.history_gossip > to.history_length)
    return bad("history_gossip", "must not exceed history_length");
  if (to.publish_threshold > to.gossip_threshold || to.graylist_threshold > to.publish_threshold)
    return bad("graylist_threshold",
               "must not exceed publish_threshold, nor that gossip_threshold");
  // gossipsub v1.1 "Outbound Mesh Quotas": below d_low and at most d / 2.
  to.d_out = std::min(to.d_low - 1, std::min<std::size_t>(2, to.d / 2));
  to.d_score = to.d * 2 / 3;
  return to;
}

}  // namespace kith::gossip

// SPDX-License-Identifier: MIT
#include "engine/node/command_rows.h"

#include "engine/base/spdlog_sink.h"

namespace kith::node {

using wire::Value;

namespace {

Value::List texts(const std::vector<wire::Multiaddr>& addresses) {
  Value::List out;
  for (const auto& address : addresses) out.emplace_back(address.text());
  return out;
}

Value peer_row(const net::PeerRecord& record, net::Connection& best) {
  Value row;
  row["peer_id"] = record.id.text();
  row["agent"] = record.agent;
  row["address"] = best.remote().text();
  row["direction"] = best.dialed() ? "out" : "in";
  row["streams"] = static_cast<std::int64_t>(best.streams());
  row["rtt_us"] = best.rtt_us();
  row["kept"] = record.kept;
  return row;
}

}  // namespace

Value::List peer_rows(Node& node) {
  Value::List rows;
  for (const auto& [id, record] : node.swarm().peers().all()) {
    net::Connection* best = record.connections > 0 ? node.swarm().best(id) : nullptr;
    if (best) rows.push_back(peer_row(record, *best));
  }
  return rows;
}

Value::List plugin_rows(Node& node, bool with_available) {
  Value::List rows;
  for (const auto& [name, entry] : node.setup().plugins) {
    bool running = false;
    for (const auto& plugin : node.plugins().all()) running |= plugin->entry == entry;
    if (!running && !with_available) continue;
    Value row;
    row["name"] = name;
    row["version"] = entry->version;
    row["state"] = running ? "running" : "available";
    if (with_available) row["summary"] = entry->summary ? entry->summary : "";
    rows.push_back(std::move(row));
  }
  return rows;
}

Value::List app_rows(Node& node) {
  Value::List rows;
  for (const auto& [name, app] : node.apps().all()) {
    Value row;
    row["name"] = name;
    row["state"] = app->state;
    row["file"] = app->file;
    row["since"] = static_cast<double>(app->since_us) / 1e6;
    rows.push_back(std::move(row));
  }
  return rows;
}

Value::List topic_rows(Node& node) {
  Value::List rows;
  for (const auto& joined : node.topics().rows()) {
    Value row;
    row["topic"] = joined.topic;
    row["mesh"] = std::int64_t{joined.mesh};
    row["peers"] = std::int64_t{joined.peers};
    Value::List owners;
    for (const auto& owner : joined.joined_by) owners.emplace_back(owner);
    row["joined_by"] = std::move(owners);
    rows.push_back(std::move(row));
  }
  return rows;
}

Value::List command_rows(Node& node) {
  Value::List rows;
  for (const bus::CommandSpec* spec : node.bus().commands()) {
    Value row;
    row["name"] = spec->name;
    row["summary"] = spec->summary;
    row["result"] = spec->result;
    row["read"] = spec->read;
    row["admin"] = spec->admin;
    row["stream"] = spec->stream;
    Value::List args;
    for (const bus::ArgSpec& arg : spec->args) {
      Value made;
      made["name"] = arg.name;
      made["type"] = arg.type;
      made["required"] = arg.required;
      made["option"] = arg.option;
      made["rest"] = arg.rest;
      made["default"] = arg.fallback;
      made["help"] = arg.help;
      args.push_back(std::move(made));
    }
    row["args"] = std::move(args);
    rows.push_back(std::move(row));
  }
  return rows;
}

Value log_row(const LogLine& line) {
  Value part;
  part["time"] = static_cast<double>(line.time_us) / 1e6;
  part["level"] = log_level_name(line.level);
  part["text"] = line.text;
  return part;
}

Value Node::status() {
  Value out;
  out["peer_id"] = setup_.identity.peer_id().text();
  out["addresses"] = texts(addresses());
  out["version"] = setup_.version;
  out["home"] = setup_.home;
  out["plugins"] = plugin_rows(*this, false);
  out["apps"] = app_rows(*this);
  out["peers"] = peer_rows(*this);
  return out;
}

}  // namespace kith::node

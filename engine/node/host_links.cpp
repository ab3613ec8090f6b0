// SPDX-License-Identifier: MIT
// kith.links/1: links of the swarm's transports, for who makes others of them. The pipes are the
// transport's own.
#include <algorithm>

#include "engine/base/limits.h"
#include "engine/node/host_task.h"

namespace kith::node {

namespace {

class DialLinkOp final : public TaskOp {
 public:
  DialLinkOp(kith_host* host, kith_done done, Result<wire::Multiaddr> address)
      : TaskOp(host, done), address_(std::move(address)), deadline_({&DialLinkOp::expired, this}) {
    host->services.loop.start(deadline_, std::uint64_t{limits::kDialMs} * 1000);
  }
  static kith_op* begin(kith_host* host, kith_bytes address, kith_done done) {
    auto where = wire::Multiaddr::from_bytes(view(address));
    return start(std::make_unique<DialLinkOp>(host, done, std::move(where)));
  }
  static Task<void> run(DialLinkOp& op) {
    try {
      wire::Multiaddr address = std::move(op.address_).value();
      Pipe link = co_await op.host().services.swarm.dial_link(std::move(address));
      op.succeed(link.release());
    } catch (const Fault& fault) {  // the C border
      op.fail(fault.error());
    }
    op.deadline_.stop();
  }

 private:
  static void expired(void* ctx, std::int64_t, const void*) {
    auto* op = static_cast<DialLinkOp*>(ctx);
    op->scope_.clear();
    const std::string seconds = std::to_string(limits::kDialMs / 1000);
    op->fail(Error(KITH_TIMEOUT, "no answer in " + seconds + " s"));
  }
  Result<wire::Multiaddr> address_;
  Timer deadline_;
};

class ListenLinksOp final : public HostOp {
 public:
  ListenLinksOp(net::Swarm& swarm, std::uint64_t id) : swarm_(swarm), id_(id) {}
  ~ListenLinksOp() override { swarm_.end_links(id_); }

 private:
  net::Swarm& swarm_;
  const std::uint64_t id_;
};

int refuse(kith_host* host, const Error& error) {
  host->failure = error.message();
  return code_of(error);
}

int listen_links(kith_host* host, kith_bytes address, kith_done each, kith_op** op,
                 std::uint8_t* bound, std::size_t cap) {
  *op = nullptr;
  const auto where = wire::Multiaddr::from_bytes(view(address));
  if (!where) return refuse(host, where.error());
  net::Swarm& swarm = host->services.swarm;
  const auto opened =
      swarm.listen_links(*where, [each](Pipe link) { each.fn(each.ctx, 0, link.release()); });
  if (!opened) return refuse(host, opened.error());
  auto made = std::make_unique<ListenLinksOp>(swarm, opened->id);
  const Bytes at = opened->bound.bytes();
  if (at.size() > cap) return KITH_LIMIT;
  *op = host->add(std::move(made));
  if (!*op) return KITH_CLOSED;
  std::copy(at.begin(), at.end(), bound);
  return static_cast<int>(at.size());
}

}  // namespace

const kith_links* links_table() {
  static constexpr kith_links table{sizeof(kith_links), &DialLinkOp::begin, &listen_links};
  return &table;
}

}  // namespace kith::node

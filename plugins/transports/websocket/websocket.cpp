// SPDX-License-Identifier: MIT
// /ip4/A/tcp/P/ws: links of WebSocket messages over whatever gives links of /tcp, as browsers can
// dial them. TLS is not spoken here: a proxy in front may.
#include "engine/wire/encodings.h"
#include "engine/wire/http_upgrade.h"
#include "engine/wire/multiaddr.h"
#include "engine/wire/value.h"
#include "plugins/transports/websocket/limits.h"
#include "plugins/transports/websocket/websocket_address.h"
#include "plugins/transports/websocket/websocket_listener.h"

namespace kith::websocket {
namespace {

class Websocket final : public Transport {
 public:
  static constexpr const char* kName = "websocket";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Links over WebSocket, as browsers can dial them.";
  static constexpr const char* kSuffix = "/tcp/ws";
  static constexpr const char* kNeeds = KITH_LINKS;
  static constexpr kith_option kOptions[] = {{"listen", "strings", "[\"/ip4/0.0.0.0/tcp/0/ws\"]",
                                              "Addresses to listen on; port 0 picks a free one."},
                                             {}};

  using Transport::Transport;

  Result<void> configure(Bytes options, bool) {
    const auto given = wire::decode_body(options);
    if (!given) return given.error();
    const wire::Value* listen = given->find("listen");
    if (!listen || !listen->list()) return Error(KITH_BAD, "listen is a list of addresses");
    for (const wire::Value& entry : *listen->list()) {
      if (!entry.string()) return Error(KITH_BAD, "listen is a list of addresses");
      const auto address = wire::Multiaddr::from_text(*entry.string());
      if (!address) return Error(KITH_BAD, *entry.string() + ": " + address.error().message());
      const auto below = address_below(address->bytes());
      if (!below) return below.error();
    }
    return {};
  }

  Task<Pipe> dial(Bytes addr, std::string_view dns_name) override {
    Pipe lower = co_await dial_below(addr);
    lower.deadline(KITH_RD | KITH_WR, kUpgradeMs);
    const std::string key = fresh_key();
    const std::string text = wire::upgrade_request(http_host(addr, dns_name), key);
    const Bytes request = as_bytes(text);
    const int wrote = co_await write_all(lower, request);
    if (wrote < 0) throw Fault(why_not(addr, wrote));
    ByteVector bytes;
    const std::int64_t size = co_await read_http_head(lower, bytes);
    if (size < 0) throw Fault(why_not(addr, size));
    const Bytes head = Bytes(bytes).first(static_cast<std::size_t>(size));
    const auto judged = wire::judge_upgrade_reply(head, key);
    if (!judged) throw Fault(Error(KITH_REFUSED, no_websocket(addr) + judged.error().message()));
    lower.deadline(KITH_RD | KITH_WR, 0);
    bytes.erase(bytes.begin(), bytes.begin() + size);
    co_return WebsocketLink::make(host, lingering_, std::move(lower), std::move(bytes));
  }

  Result<Listening> listen(Bytes addr, EachLink each) override {
    return WebsocketListener::open(host, lingering_, addr, std::move(each));
  }

 private:
  Task<Pipe> dial_below(Bytes addr) {
    const ByteVector below = address_below(addr).value();
    Completion linked;
    Op op = host.own(host.links().dial(host.raw(), c_bytes(Bytes(below)), linked.done()));
    if (!op) throw Fault(KITH_CLOSED);
    const std::int64_t r = co_await linked;
    op.forget();
    if (r < 0) throw Fault(Error(static_cast<kith_err>(r), linked.sentence()));
    co_return Pipe(static_cast<kith_pipe*>(const_cast<void*>(linked.result())));
  }
  std::string fresh_key() const {
    std::uint8_t bytes[16];
    host.crypto().entropy(host.raw(), bytes, sizeof bytes);
    return wire::to_base64(bytes);
  }
  static std::string no_websocket(Bytes addr) {
    return "no WebSocket at " + http_host(addr, {}) + ": ";
  }
  static Error why_not(Bytes addr, std::int64_t r) {
    switch (r) {
      case KITH_TIMEOUT: return Error(KITH_TIMEOUT, no_websocket(addr) + "it does not answer");
      case KITH_LIMIT:
      case KITH_BAD: return Error(KITH_REFUSED, no_websocket(addr) + "it does not speak HTTP");
      default: return Error(static_cast<kith_err>(r), no_websocket(addr) + "it hung up");
    }
  }

  Lingering lingering_;
};

}  // namespace
}  // namespace kith::websocket

using kith::websocket::Websocket;
KITH_PLUGIN(Websocket)

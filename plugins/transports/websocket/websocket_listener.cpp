// SPDX-License-Identifier: MIT
#include "plugins/transports/websocket/websocket_listener.h"

#include "engine/wire/http_upgrade.h"
#include "engine/wire/multiaddr.h"
#include "plugins/transports/websocket/limits.h"
#include "plugins/transports/websocket/websocket_address.h"

namespace kith::websocket {
namespace {

// A private address tells nobody apart: behind it may stand a whole network, or this machine.
std::string ip_of(const Pipe& lower) {
  const auto remote = wire::Multiaddr::from_bytes(view(lower.info().remote));
  return !remote || remote->is_private() ? "" : remote->host();
}

// size: of the head, or why there is none.
Result<std::string> judge(Bytes bytes, std::int64_t size) {
  if (size == KITH_LIMIT) return wire::upgrade_error::too_large;
  if (size < 0) return wire::upgrade_error::malformed;
  return wire::judge_upgrade_request(bytes.first(static_cast<std::size_t>(size)));
}

}  // namespace

Task<std::int64_t> read_http_head(Pipe& lower, ByteVector& bytes) {
  for (std::size_t looked = 0;;) {
    if (const std::size_t size = wire::http_head_size(Bytes(bytes).subspan(looked)))
      co_return static_cast<std::int64_t>(looked + size);
    const std::size_t had = bytes.size();
    if (had == wire::kHttpHeadMax) co_return KITH_LIMIT;
    if (had > 0 && (bytes[0] < 'A' || bytes[0] > 'Z')) co_return KITH_BAD;
    looked = had - std::min<std::size_t>(had, 3);  // the end may begin in what was there
    bytes.resize(wire::kHttpHeadMax);
    const MutableBytes room = MutableBytes(bytes).subspan(had);
    const std::int64_t n = co_await read_some(lower, room);
    bytes.resize(had + static_cast<std::size_t>(std::max<std::int64_t>(n, 0)));
    if (n <= 0) co_return n == 0 ? std::int64_t{KITH_RESET} : n;
  }
}

// One of the upgrades under way.
class WebsocketListener::Place {
 public:
  static bool is_free(const WebsocketListener& listener, const std::string& ip) {
    const auto count = [&](const std::string& key) {
      const auto at = listener.upgrading_.find(key);
      return at == listener.upgrading_.end() ? 0 : at->second;
    };
    return count("") < kUpgradesMax && (ip.empty() || count(ip) < kUpgradesPerIpMax);
  }
  Place(WebsocketListener& listener, std::string ip) : listener_(listener), ip_(std::move(ip)) {
    ++listener_.upgrading_[""];
    if (!ip_.empty()) ++listener_.upgrading_[ip_];
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    leave("");
    if (!ip_.empty()) leave(ip_);
  }

 private:
  void leave(const std::string& key) {
    const auto at = listener_.upgrading_.find(key);
    if (--at->second == 0) listener_.upgrading_.erase(at);
  }
  WebsocketListener& listener_;
  const std::string ip_;
};

WebsocketListener::WebsocketListener(const Host& host, Lingering& lingering,
                                     Transport::EachLink each)
    : host_(host), lingering_(lingering), each_(std::move(each)), upgrades_([this](auto& why) {
        host_.debug("inbound link refused err=\"" + std::string(why.what()) + "\"");
      }) {}

WebsocketListener::~WebsocketListener() {
  if (gone_) *gone_ = true;
}

Result<Transport::Listening> WebsocketListener::open(const Host& host, Lingering& lingering,
                                                     Bytes address, Transport::EachLink each) {
  const auto below = address_below(address);
  if (!below) return below.error();
  auto made = std::make_unique<WebsocketListener>(host, lingering, std::move(each));
  std::uint8_t bound[1024];
  kith_op* op = nullptr;
  const int n = host.links().listen(host.raw(), c_bytes(Bytes(*below)),
                                    kith_done{&WebsocketListener::arrived, made.get()}, &op, bound,
                                    sizeof bound);
  if (n == KITH_ABSENT)
    return Error(KITH_ABSENT,
                 "websocket stands on tcp: enable [plugins.tcp], with listen = [] where nobody "
                 "else is to be listened to");
  if (n < 0) return Error(static_cast<kith_err>(n), host.why(n));
  made->lower_ = host.own(op);
  ByteVector at = address_above({bound, static_cast<std::size_t>(n)});
  return Transport::Listening{std::move(made), std::move(at)};
}

void WebsocketListener::arrived(void* self, std::int64_t, const void* result) {
  auto* listener = static_cast<WebsocketListener*>(self);
  Pipe lower(static_cast<kith_pipe*>(const_cast<void*>(result)));
  std::string ip = ip_of(lower);
  if (!Place::is_free(*listener, ip)) {
    listener->host_.debug("inbound link refused err=\"too many upgrades are under way\"");
    return;
  }
  listener->upgrades_.spawn(upgrade(*listener, std::move(lower), std::move(ip)));
}

Task<void> WebsocketListener::upgrade(WebsocketListener& self, Pipe lower, std::string ip) {
  const Place place(self, std::move(ip));
  lower.deadline(KITH_RD | KITH_WR, kUpgradeMs);
  ByteVector bytes;
  const std::int64_t size = co_await read_http_head(lower, bytes);
  if (size < 0 && size != KITH_LIMIT && size != KITH_BAD)
    throw Fault(Error(static_cast<kith_err>(size)));
  const Result<std::string> key = judge(bytes, size);
  const std::string text = key ? wire::upgrade_reply(*key) : wire::upgrade_refusal(key.error());
  const Bytes reply = as_bytes(text);
  const int wrote = co_await write_all(lower, reply);
  if (wrote < 0) throw Fault(Error(static_cast<kith_err>(wrote)));
  if (!key) {
    lower.close();
    throw Fault(key.error());
  }
  lower.deadline(KITH_RD | KITH_WR, 0);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  self.give(WebsocketLink::make(self.host_, self.lingering_, std::move(lower), std::move(bytes)));
}

void WebsocketListener::give(Pipe link) {
  ready_.push_back(std::move(link));
  if (!handing_) handing_ = host_.after(0, kith_done{&WebsocketListener::hand_out, this});
}

void WebsocketListener::hand_out(void* self, std::int64_t, const void*) {
  auto* listener = static_cast<WebsocketListener*>(self);
  listener->handing_.forget();
  while (!listener->ready_.empty()) {
    Pipe link = std::move(listener->ready_.front());
    listener->ready_.pop_front();
    if (!listener->hand(std::move(link))) return;
  }
}

bool WebsocketListener::hand(Pipe link) {
  bool gone = false;
  gone_ = &gone;
  each_(std::move(link));
  if (!gone) gone_ = nullptr;
  return !gone;
}

}  // namespace kith::websocket

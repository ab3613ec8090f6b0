// SPDX-License-Identifier: MIT
// WebsocketListener: links that arrive on a listener below, each proven to be a WebSocket by the
// HTTP exchange before it is handed out. Owned by the engine through the transport's table.
#pragma once
#include <kith/plugin.h>

#include <deque>
#include <map>

#include "plugins/transports/websocket/websocket_link.h"

namespace kith::websocket {

// What has arrived once the head of a request or a reply is whole. Returns the head's size, or an
// error: KITH_LIMIT when it does not end in time, KITH_BAD when it begins like no HTTP.
Task<std::int64_t> read_http_head(Pipe& lower, ByteVector& bytes);

class WebsocketListener final : public Transport::Listener {
 public:
  static Result<Transport::Listening> open(const Host& host, Lingering& lingering, Bytes address,
                                           Transport::EachLink each);
  WebsocketListener(const Host& host, Lingering& lingering, Transport::EachLink each);
  ~WebsocketListener() override;
  WebsocketListener(const WebsocketListener&) = delete;
  WebsocketListener& operator=(const WebsocketListener&) = delete;

 private:
  class Place;

  static void arrived(void* self, std::int64_t, const void* link);
  static Task<void> upgrade(WebsocketListener& self, Pipe lower, std::string ip);
  void give(Pipe link);
  static void hand_out(void* self, std::int64_t, const void*);
  bool hand(Pipe link);  // false: this is gone

  const Host& host_;
  Lingering& lingering_;
  Transport::EachLink each_;
  std::map<std::string, std::size_t> upgrading_;  // by IP; "" for all together
  std::deque<Pipe> ready_;                        // handed out outside of their coroutines
  Op handing_;
  bool* gone_ = nullptr;  // set while links are handed out, in which this may end
  Scope upgrades_;
  Op lower_;
};

}  // namespace kith::websocket

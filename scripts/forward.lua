-- SPDX-License-Identifier: MIT
-- forward.lua: hands each message of a topic to a web address, as JSON. Try it in kith.toml:
--   [apps.forward]
--   topic = "alarms"
--   url = "https://example.org/alarm"     or http://127.0.0.1:8080/ for a server of your own
local topic, url = kith.config.topic, kith.config.url
if not (topic and url) then error("[apps.forward] needs a topic and a url", 0) end

kith.on("message/" .. topic, function(msg)
  local told = { id = msg.id, topic = msg.topic, from = msg.from, text = msg.text }
  local reply, err = kith.http.post(url, { json = told, timeout = "10s" })
  if not (reply and reply.ok) then
    kith.log.warn("not forwarded", { id = msg.id, err = err, status = reply and reply.status })
  end
end)

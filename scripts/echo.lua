-- SPDX-License-Identifier: MIT
-- echo.lua: says again what it hears. Try it beside a running node, in three terminals:
--   kith app run scripts/echo.lua
--   kith listen echo/reply
--   kith publish echo hello
local topic = kith.config.topic or "echo"
local reply = kith.config.reply or "echo/reply"

kith.on("message/" .. topic, function(msg)
  local sent, err = kith.publish(reply, msg.data)
  if not sent then kith.log.warn("not echoed", { err = err }) end
end)

-- SPDX-License-Identifier: MIT
-- chat.lua: rooms to talk in. A room is the topic chat/ROOM, a message its text and nothing else.
-- Try it on two nodes that are connected, each with [apps.chat] in its kith.toml:
--   kith app logs chat          in one terminal of each
--   kith chat say hello         in another
--   kith chat join garden       and then: kith chat say --room garden anybody here?
local heard = {} -- what listens to each room

local function check(room)
  if type(room) == "string" and #room <= 64 and room:find("^[%w_.-]+$") then return room end
  return nil, "'" .. tostring(room) .. "' is no room: a name has 1 to 64 letters, digits, - _ or ."
end

local function enter(room)
  if heard[room] then return end
  heard[room] = kith.on("message/chat/" .. room, { own = true }, function(msg)
    print(room .. " .." .. msg.from:sub(-6) .. ": " .. (msg.text or "(no text)"))
  end)
end

for _, room in ipairs(kith.config.rooms or { "lobby" }) do enter(assert(check(room))) end
for _, row in ipairs(kith.store.list("room/", { limit = 1000 }) or {}) do enter(row.key:sub(6)) end

kith.command("say", {
  summary = "says a line in a room",
  { "text", rest = true, help = "what to say" },
  { "room", default = "lobby", option = true, help = "where" },
}, function(args)
  local room, err = check(args.room)
  if not room then return nil, err end
  return kith.publish("chat/" .. room, args.text)
end)

kith.command("rooms", { summary = "the rooms that this node listens to" }, function()
  local names = kith.list()
  for room in pairs(heard) do names[#names + 1] = room end
  table.sort(names)
  return names
end)

kith.command("join", { summary = "listens to a room from now on", { "room" } }, function(args)
  local room, err = check(args.room)
  if not room then return nil, err end
  enter(room)
  local kept, why = kith.store.put("room/" .. room, true)
  if not kept then return nil, "joined until the next start only: " .. why end
  return { joined = room }
end)

kith.command("leave", { summary = "listens to a room no more", { "room" } }, function(args)
  local room = args.room
  if not heard[room] then return nil, "not in '" .. room .. "': see kith chat rooms" end
  heard[room]:off()
  heard[room] = nil
  local gone, why = kith.store.delete("room/" .. room)
  if not gone then return nil, "left until the next start only: " .. why end
  return { left = room }
end)

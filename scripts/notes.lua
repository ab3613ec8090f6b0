-- SPDX-License-Identifier: MIT
-- notes.lua: notes that several nodes keep together, in a ledger: signed, chained and synced.
-- Try it, with [apps.notes] in the kith.toml of each:
--   kith notes add buy milk
--   kith notes list
--   kith notes verify
local name = kith.config.ledger or "notes"
local ledger, why = kith.ledger(name)
if not ledger then error("the ledger '" .. name .. "' does not open: " .. why, 0) end

kith.command("add", {
  summary = "writes a note",
  { "text", rest = true, help = "the note" },
}, function(args)
  local entry, err = ledger:append("note", args.text)
  if not entry then return nil, err end
  return { id = entry.id, seq = entry.seq }
end)

kith.command("list", {
  summary = "the newest notes, oldest of them first",
  { "limit", "int", default = 100, option = true, help = "how many" },
}, function(args)
  local entries, err = ledger:timeline({ newest = true, limit = args.limit })
  if not entries then return nil, err end
  local rows = kith.list()
  for _, entry in ipairs(entries) do
    if entry.type == "note" and entry.text then
      local row = { id = entry.id, author = entry.author, time = entry.time, text = entry.text }
      rows[#rows + 1] = row
    end
  end
  return rows
end)

kith.command("verify", {
  summary = "checks every chain, text and signature that is held",
}, function() return ledger:verify() end)

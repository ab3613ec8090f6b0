-- SPDX-License-Identifier: MIT
-- notes.lua: notes that several nodes keep together, in a ledger: signed, chained and synced.
-- Try it, with [apps.notes] in the kith.toml of each:
--   kith notes add buy milk
--   kith notes list                        the short id of each note is the end of its id
--   kith notes edit q7xk2m4a buy oat milk
--   kith notes history q7xk2m4a            who wrote what when
-- A note is an entry "note" whose body is its text. An edit is an entry "note/edit" that names the
-- note, what it replaces and the new text: {"note": ID, "replaces": [ID, ...], "text": "..."}. What
-- no edit has replaced stands. Who edit the same version do not know of each other, so both edits
-- stand: a conflict, until an edit replaces both. An empty text hides a note.
local name = kith.config.ledger or "notes"
local ledger, closed = kith.ledger(name)
if not ledger then error("the ledger '" .. name .. "' does not open: " .. closed, 0) end

local kNote, kEdit = "note", "note/edit"
local kPage = 256 -- entries that are read at once
local kUndoMax = 1024 -- edits that can be taken back, at least
local kStandMax = 64 -- versions of one note; of more the oldest are left out
local kTail = 8 -- letters of a short id: all ids begin alike, their ends tell them apart
local kTextMax = 1024 * 1024 -- bytes of text that one answer holds

-- A command's way out: the caller reads the sentence.
local function need(value, why)
  if not value then error({ sentence = tostring(why) }, 0) end
  return value
end

local function command(called, args, fn)
  kith.command(called, args, function(given)
    local ok, result = pcall(fn, given)
    if ok then return result end
    if type(result) == "table" and result.sentence then return nil, result.sentence end
    error(result, 0)
  end)
end

-- Calls step() until it gives false, each time with a budget of its own: so any number of entries
-- can be walked.
local function walk(step)
  local ok, going
  local function run()
    ok, going = pcall(step)
    return true
  end
  repeat need(kith.parallel(run)) until not ok or not going
  if not ok then error(going, 0) end
end

-- Where the app's memory has no room for a page, a smaller one.
local function page(how, query)
  query.limit = query.limit or kPage
  local entries, more, next = ledger[how](ledger, query)
  while not entries and more.code == "limit" and query.limit > 1 do
    query.limit = math.max(1, math.floor(query.limit / 4))
    entries, more, next = ledger[how](ledger, query)
  end
  return need(entries, more), more, next
end

local function is_id(text)
  return type(text) == "string" and #text == 59 and text:find("^bafyrei[a-z2-7]+$") ~= nil
end

local function short(id) return id:sub(-kTail) end
local function by(author) return ".." .. author:sub(-6) end
-- What an entry says; nothing of one that says it wrong, or whose body is gone.
local function edit_of(entry)
  if not entry or entry.type ~= kEdit or not entry.text then return nil end
  local edit = kith.json.decode(entry.text)
  if type(edit) ~= "table" or type(edit.replaces) ~= "table" then return nil end
  return is_id(edit.note) and type(edit.text) == "string" and edit or nil
end

local function text_of(entry)
  return entry.type == kNote and entry.text or (edit_of(entry) or {}).text
end

local function entry_of(id)
  local entry, err = ledger:get(id)
  need(not err, err)
  return entry
end

-- ---- the fold: what the edits make of the notes, in the order of the timeline

-- heads[note] is what stands of a note that was edited: an id, or a list of them in their order.
-- A note that is not in there stands as it was written, so the fold's size is that of the edits.
-- It has come to `last` in the timeline, and knows what arrived up to `seen`.
local function new_fold() return { heads = {}, undo = {}, last = nil, seen = nil } end
local fold = new_fold()
-- Entries of one time stand in the order of their ids' bytes, where 2 to 7 come after z.
local function in_bytes(id)
  return (id:gsub("[2-7]", function(digit) return string.char(digit:byte() + 73) end))
end
local function is_before(a, b)
  if a.time ~= b.time then return a.time < b.time end
  return in_bytes(a.id) < in_bytes(b.id)
end

local function standing(state, note)
  local heads = state.heads[note]
  return type(heads) == "table" and heads or { heads or note }
end

-- A list is never changed once it is made: to take a step back is to put the one before it back.
local function apply(state, entry)
  state.last = { time = entry.time, id = entry.id }
  local edit = edit_of(entry)
  if not edit then return end
  local replaced, heads = {}, {}
  for _, id in ipairs(edit.replaces) do replaced[id] = true end
  for _, id in ipairs(standing(state, edit.note)) do
    if not replaced[id] then heads[#heads + 1] = id end
  end
  heads[#heads + 1] = entry.id
  if #heads > kStandMax then table.remove(heads, 1) end
  local undo, step = state.undo, state.last
  if #undo >= 2 * kUndoMax then
    for i = 1, kUndoMax do undo[i], undo[i + kUndoMax] = undo[i + kUndoMax], nil end
    state.is_cut = true
  end
  step.note, step.heads = edit.note, state.heads[edit.note]
  undo[#undo + 1] = step
  state.heads[edit.note] = #heads == 1 and heads[1] or heads
end

-- Back to before an entry that landed there. Further than the steps are kept, it begins anew.
local function rewind(state, landed)
  local undo = state.undo
  while #undo > 0 and not is_before(undo[#undo], landed) do
    local step = table.remove(undo)
    state.heads[step.note] = step.heads
  end
  if #undo == 0 and state.is_cut then state.heads, state.is_cut = {}, nil end
  state.last = undo[#undo]
end

-- What arrived since takes the fold back if it lies before the place that it has come to. Here and
-- below, what was read is used only if nobody moved the fold meanwhile.
local function look_back(state)
  if not state.seen then
    local newest = need(ledger:read({ newest = true, limit = 1 }))
    state.seen = state.seen or newest[1] and newest[1].arrival or 0
    return
  end
  walk(function()
    local seen = state.seen
    local edits, more, next = page("read", { after = seen, type = kEdit })
    if state.seen ~= seen then return true end
    for _, entry in ipairs(edits) do
      if state.last and is_before(entry, state.last) then rewind(state, entry) end
    end
    state.seen = next
    return more
  end)
end

-- Whether it has come to the end.
local function go_on(state)
  local seen, last, is_whole = state.seen, state.last, false
  local after = last and last.time or 0
  walk(function()
    local edits, more, next = page("timeline", { after = after, type = kEdit })
    if state.seen ~= seen or state.last ~= last then return false end
    for _, entry in ipairs(edits) do
      if not last or is_before(last, entry) then apply(state, entry) end
    end
    last, after, is_whole = state.last, next, not more
    return more
  end)
  return is_whole
end

-- The fold over all that is here now.
local function current()
  while true do
    local state = fold
    look_back(state)
    if go_on(state) and state == fold then return state end
  end
end

-- ---- short ids

-- Those of all notes by arrival, in blocks: 8 bytes a note. Made when one is first asked for.
local function new_index() return { seen = 0 } end
local index = new_index()
local function extend_index()
  local tails = index
  walk(function()
    local seen, words = tails.seen, {}
    local notes, more, next = page("read", { after = seen, type = kNote })
    if tails.seen ~= seen then return true end
    for i, entry in ipairs(notes) do words[i] = short(entry.id) end
    local block, text = tails[#tails], table.concat(words)
    if block and #block.text + #text <= kPage * kTail then
      block.text = block.text .. text
    elseif text ~= "" then
      tails[#tails + 1] = { after = seen, text = text }
    end
    tails.seen = next
    return more
  end)
  return tails
end

local function holds(block, tail)
  local at, to = 0, nil
  repeat at, to = block.text:find(tail, at + 1, true) until not at or to % kTail == 0
  return at ~= nil
end

local function notes_by_tail(tail)
  local found, tails = {}, extend_index()
  for i, block in ipairs(tails) do
    local after, before = block.after, (tails[i + 1] and tails[i + 1].after or tails.seen) + 1
    if #found <= 5 and holds(block, tail:sub(-kTail)) then
      walk(function()
        local notes, more, next = page("read", { after = after, before = before, type = kNote })
        for _, entry in ipairs(notes) do
          if entry.id:sub(-#tail) == tail then found[#found + 1] = entry end
        end
        after = next
        return more
      end)
    end
  end
  return found
end

-- The note of a whole id (its own, or an edit's), or of the last letters of its own.
local function note_of(given)
  local found, text = nil, given:lower():gsub("^%.+", "")
  if is_id(text) then
    local entry = entry_of(text)
    if edit_of(entry) then entry = entry_of(edit_of(entry).note) end
    found = { entry and entry.type == kNote and entry or nil }
  else
    need(#text >= 4 and not text:find("[^a-z2-7]"), "'" .. given .. "' is no id of a note: type " ..
         "the last 4 letters or more of one in kith notes list")
    found = notes_by_tail(text)
  end
  need(#found > 0, "no note has the id '" .. given .. "': see kith notes list")
  if #found == 1 then return found[1] end
  local names = {}
  for i, entry in ipairs(found) do
    local line = (entry.text or ""):sub(1, 30):gsub("[\192-\255][\128-\191]*$", "")
    names[i] = ".." .. entry.id:sub(-#text - 4) .. " (" .. line .. ")"
  end
  need(nil, "'" .. given .. "' is the end of more than one note's id, type more of it: " ..
       table.concat(names, ", ", 1, math.min(#names, 5)))
end

-- ---- what is shown

local function row_of(note, entry, text)
  local row = { id = note.id, short = short(note.id), author = entry.author, by = by(entry.author) }
  row.time, row.text, row.dropped = entry.time, text or "", not text or nil
  if entry.id ~= note.id then row.version, row.edited = entry.id, true end
  return row
end

-- A row for each version of a note that stands; none of one that is hidden.
local function rows_of(state, note)
  local rows = {}
  for _, id in ipairs(standing(state, note.id)) do
    local entry = id == note.id and note or entry_of(id)
    if entry then rows[#rows + 1] = row_of(note, entry, text_of(entry)) end
  end
  if #rows == 1 and rows[1].text == "" and not rows[1].dropped then return {} end
  for i, row in ipairs(rows) do
    if #rows > 1 then
      row.conflict = ("%d of %d: kith notes edit %s TEXT replaces all"):format(i, #rows, row.short)
    end
  end
  return rows
end

-- Of the newest notes that fit, at most `limit`: the rows, oldest first.
local function newest_rows(limit, fits)
  local state, kept, count, bytes, before = current(), {}, 0, 0, nil
  walk(function()
    local query = { newest = true, type = kNote, before = before, limit = math.min(limit, kPage) }
    local notes, more, next = page("timeline", query)
    for i = #notes, 1, -1 do
      local rows = rows_of(state, notes[i])
      if #rows > 0 and fits(rows) then
        count = count + 1
        for at = #rows, 1, -1 do
          kept[#kept + 1], bytes = rows[at], bytes + #rows[at].text
        end
      end
      if count >= limit or bytes > kTextMax then return false end
    end
    before = next
    return more
  end)
  local rows = kith.list()
  for i = #kept, 1, -1 do rows[#rows + 1] = kept[i] end
  return rows
end

local function step_of(entry)
  local edit, is_note, text = edit_of(entry), entry.type == kNote, text_of(entry)
  local note = is_note and entry.id or edit and edit.note
  local row = { id = entry.id, author = entry.author, by = by(entry.author), time = entry.time }
  row.text, row.dropped = text or "", not text or nil
  row.what = is_note and "added" or row.text == "" and "deleted" or "edited"
  if note then row.note, row.short = note, short(note) end
  if edit then row.replaces = edit.replaces end
  return row
end

-- From what stands back by what it replaces: all versions of a note.
local function steps_of(state, note, limit)
  local rows, met, asked = kith.list({ step_of(note) }), { [note.id] = true }, {}
  for i, id in ipairs(standing(state, note.id)) do asked[i] = id end
  walk(function()
    local id = table.remove(asked)
    if not id or #rows >= limit then return false end
    if met[id] or not is_id(id) then return true end
    met[id] = true
    local entry = entry_of(id)
    local edit = edit_of(entry)
    if edit and edit.note == note.id then
      rows[#rows + 1] = step_of(entry)
      for _, before in ipairs(edit.replaces) do asked[#asked + 1] = before end
    end
    return true
  end)
  table.sort(rows, is_before)
  return rows
end

-- ---- commands

local kLimit = { "limit", "int", default = 100, option = true, help = "how many, at most 1000" }
local kId = { "id", help = "the note's id, or its last letters" }
local kText = { "text", rest = true, help = "what it says" }
local function limit_of(args)
  return need(args.limit >= 1 and args.limit <= 1000 and args.limit, "--limit is 1 to 1000")
end

command("add", { summary = "writes a note", kText }, function(args)
  local entry = need(ledger:append(kNote, args.text))
  return { id = entry.id, short = short(entry.id), seq = entry.seq }
end)

command("list", { summary = "the newest notes, oldest of them first", kLimit }, function(args)
  return newest_rows(limit_of(args), function() return true end)
end)

local kWords = { "words", rest = true, help = "what to look for, in any case of its letters" }
local kSearches = "the newest notes that hold all of the words"
command("search", { summary = kSearches, kWords, kLimit }, function(args)
  local words = args.words:lower()
  return newest_rows(limit_of(args), function(rows)
    for _, row in ipairs(rows) do
      local text, has_all = row.text:lower(), true
      for word in words:gmatch("%S+") do has_all = has_all and text:find(word, 1, true) end
      if has_all then return true end
    end
    return false
  end)
end)

local function write_edit(id, text)
  local note = note_of(id)
  local body = { note = note.id, replaces = standing(current(), note.id), text = text }
  local entry = need(ledger:append(kEdit, body))
  return { id = note.id, short = short(note.id), version = entry.id, replaces = body.replaces }
end

local kEdits = "replaces a note's text: all versions that stand, where there are several"
command("edit", { summary = kEdits, kId, kText }, function(args)
  return write_edit(args.id, args.text)
end)

local kHides = "hides a note, as an empty text does: its history stays, and edit shows it again"
command("delete", { summary = kHides, kId }, function(args) return write_edit(args.id, "") end)

local kTells = "who wrote what when, oldest first: of one note, or the newest of all"
local kOptionalId = { "id", required = false, help = kId.help }
command("history", { summary = kTells, kOptionalId, kLimit }, function(args)
  local limit = limit_of(args)
  if args.id and args.id ~= "" then return steps_of(current(), note_of(args.id), limit) end
  local rows = kith.list()
  for _, entry in ipairs((page("timeline", { newest = true, limit = limit }))) do
    if entry.type == kNote or entry.type == kEdit then rows[#rows + 1] = step_of(entry) end
  end
  return rows
end)

local kVerifies = "checks every chain, text and signature that is held"
command("verify", { summary = kVerifies }, function() return need(ledger:verify()) end)

-- What stopped counting, or counts again, may lie anywhere.
ledger:on_void(function() fold, index = new_fold(), new_index() end)

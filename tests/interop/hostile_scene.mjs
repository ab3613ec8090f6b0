// SPDX-License-Identifier: MIT
// Two honest nodes that keep one ledger, and what is watched while somebody attacks the first: how
// much memory it takes, and how soon what the second writes is there.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as nap } from 'node:timers/promises'
import { freshHome, good, startKith } from './kith.mjs'
import { answer, makeSyncer, pour } from './sync.mjs'
import { until, within } from './wait.mjs'

// What one attack may add at its peak; and where it writes, as anybody may in an open ledger, with
// RocksDB's write buffers (32 MiB), its block cache (8 MiB), what it compacts and what malloc does
// not give back: at 130 MB/s 120 MiB, however long that goes on. All together add little more.
const kRoomMiB = 32
export const kWritingRoomMiB = 160
const kTotalRoomMiB = 192
const kArrivalMs = 5_000 // tens of ms in peace; here three processes share what cores there are
export const kWhileMs = 800 // that a flood goes on
const kRestMs = 200

// As a peer that has the same; `more` says what it answers besides.
export const calm = (more = {}) => (kind, items, peer) => {
  if (more[kind]) return more[kind](items, peer)
  if (kind === 'hello') peer.say(answer('same', items[0], 0))
}
export const absent = (items, peer) => {
  for (let at = 0; at < items[1].length; at += 112)
    peer.say(answer('absent', items[0], items[1].subarray(at, at + 32)))
}

const kDiary = `
local ledger = assert(kith.ledger(kith.config.ledger))
local seen = {}
ledger:on(function(entry)
  if entry.type == "line" then seen[entry.text] = true end
end)
kith.command("write", { summary = "writes a line", { "text", rest = true } }, function(args)
  local entry, why = ledger:append("line", args.text)
  if not entry then return nil, why end
  return { id = entry.id }
end)
kith.command("saw", { summary = "whether it has come", { "text", rest = true } }, function(args)
  return { saw = seen[args.text] == true }
end)
`

// The control socket: calls without a process each.
function control (t, node) {
  const socket = net.connect(join(node.home, 'kith.sock'))
  t.after(() => socket.destroy())
  const waiting = new Map()
  let [held, last] = ['', 0]
  socket.on('error', () => {}).on('data', (bytes) => {
    const lines = (held + bytes).split('\n')
    held = lines.pop()
    for (const { id, end, error } of lines.map((line) => JSON.parse(line))) {
      if (error) waiting.get(id)?.reject(new Error(error.message))
      else if (end !== undefined) waiting.get(id)?.resolve(end)
    }
  })
  return (call, args) => within(new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject })
    socket.write(JSON.stringify({ id: last, call, args }) + '\n')
  }), `${call} is answered`)
}

const statusOf = (node) => readFileSync(`/proc/${node.run.child.pid}/status`, 'latin1')
const mib = (node, field) =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(statusOf(node))[1]) / 1024
const forgetPeak = (node) => writeFileSync(`/proc/${node.run.child.pid}/clear_refs`, '5')

async function startDiary (t, home, ledger) {
  const file = join(dirname(home), 'diary.lua')
  writeFileSync(file, kDiary)
  const app = `apps.diary={file="${file}", ledger="${ledger}"}`
  const node = await startKith(t, { home, sets: [app] })
  node.call = control(t, node)
  return node
}

// makeScene(t, ledger, {found}): `found(homes)` makes the ledger in both homes, where it is no open
// one, before they keep it.
export async function makeScene (t, ledger, { found } = {}) {
  const homes = [freshHome(t), freshHome(t)]
  await found?.(homes)
  const node = await startDiary(t, homes[0], ledger)
  const friend = await startDiary(t, homes[1], ledger)
  await good(friend.json(['connect', node.address]))
  const scene = { node, friend, ledger }
  let said = 0
  // Writes at the friend's; how many ms later it has come.
  scene.arrives = async () => {
    const text = `line ${++said}`
    const from = performance.now()
    await friend.call('diary.write', { text })
    await until(async () => (await node.call('diary.saw', { text })).saw,
      `'${text}' arrives`, kArrivalMs)
    return performance.now() - from
  }
  const write = () => friend.call('diary.write', { text: 'the first line' })
  await until(() => write().then(() => true, () => false), 'the friend may write')
  for (let i = 0; i < 20; i++) await scene.arrives()
  const base = mib(node, 'VmRSS')
  // While the attack goes on, lines arrive; after it the node has little more than at the start.
  scene.during = async (t, attack, room = kRoomMiB) => {
    forgetPeak(node)
    const before = mib(node, 'VmRSS')
    let isOver = false
    const attacking = attack().finally(() => { isOver = true })
    attacking.catch(() => {})
    let slowest = 0
    do {
      slowest = Math.max(slowest, await scene.arrives())
      await nap(kRestMs) // so that nothing that needs a quiet ledger is spoiled each time
    } while (!isOver)
    const said = await attacking
    const [peak, after] = [mib(node, 'VmHWM'), mib(node, 'VmRSS')]
    const text = [before, peak, after].map((size) => size.toFixed(1)).join(', ')
    t.diagnostic(`${said ?? ''} RSS before, peak, after: ${text} MiB; ` +
      `slowest arrival ${slowest.toFixed(0)} ms`)
    assert.ok(peak <= before + room, `${peak} MiB, from ${before}`)
    assert.ok(after <= base + kTotalRoomMiB, `${after} MiB, from ${base} at the start`)
  }
  // A stranger that pushes what makeLine() gives as fast as it is taken.
  scene.flood = (t, makeLine, room) => scene.during(t, async () => {
    const peer = await makeSyncer(t, node, calm())
    return `${await pour(peer.asked, makeLine(), kWhileMs)} lines.`
  }, room)
  // Why peers were cut off, in kith's words.
  scene.warnings = () => [...node.run.err.matchAll(/disconnecting peer=\S+ err=([^"\n]+)/g)]
    .map(([, why]) => why)
  scene.verify = () => good(node.json(['ledger', 'verify', ledger]))
  return scene
}

// SPDX-License-Identifier: MIT
// The rows that take minutes and gigabytes: 23, and 26 to 28. `kith bench --long`.
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs'
import { setTimeout as rest } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Node } from './nodes.mjs'

const kMissing = 1_000_000
const kLarge = 10_000_000
const kSmall = 100_000
const kBodyBytes = 300
const kLargeBodyBytes = 32 // of 300 bytes it would be twice the time and 4 GB
const kPollMs = 20
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]

async function withFolder (use) {
  const folder = mkdtempSync(join(tmpdir(), 'kith-bench-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function until (node, entries) {
  for (;;) {
    const held = await node.entries()
    if (held >= entries) return held
    await rest(kPollMs)
  }
}

// Row 23: how long until a second process has all; then anew, killed half way and started again.
export const missing = (program, fill) => withFolder(async (folder) => {
  const home = join(folder, 'writer')
  mkdirSync(home, { mode: 0o700 })
  fill(join(home, 'store'), kMissing, kBodyBytes)
  const writer = await Node.start(program, home)
  const address = writer.facts.addresses[0]
  const reader = (name) => Node.start(program, join(folder, name))
  const whole = await reader('whole')
  const start = performance.now()
  await whole.call('connect', { address })
  await until(whole, kMissing)
  const seconds = (performance.now() - start) / 1e3
  const cpu_s = writer.cpuSeconds() + whole.cpuSeconds()
  await whole.end('SIGKILL')

  const cut = await reader('cut')
  await cut.call('connect', { address })
  const before = await until(cut, kMissing / 2)
  await cut.end('SIGKILL')
  const again = await reader('cut')
  const after = await again.entries()
  await again.call('connect', { address })
  await until(again, kMissing)
  await again.end('SIGKILL')
  await writer.end('SIGKILL')
  return { seconds, cpu_s, lost: Math.max(0, before - after) / kMissing }
})

// Rows 26 to 28: one ledger that is large, beside a small one.
export const large = (program, ledger) => withFolder(async (folder) => {
  const home = join(folder, 'large')
  mkdirSync(home, { mode: 0o700 })
  const store = join(home, 'store')
  const small = join(folder, 'small')
  ledger('fill', store, kLarge, kLargeBodyBytes)
  ledger('fill', small, kSmall, kLargeBodyBytes)
  const open = (of) => {
    const all = Array.from({ length: 5 }, () => ledger('open', of)[26])
    return { ms: median(all.map((one) => one.ms)), cpu_ms: median(all.map((one) => one.cpu_ms)) }
  }
  const rows = { 26: { large: open(store), small: open(small) } }
  rows[27] = ledger('verify', store)[27]
  const node = await Node.start(program, home)
  await rest(2_000)
  rows[28] = { mb: node.rssMb() }
  await node.end('SIGKILL')
  return rows
})

// SPDX-License-Identifier: MIT
// Runs kith, js-libp2p and the raw limit in one go and prints a line a row: the figure, its unit,
// its anchors, the ratios.
// usage: run.mjs PATH_OF_kith_bench [--long]
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { large, missing } from './long.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const bench = process.argv[2]
const isLong = process.argv.includes('--long')
const program = (name) => join(dirname(bench), name)

function rows (text) {
  const lines = text.trim().split('\n').map((line) => JSON.parse(line))
  return Object.fromEntries(lines.map((row) => [row.row, row]))
}

function run (command, words, timeout) {
  const stdio = ['ignore', 'pipe', 'inherit']
  const ran = spawnSync(command, words, { encoding: 'utf8', stdio, timeout })
  if (ran.status === 0) return rows(ran.stdout)
  throw new Error(`${command} ${words.join(' ')} ended with ${ran.status ?? ran.signal}`)
}

async function js () {
  const anchor = join(here, '..', 'interop', 'bench_anchor.mjs')
  const stdio = ['ignore', 'pipe', 'inherit']
  const server = spawn(process.execPath, [anchor, 'serve'], { stdio })
  try {
    const address = await new Promise((resolve, reject) => {
      createInterface({ input: server.stdout }).once('line', resolve)
      server.once('exit', (code) => reject(new Error(`the js server ended with ${code}`)))
    })
    return run(process.execPath, [anchor, 'client', address], 300_000)
  } finally {
    server.kill('SIGKILL')
  }
}

const raw = run(bench, ['raw'], 300_000)
const kith = run(bench, ['kith'], 300_000)
const anchor = await js()
const ledgerOf = (...words) => run(program('kith_bench_ledger'), words.map(String), 600_000)
const coreOf = (...words) =>
  run(process.execPath, [join(here, 'hypercore_anchor.mjs'), ...words.map(String)], 300_000)
const ledger = { ...ledgerOf('append'), ...ledgerOf('replicate') }
const core = coreOf()
const difference = run(program('kith_bench_difference'), [], 300_000)
const lua = run(program('kith_bench_lua'), [], 300_000)

const mb = (of) => `${of[1].mb_per_s.toFixed(0)} MB/s`
const us = (row) => `${row.p50_us.toFixed(1)} / ${row.p99_us.toFixed(1)} us`
const ratio = (row) => `(p50 ${(kith[row].p50_us / anchor[row].p50_us).toFixed(3)}x)`
function line (row, what, ours, ...anchors) {
  console.log(`row ${String(row).padEnd(3)}${what.padEnd(32)}${[ours, ...anchors].join(' | ')}`)
}
line(1, 'one stream, 100 MiB', mb(kith),
  `js-libp2p ${mb(anchor)} (${(kith[1].mb_per_s / anchor[1].mb_per_s).toFixed(1)}x)`,
  `TCP + AEAD ${mb(raw)} (${(100 * kith[1].mb_per_s / raw[1].mb_per_s).toFixed(0)} %)`)
line(3, 'connect and identify, p50 / p99', us(kith[3]), `js-libp2p ${us(anchor[3])} ${ratio(3)}`)
line(5, 'echo of 256 B, p50 / p99', us(kith[5]),
  `js-libp2p ${us(anchor[5])} ${ratio(5)}`, `raw TCP ${us(raw[5])}`)
const thousands = (rate) => `${(rate / 1000).toFixed(0)} k/s`
line(12, 'Lua handler, four fields read', thousands(lua[12].calls_per_s),
  `bare LuaJIT pcall, JIT off, ${thousands(lua[12].bare_per_s)} ` +
  `(${(lua[12].calls_per_s / lua[12].bare_per_s).toFixed(2)}x)`)
for (const [row, what] of [[19, 'append one by one'], [20, 'append in batches of 1,000'],
  [22, 'replicate 100,000 entries']]) {
  const times = (ledger[row].per_s / core[row].per_s).toFixed(1)
  line(row, what, thousands(ledger[row].per_s),
    `hypercore ${thousands(core[row].per_s)} (${times}x)`)
}
line(22, '  CPU of both ends', `${ledger[22].cpu_us.toFixed(2)} us an entry`,
  `hypercore ${core[22].cpu_us.toFixed(2)} us`)
line(22, '  bytes on the wire / payload', ledger[22].times_payload.toFixed(3),
  `hypercore ${core[22].times_payload.toFixed(3)}`)
line(21, 'durable append, 64 writers', thousands(ledger[21].per_s),
  `one synced RocksDB put ${thousands(ledger[21].raw_per_s)}`)
const kDifferences = [[24, '100 of 1,000,000 feeds are behind'], [25, '100 differ at the tail'],
  ['25 same', '  none differs']]
for (const [row, what] of kDifferences) {
  const { p50_bytes: p50, p99_bytes: p99, round_trips: trips, p50_us: took } = difference[row]
  line(parseInt(row), what, `${p50} / ${p99} B, ${trips} RTT, ${(took / 1e3).toFixed(1)} ms`,
    'p50 / p99; negentropy, published: 24: 165,155 B and 3 RTT, 25: 4,867 B')
}

if (isLong) {
  const ms = (value) => `${value.toFixed(1)} ms`
  const late = await missing(program('kith'), (...words) => ledgerOf('fill', ...words))
  line(23, 'sync of 1,000,000 missing', `${late.seconds.toFixed(2)} s`,
    `${late.cpu_s.toFixed(1)} CPU-s of both`, `lost by kill -9: ${(100 * late.lost).toFixed(2)} %`)
  const ours = await large(program('kith'), ledgerOf)
  const theirs = coreOf('size', 100_000)
  const { large: of10m, small: of100k } = ours[26]
  line(26, 'open with 10,000,000 of 32 B', `${ms(of10m.ms)}, ${ms(of10m.cpu_ms)} of CPU`,
    `with 100,000 ${ms(of100k.ms)}, ${ms(of100k.cpu_ms)} (${(of10m.ms / of100k.ms).toFixed(1)}x)`,
    `hypercore with 100,000 ${ms(theirs[26].ms)}`)
  line(27, 'verify 10,000,000 of 32 B', thousands(ours[27].per_s),
    `${thousands(ours[27].per_cpu_s)} a CPU second`)
  line(28, 'a node with it open, idle', `${ours[28].mb.toFixed(1)} MB`,
    `hypercore with 100,000 ${theirs[28].mb.toFixed(1)} MB`)
}

// SPDX-License-Identifier: MIT
// Runs kith, js-libp2p and the raw limit in one go and prints a line a row: the figure, its unit,
// its anchors, the ratios.
// usage: run.mjs PATH_OF_kith_bench
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const bench = process.argv[2]

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
    return run(process.execPath, [anchor, 'client', address], 180_000)
  } finally {
    server.kill('SIGKILL')
  }
}

const raw = run(bench, ['raw'], 120_000)
const kith = run(bench, ['kith'], 120_000)
const anchor = await js()
const ledger = run(join(dirname(bench), 'kith_bench_ledger'), [], 120_000)
const core = run(process.execPath, [join(here, 'hypercore_anchor.mjs')], 120_000)
const lua = run(join(dirname(bench), 'kith_bench_lua'), [], 60_000)

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
for (const [row, what] of [[19, 'append one by one'], [20, 'append in batches of 1,000']]) {
  const times = (ledger[row].per_s / core[row].per_s).toFixed(1)
  line(row, what, thousands(ledger[row].per_s),
    `hypercore ${thousands(core[row].per_s)} (${times}x)`)
}
line(21, 'durable append, 64 writers', thousands(ledger[21].per_s),
  `one synced RocksDB put ${thousands(ledger[21].raw_per_s)}`)

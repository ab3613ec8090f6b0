// SPDX-License-Identifier: MIT
// Runs kith, js-libp2p and the raw limit in one go and prints a line a row: the figure, its unit, its anchors, the ratios.
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

function own (mode) {
  const ran = spawnSync(bench, [mode], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 120_000 })
  if (ran.status !== 0) throw new Error(`${bench} ${mode} ended with ${ran.status ?? ran.signal}`)
  return rows(ran.stdout)
}

async function js () {
  const anchor = join(here, '..', 'interop', 'bench_anchor.mjs')
  const server = spawn(process.execPath, [anchor, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const address = await new Promise((resolve, reject) => {
      createInterface({ input: server.stdout }).once('line', resolve)
      server.once('exit', (code) => reject(new Error(`the js server ended with ${code}`)))
    })
    const ran = spawnSync(process.execPath, [anchor, 'client', address], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 180_000 })
    if (ran.status !== 0) throw new Error(`the js client ended with ${ran.status ?? ran.signal}`)
    return rows(ran.stdout)
  } finally {
    server.kill('SIGKILL')
  }
}

const raw = own('raw')
const kith = own('kith')
const anchor = await js()
const line = (row, what, text) => console.log(`row ${String(row).padEnd(3)} ${what.padEnd(34)} ${text}`)
const us = (value) => `${value.toFixed(1)} us`
line(1, 'one stream, 100 MiB', `${kith[1].mb_per_s.toFixed(0)} MB/s | js-libp2p ${anchor[1].mb_per_s.toFixed(0)} MB/s (${(kith[1].mb_per_s / anchor[1].mb_per_s).toFixed(1)}x) | TCP + AEAD ${raw[1].mb_per_s.toFixed(0)} MB/s (${(100 * kith[1].mb_per_s / raw[1].mb_per_s).toFixed(0)} %)`)
line(3, 'connect and identify, p50 / p99', `${us(kith[3].p50_us)} / ${us(kith[3].p99_us)} | js-libp2p ${us(anchor[3].p50_us)} / ${us(anchor[3].p99_us)} (p50 ${(kith[3].p50_us / anchor[3].p50_us).toFixed(3)}x)`)
line(5, 'echo of 256 B, p50 / p99', `${us(kith[5].p50_us)} / ${us(kith[5].p99_us)} | js-libp2p ${us(anchor[5].p50_us)} / ${us(anchor[5].p99_us)} (p50 ${(kith[5].p50_us / anchor[5].p50_us).toFixed(3)}x) | raw TCP ${us(raw[5].p50_us)} / ${us(raw[5].p99_us)}`)

// SPDX-License-Identifier: MIT
// The anchor of the ledger's rows: hypercore, with its own storage, doing what kith_bench_ledger
// does: 300 bytes an entry, one by one and in batches of 1,000, then replicated to a second
// process; in folders that are gone afterwards. `size ENTRIES` tells instead how long opening takes
// with so many entries, and what the process weighs then.
import { createRequire } from 'node:module'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(new URL('../interop/package.json', import.meta.url))
const Hypercore = require('hypercore')

const kReplicated = 100_000
const kBodyBytes = 300
const kBatch = 1000
const kRounds = 3
const print = (row) => console.log(JSON.stringify(row))
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]
// Of a process, in steps of 10 ms.
function cpuSeconds (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
const folders = []
function fresh () {
  folders.push(mkdtempSync(join(tmpdir(), 'hypercore-')))
  return folders.at(-1)
}
const batch = (entries) => {
  const all = randomBytes(entries * kBodyBytes)
  const body = (_, i) => all.subarray(i * kBodyBytes, (i + 1) * kBodyBytes)
  return Array.from({ length: entries }, body)
}

async function perSecond (rounds, entries, append) {
  await append() // warm
  const start = performance.now()
  for (let i = 0; i < rounds; i++) await append()
  return rounds * entries * 1e3 / (performance.now() - start)
}

async function fill (core, entries) {
  for (let i = 0; i < entries; i += kBatch) await core.append(batch(kBatch))
}

// The other process: fills a core and serves it.
async function serve () {
  const core = new Hypercore(fresh())
  await core.ready()
  await fill(core, kReplicated)
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    const stream = core.replicate(false)
    stream.on('error', () => {})
    stream.pipe(socket).pipe(stream)
  })
  server.listen(0, '127.0.0.1', () => {
    process.send({ port: server.address().port, key: core.key.toString('hex') })
  })
  process.on('disconnect', () => finish(0))
}

async function fetchOnce ({ port, key }) {
  const core = new Hypercore(fresh(), Buffer.from(key, 'hex'))
  await core.ready()
  const start = performance.now()
  const socket = net.connect(port, '127.0.0.1')
  const stream = core.replicate(true)
  stream.on('error', () => {})
  stream.pipe(socket).pipe(stream)
  await core.download({ start: 0, end: kReplicated }).done()
  const seconds = (performance.now() - start) / 1e3
  const bytes = socket.bytesRead + socket.bytesWritten
  socket.destroy()
  await core.close()
  return { seconds, bytes }
}

async function replicate () {
  const server = fork(new URL(import.meta.url).pathname, ['serve'])
  const facts = await new Promise((resolve) => server.once('message', resolve))
  const cpu = cpuSeconds('self') + cpuSeconds(server.pid)
  const rounds = []
  for (let i = 0; i < kRounds; i++) rounds.push(await fetchOnce(facts))
  const used = cpuSeconds('self') + cpuSeconds(server.pid) - cpu
  server.disconnect()
  print({
    row: 22,
    per_s: kReplicated / median(rounds.map((round) => round.seconds)),
    times_payload: median(rounds.map((round) => round.bytes)) / (kReplicated * kBodyBytes),
    cpu_us: used * 1e6 / (kReplicated * kRounds)
  })
}

async function append () {
  const core = new Hypercore(fresh())
  await core.ready()
  print({ row: 19, per_s: await perSecond(10_000, 1, () => core.append(randomBytes(kBodyBytes))) })
  print({ row: 20, per_s: await perSecond(100, kBatch, () => core.append(batch(kBatch))) })
  await core.close()
}

async function size (entries) {
  const folder = fresh()
  const core = new Hypercore(folder)
  await fill(core, entries)
  await core.close()
  const times = []
  for (let i = 0; i < 3; i++) {
    const start = performance.now()
    const again = new Hypercore(folder)
    await again.get(entries - 1)
    times.push(performance.now() - start)
    if (i < 2) await again.close()
  }
  print({ row: 26, ms: median(times) })
  print({ row: 28, mb: /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status'))[1] / 1024 })
}

function finish (code) {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  process.exit(code)
}

const [verb, entries] = process.argv.slice(2)
try {
  if (verb === 'serve') {
    await serve()
  } else if (verb === 'size') {
    await size(Number(entries))
    finish(0)
  } else {
    await append()
    await replicate()
    finish(0)
  }
} catch (error) {
  console.error(error)
  finish(1)
}

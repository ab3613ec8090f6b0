// SPDX-License-Identifier: MIT
// A real node in a process of its own, in a fresh home, and the program's verbs against it.
// KITH_BIN names the program. Whatever is started here is gone when the test is.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until, within, kWaitMs } from './wait.mjs'

export const program = process.env.KITH_BIN ??
  new URL('../../build/release/bin/kith', import.meta.url).pathname
export const kLoopback = 'plugins.tcp.listen=["/ip4/127.0.0.1/tcp/0"]'
export const kWebsocket = 'plugins.websocket.listen=["/ip4/127.0.0.1/tcp/0/ws"]'
export const webAddressOf = (node) => node.addresses.find((text) => text.includes('/ws/'))

const alive = new Set()
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')))
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => process.exit(1))

// A folder that goes with the test.
export function freshHome (t, prefix = 'kith-') {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return join(folder, 'home')
}

// The program as a process: what it says piles up in out and err, `ended` is its exit code.
export function launch (args, { env = {} } = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env } })
  const run = { child, out: '', err: '', bytes: [] }
  alive.add(child)
  child.stdin.on('error', () => {}) // it may end before it has read all
  child.stdout.on('data', (bytes) => { run.out += bytes; run.bytes.push(bytes) })
  child.stderr.on('data', (bytes) => { run.err += bytes })
  run.ended = new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${program}: ${error.message}`)))
    child.on('close', (code, signal) => {
      alive.delete(child)
      resolve(code ?? signal)
    })
  })
  run.ended.catch(() => {})
  return run
}

// One verb to its end: {code, stdout, stderr, json, lines}. json is what --json printed, if it is
// one value; lines holds each line of a stream of them.
export async function kith (args, { input = '', ms = kWaitMs, env } = {}) {
  const run = launch(args, { env })
  run.child.stdin.end(input)
  const code = await within(run.ended, `kith ${args.join(' ')} ends; it said: ${run.err}`, ms)
    .finally(() => run.child.kill('SIGKILL'))
  const result = { code, stdout: run.out, stderr: run.err }
  if (args.includes('--json')) {
    result.lines = run.out.split('\n').filter(Boolean).map((line) => JSON.parse(line))
    result.json = result.lines[0]
  }
  return result
}

// What the condition gives once it holds; an error at once if the program ends before.
export async function up (run, condition, sentence, ms) {
  const ended = () => run.child.exitCode ?? run.child.signalCode
  await until(() => condition() || ended() !== null, sentence, ms)
  if (!condition()) throw new Error(`it ended with ${await run.ended}, not ${sentence}: ${run.err}`)
  return condition()
}

// `kith listen TOPIC --json`, once it is joined.
async function listen (home, topic, more = []) {
  const run = launch(['--home', home, '--json', 'listen', topic, ...more])
  const heard = () => run.out.split('\n').slice(0, -1).map((line) => JSON.parse(line))
  await up(run, () => run.err.includes(`listening on ${topic}`), `kith listen ${topic} has joined`)
  return {
    run,
    heard,
    texts: () => heard().map((message) => message.text),
    first: (count, sentence, ms) =>
      until(() => heard().length >= count && heard(), sentence ?? `${count} heard on ${topic}`, ms),
    async stop () {
      run.child.kill('SIGTERM')
      return await within(run.ended, 'kith listen ends when it is told to')
    }
  }
}

// What a node needs to talk and to run scripts, and nothing more.
const kPlain = '[plugins.tcp]\n[plugins.bootstrap]\n[plugins.gossipsub]\n[plugins.lua]\n'

// startKith(t, {home, sets, port, first}): a node that runs. `sets` are --set values. A home that
// is new gets a plain config; with `first`, the one that the program writes.
export async function startKith (t, options = {}) {
  const { home = freshHome(t), sets = [], port = 0, env, ms = kWaitMs, first = false } = options
  const config = join(home, 'kith.toml')
  if (!first && !existsSync(config)) {
    mkdirSync(home, { recursive: true, mode: 0o700 })
    writeFileSync(config, kPlain)
  }
  const all = [kLoopback.replace('tcp/0', `tcp/${port}`), ...sets]
  const run = launch(['--home', home, '--json', 'run', ...all.flatMap((set) => ['--set', set])],
    { env })
  const facts = JSON.parse(await up(run, () => run.out.includes('\n') && run.out,
    'kith run says that it runs', ms))
  const node = {
    home,
    run,
    facts,
    peerId: facts.peer_id,
    addresses: facts.addresses,
    address: facts.addresses[0],
    port: Number(facts.addresses[0].split('/')[4]),
    cli: (args, options) => kith(['--home', home, ...args], options),
    json: (args, options) => kith(['--home', home, '--json', ...args], options),
    listen: (topic, more) => listen(home, topic, more),
    publish: (topic, text) => good(node.json(['publish', topic, text])),
    status: () => good(node.json(['status'])),
    peers: () => good(node.json(['peers'])),
    topics: () => good(node.json(['topics'])),
    // By the signal that an init system sends; the exit code.
    async stop () {
      run.child.kill('SIGTERM')
      return await within(run.ended, 'the node ends at SIGTERM').catch((error) => {
        run.child.kill('SIGKILL')
        throw error
      })
    }
  }
  // However it was treated, it ends cleanly.
  t.after(async () => {
    const code = run.child.exitCode ?? run.child.signalCode ?? await node.stop()
    if (code !== 0) throw new Error(`the node ended with ${code}: ${run.err}`)
  })
  return node
}

// The JSON of a verb that must succeed.
export async function good (running) {
  const { code, json, stderr } = await running
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`)
  return json
}

// A node relays to those in its mesh and offers to the others, once a second: who comes into the
// mesh between a message and its offer misses it. So wait for the mesh where that matters.
export async function meshed (node, topic, count) {
  await until(async () => (await node.topics()).find((row) => row.topic === topic)?.mesh >= count,
    `${count} peers in the mesh of ${topic}`)
}

// That the node still lives and answers, after whatever was done to it.
export async function stillAnswers (node) {
  const status = await node.status()
  if (status.peer_id !== node.peerId) throw new Error('it answers for another peer')
  return status
}

// SPDX-License-Identifier: MIT
// The program as people and scripts use it: three nodes in a line, every verb, every exit code.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import {
  freshHome, good, kith, kLoopback, launch, meshed, program, startKith, stillAnswers
} from './kith.mjs'
import { never, until, within } from './wait.mjs'

const kTopic = 'room/e2e'
const kStranger = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const kPeerId = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/
const keys = (value) => Object.keys(value).sort()
const has = (value, names) =>
  names.forEach((name) => assert.ok(name in value, `${name} in ${JSON.stringify(value)}`))

// One sentence on stderr, none on stdout: how everything that fails must look.
async function fails (running, code, sentence) {
  const result = await running
  assert.equal(result.code, code, result.stderr)
  assert.equal(result.stdout, '')
  assert.match(result.stderr, sentence)
  assert.match(result.stderr, /^kith: [^\n]+\n$/, 'one sentence')
  return result.stderr
}

async function connected (t, count = 2) {
  const nodes = await Promise.all(Array.from({ length: count }, () => startKith(t)))
  for (let i = 1; i < count; i++) await good(nodes[i].json(['connect', nodes[i - 1].address]))
  return nodes
}

// ---- messages

test('three nodes in a line: what A says, C hears once', async (t) => {
  const [a, b, c] = await connected(t, 3)
  const [atB, atC] = [await b.listen(kTopic), await c.listen(kTopic)]
  await until(async () => (await a.publish(kTopic, 'probe')).peers > 0, 'A knows of B')
  await meshed(b, kTopic, 1)
  const { id, peers } = await a.publish(kTopic, 'over two hops')
  assert.equal(peers, 1)
  await until(() => atC.texts().includes('over two hops'), 'C hears it')
  await never(() => atC.texts().filter((text) => text === 'over two hops').length > 1, 'twice', 300)
  const message = atC.heard().find((one) => one.text === 'over two hops')
  assert.equal(message.from, a.peerId, 'from is the author, not the last hop')
  assert.equal(message.id, id, 'the same name everywhere')
  assert.ok(atB.texts().includes('over two hops'))
  assert.deepEqual((await a.peers()).map((row) => row.peer_id), [b.peerId], 'A knows B only')
})

test('one node alone: listen hears what is published here; 0 peers is a warning', async (t) => {
  const node = await startKith(t)
  const ear = await node.listen(kTopic)
  const { code, json, stderr } = await node.json(['publish', kTopic, 'to myself'])
  assert.equal(code, 0)
  assert.deepEqual(keys(json), ['id', 'peers'])
  assert.equal(json.peers, 0)
  assert.match(stderr, /no peer/)
  const [message] = await ear.first(1)
  assert.equal(message.text, 'to myself')
  assert.equal(message.id, json.id)
})

test('listen ends by count, by time, and by signal, each with its code', async (t) => {
  const node = await startKith(t)
  const two = await node.listen(kTopic, ['--count', '2'])
  for (const text of ['one', 'two', 'three']) await node.publish(kTopic, text)
  assert.equal(await within(two.run.ended, 'listen --count 2 ends'), 0)
  assert.deepEqual(two.texts(), ['one', 'two'])
  const enough = await node.cli(['listen', kTopic, '--timeout', '0.1'])
  assert.equal(enough.code, 0, 'time up, and nothing was counted on')
  const short = await node.cli(['listen', kTopic, '--count', '1', '--timeout', '0.1'])
  assert.equal(short.code, 1)
  assert.match(short.stderr, /heard 0 of 1/)
  const told = await node.listen(kTopic)
  assert.equal(await told.stop(), 0)
  await until(async () => (await node.topics()).every((row) => row.topic !== kTopic ||
    row.joined_by.length === 0), 'nobody is joined any more')
})

test('listen says that it listens; a line a message; patterns name the topic', async (t) => {
  const node = await startKith(t)
  const plain = launch(['--home', node.home, 'listen', kTopic, '--count', '1'])
  await until(() => plain.err.includes(`listening on ${kTopic}, 0 peers`), 'it says so')
  const pattern = launch(['--home', node.home, 'listen', 'room/#', '--count', '1'])
  await until(() => pattern.err.includes('listening on room/#'), 'it says so')
  await node.publish(kTopic, 'hello')
  assert.equal(await within(plain.ended, 'listen ends'), 0)
  assert.equal(await within(pattern.ended, 'listen ends'), 0)
  assert.match(plain.out, /^\.\.\w{6} hello\n$/)
  assert.match(pattern.out, /^room\/e2e \.\.\w{6} hello\n$/)
})

test('publish - sends stdin as one message, byte by byte', async (t) => {
  const node = await startKith(t)
  const ear = await node.listen(kTopic)
  const bytes = Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 7 + (i >> 8)) & 255))
  await good(node.json(['publish', kTopic, '-'], { input: bytes }))
  await good(node.json(['publish', kTopic, '-'], { input: 'text\nof two lines\n' }))
  const [binary, text] = await ear.first(2)
  assert.deepEqual(Buffer.from(binary.data, 'base64'), bytes)
  assert.equal(binary.text, null)
  assert.equal(text.text, 'text\nof two lines\n')
  const large = { input: Buffer.alloc(2 << 20) }
  await fails(node.cli(['publish', kTopic, '-'], large), 1, /at most \d+ bytes/)
})

test('talk between two: what one types, the other reads, and not the own words', async (t) => {
  const nodes = await connected(t)
  const [one, two] = nodes.map((node) => launch(['--home', node.home, 'talk', kTopic]))
  await until(() => [one, two].every((run) => run.err.includes('listening')), 'both have joined')
  await until(async () => (await nodes[0].topics())[0].peers === 1 &&
    (await nodes[1].topics())[0].peers === 1, 'each knows of the other')
  one.child.stdin.write('good day\n')
  await until(() => two.out.includes('good day'), 'two reads it')
  two.child.stdin.write('and to you\n')
  await until(() => one.out.includes('and to you'), 'one reads it')
  for (const run of [one, two]) run.child.stdin.end()
  const codes = within(Promise.all([one.ended, two.ended]), 'talk ends with its input')
  assert.deepEqual(await codes, [0, 0])
  assert.ok(!one.out.includes('good day') && !two.out.includes('and to you'), 'no echo of oneself')
})

test('talk --json: an object a line', async (t) => {
  const node = await startKith(t)
  const talk = launch(['--home', node.home, 'talk', kTopic, '--json'])
  await until(() => talk.err.includes('listening'), 'it has joined')
  for (const text of ['one', 'two']) await node.publish(kTopic, text)
  await until(() => talk.out.split('\n').length === 3, 'both are printed')
  talk.child.stdin.end()
  assert.equal(await within(talk.ended, 'talk ends with its input'), 0)
  const messages = talk.out.trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(messages.map((message) => message.text), ['one', 'two'])
  messages.forEach((message) => has(message, ['topic', 'from', 'text', 'data', 'id', 'seqno']))
})

test('what strangers say cannot drive a terminal', async (t) => {
  const [speaker, hearer] = await connected(t)
  const plain = launch(['--home', hearer.home, 'listen', kTopic, '--count', '1'])
  const json = await hearer.listen(kTopic, ['--count', '1'])
  await until(() => plain.err.includes('listening'), 'joined')
  const evil = '\u001b]0;owned\u0007\u001b[2J\r\n\u009b31m\u007f'
  await until(async () => (await speaker.publish(kTopic, evil)).peers === 1, 'it is sent')
  const codes = within(Promise.all([plain.ended, json.run.ended]), 'both have heard it')
  assert.deepEqual(await codes, [0, 0])
  for (const [name, text] of [['listen', plain.out], ['listen --json', json.run.out]]) {
    assert.equal(text.split('\n').length, 2, `${name}: one line`)
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/, name)
  }
  assert.equal(json.texts()[0], evil, 'escaped, and still the same')
})

// ---- --json, verb by verb

test('run, status, id, stop: what they print as JSON', async (t) => {
  const node = await startKith(t)
  assert.deepEqual(keys(node.facts), ['addresses', 'home', 'peer_id', 'pid'])
  assert.match(node.peerId, kPeerId)
  assert.equal(node.facts.home, node.home)
  assert.equal(node.facts.pid, node.run.child.pid)
  const status = await node.status()
  has(status, ['peer_id', 'addresses', 'plugins', 'apps', 'peers'])
  assert.deepEqual(status.addresses, node.addresses)
  assert.ok(status.addresses.every((text) => text.endsWith(`/p2p/${node.peerId}`)))
  const tcp = status.plugins.find((row) => row.name === 'tcp')
  has(tcp, ['name', 'version', 'state'])
  assert.deepEqual([status.apps, status.peers], [[], []])
  assert.equal((await good(node.json(['id']))).peer_id, node.peerId)
  const { code, json } = await node.json(['stop'])
  assert.equal(code, 0)
  assert.equal(json, null)
  assert.equal(node.run.child.exitCode ?? await within(node.run.ended, 'it is gone'), 0)
})

test('connect, peers, topics, ping, disconnect: what they print as JSON', async (t) => {
  const [a, b] = await Promise.all([startKith(t), startKith(t)])
  assert.deepEqual([await a.peers(), await a.topics()], [[], []], 'empty lists are []')
  const made = await good(a.json(['connect', b.address]))
  assert.equal(made.peer_id, b.peerId)
  const [peer] = await a.peers()
  has(peer, ['peer_id', 'agent', 'address', 'direction'])
  assert.equal(peer.peer_id, b.peerId)
  const ear = await a.listen(kTopic)
  const [topic] = await a.topics()
  assert.deepEqual(keys(topic), ['joined_by', 'mesh', 'peers', 'topic'])
  assert.deepEqual([topic.topic, topic.peers], [kTopic, 0])
  assert.equal(topic.joined_by.length, 1)
  await ear.stop()
  const ping = await good(a.json(['ping', b.peerId]))
  assert.equal(ping.peer_id, b.peerId)
  assert.ok(ping.rtt_us > 0)
  assert.equal((await good(a.json(['disconnect', b.peerId]))).peer_id, b.peerId)
  await until(async () => (await a.peers()).length === 0 && (await b.peers()).length === 0, 'apart')
})

test('plugin, config, app, --version: what they print as JSON', async (t) => {
  const node = await startKith(t)
  const rows = await good(node.json(['plugin', 'list']))
  for (const row of rows) has(row, ['name', 'version', 'state'])
  const echo = rows.find((row) => row.name === 'echo')
  assert.notEqual(echo.state, 'running', 'also what could run')
  const tcp = join(program, '../plugins/tcp.so')
  const facts = await good(node.json(['plugin', 'check', tcp]))
  assert.equal(facts.name, 'tcp')
  has(facts, ['version', 'options'])
  const check = await good(node.json(['config', 'check']))
  assert.equal(check.ok, true)
  assert.deepEqual(check.errors, [])
  const settings = await good(node.json(['config', 'show', '--origin', '--set', 'log.level=warn']))
  const level = settings.find((row) => row.name === 'log.level')
  assert.deepEqual([level.value, level.origin.includes('--set')], ['warn', true])
  assert.deepEqual(await good(node.json(['app', 'list'])), [])
  assert.match((await good(kith(['--version', '--json']))).version, /^\d+\.\d+\.\d+/)
})

test('--home and --json stand before or after the verb', async (t) => {
  const node = await startKith(t)
  for (const args of [['--home', node.home, '--json', 'id'], ['id', '--json', '--home', node.home],
    ['--json', 'id', '--home', node.home]]) {
    assert.equal((await good(kith(args))).peer_id, node.peerId)
  }
  const { stdout } = await kith(['id'], { env: { KITH_HOME: node.home } })
  assert.equal(stdout, node.peerId + '\n')
})

// ---- homes, and their nodes

test('id without a node is that of the node which then runs', async (t) => {
  const home = freshHome(t)
  const { code, stdout } = await kith(['--home', home, 'id'])
  assert.equal(code, 0)
  const node = await startKith(t, { home })
  assert.equal(node.peerId + '\n', stdout)
  assert.equal(statSync(join(home, 'kith.sock')).mode & 0o777, 0o600)
})

test('stop returns when the node is gone: its home can be had again at once', async (t) => {
  const first = await startKith(t)
  assert.equal((await first.cli(['stop'])).code, 0)
  const second = await startKith(t, { home: first.home })
  assert.equal(second.peerId, first.peerId)
})

test('SIGTERM and SIGINT end it cleanly, connected or not', async (t) => {
  const [a, b] = await connected(t)
  await a.listen(kTopic)
  assert.equal(await a.stop(), 0)
  await until(async () => (await b.peers()).length === 0, 'the other has noticed')
  b.run.child.kill('SIGINT')
  assert.equal(await within(b.run.ended, 'it ends at SIGINT'), 0)
})

test('a node that was killed leaves a home that works', async (t) => {
  const home = freshHome(t)
  const args = ['--home', home, '--json', 'run', '--set', kLoopback]
  const killed = launch(args)
  await until(() => killed.out.includes('\n'), 'it runs')
  killed.child.kill('SIGKILL')
  await killed.ended
  await fails(kith(['--home', home, 'status']), 1, /no node runs in/)
  const node = await startKith(t, { home })
  assert.equal(node.peerId, JSON.parse(killed.out).peer_id)
})

test('status --wait: until it answers, or until the time is up', async (t) => {
  const home = freshHome(t)
  const waiting = kith(['--home', home, '--json', 'status', '--wait', '20'], { ms: 25_000 })
  const node = await startKith(t, { home })
  assert.equal((await good(waiting)).peer_id, node.peerId)
  await fails(kith(['--home', freshHome(t), 'status', '--wait', '0.2']), 1, /no node.*0\.2 s/)
})

test('a home whose path is too long for a socket works all the same', async (t) => {
  const home = join(freshHome(t), 'h'.repeat(75), 'i'.repeat(75))
  assert.ok(home.length > 150)
  const node = await startKith(t, { home })
  const ear = await node.listen(kTopic)
  await node.publish(kTopic, 'from afar')
  assert.equal((await ear.first(1))[0].text, 'from afar')
  assert.equal((await node.cli(['stop'])).code, 0)
})

// ---- what goes wrong

test('no node runs: every verb that needs one says so', async (t) => {
  const home = freshHome(t)
  for (const words of [['status'], ['peers'], ['topics'], ['stop'], ['publish', 'a', 'b'],
    ['listen', 'a'], ['talk', 'a'], ['ping', kStranger], ['disconnect', kStranger],
    ['connect', '/ip4/127.0.0.1/tcp/1'], ['plugin', 'list'], ['app', 'list'],
    ['chat', 'say', 'hello']]) {
    const said = await fails(kith(['--home', home, ...words]), 1, /no node runs in .*: kith run/)
    assert.ok(said.includes(home))
  }
})

test('a second run in the same home, and a second one by another name for it', async (t) => {
  const node = await startKith(t)
  const link = join(mkdtempSync(join(tmpdir(), 'kith-link-')), 'link')
  t.after(() => rmSync(join(link, '..'), { recursive: true, force: true }))
  symlinkSync(node.home, link)
  for (const home of [node.home, link]) {
    await fails(kith(['--home', home, 'run', '--set', kLoopback]), 1,
      new RegExp(`already runs.*${node.facts.pid}.*kith stop`))
  }
  await stillAnswers(node)
})

test('a taken port', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await new Promise((resolve) => taken.on('listening', resolve))
  const { port } = taken.address()
  const set = kLoopback.replace('tcp/0', `tcp/${port}`)
  const { code, stderr } = await kith(['--home', freshHome(t), 'run', '--set', set])
  assert.equal(code, 1)
  const said = stderr.split('\n').filter((line) => line.includes('taken'))
  assert.equal(said.length, 1, stderr)
  assert.match(said[0], new RegExp(`^kith: .*port ${port}.*choose another`))
})

test('a wrong multiaddr, a wrong peer id, a wrong command line: exit 2', async (t) => {
  const node = await startKith(t)
  await fails(node.cli(['connect', 'tcp://127.0.0.1:80']), 2, /no multiaddr such as/)
  await fails(node.cli(['connect', '/ip4/300.0.0.1/tcp/1']), 2, /multiaddr/)
  await fails(node.cli(['ping', 'bob']), 2, /no peer id/)
  await fails(node.cli(['connect']), 2, /help/)
  await fails(node.cli(['listen', kTopic, '--count', '0']), 2, /help/)
  await fails(node.cli(['pears']), 2, /did you mean 'peers'/)
  await fails(kith(['--home']), 2, /needs a value/)
  await fails(kith([]), 2, /kith help/)
})

test('an unknown key in the config: line, column, the nearest name, exit 78', async (t) => {
  const home = freshHome(t)
  await good(kith(['--home', home, 'id', '--json']))
  const file = join(home, 'kith.toml')
  const run = ['--home', home, 'run']
  const judged = async (text, sentence) => {
    writeFileSync(file, text)
    await fails(kith(run), 78, sentence)
    await fails(kith(['--home', home, 'config', 'check']), 78, sentence)
  }
  await judged('[plugins.tcp]\n  lisen = []\n', /kith\.toml:2:3: .*'lisen'.*'listen'/)
  await judged('[plugins.tpc]\n', /kith\.toml:1:\d+: .*'tpc'.*'tcp'/)
  await judged('[lgo]\nlevel = "info"\n', /kith\.toml:1:\d+: .*'lgo'.*'log'/)
  await judged('[log]\nlevel = 3\n', /kith\.toml:2:\d+: log\.level/)
  await judged('[log\n', /kith\.toml:1:\d+: /)
  writeFileSync(file, '')
  await fails(kith([...run, '--set', 'plugins.tcp.lisen=[]']), 78, /--set.*'lisen'.*'listen'/)
  const env = { KITH__PLUGINS__TCP__LISEN: '[]' }
  await fails(kith(run, { env }), 78, /KITH__PLUGINS__TCP__LISEN/)
})

test('file, environment, --set: each wins over the one before; the file stays', async (t) => {
  const node = await startKith(t, { first: true })
  const file = join(node.home, 'kith.toml')
  const before = readFileSync(file, 'utf8')
  assert.match(before, /\[plugins\.tcp\]/)
  assert.doesNotMatch(before, /127\.0\.0\.1\/tcp\/0/, 'a --set is never written back')
  const level = async (args, env) => (await good(kith(
    ['--home', node.home, '--json', 'config', 'show', '--origin', ...args], { env })))
    .find((row) => row.name === 'log.level')
  assert.equal((await level([])).origin, 'default')
  writeFileSync(file, before.replace('# level = "info"', 'level = "warn"'))
  assert.equal((await level([])).value, 'warn')
  const env = { KITH__LOG__LEVEL: 'error' }
  assert.equal((await level([], env)).value, 'error')
  assert.equal((await level(['--set', 'log.level=debug'], env)).value, 'debug')
})

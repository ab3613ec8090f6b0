// SPDX-License-Identifier: MIT
// What it is all for: a js-libp2p peer says something, a script on kith answers, the peer hears it.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { bytesOf, hear, kithConnects, makeJs, subscribers } from './js.mjs'
import { freshHome, good, launch, startKith, up } from './kith.mjs'
import { randomBytes } from './raw.mjs'
import { until, within } from './wait.mjs'

const say = (js, topic, text) => js.services.pubsub.publish(topic, bytesOf(text))

// js hears `reply`, and knows that somebody listens on `topic`.
async function ask (t, node, topic, reply) {
  const js = await makeJs(t)
  const ear = hear(js, reply)
  await kithConnects(node, js)
  await until(() => subscribers(js, topic).includes(node.peerId), `js sees the script on ${topic}`)
  return { js, ear }
}

function scriptFile (t, name, text) {
  const folder = join(dirname(freshHome(t, 'kith-script-')), 'scripts')
  mkdirSync(folder)
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

// `kith app run FILE`, once the script is up.
async function runApp (node, file, more = []) {
  const run = launch(['--home', node.home, '--json', 'app', 'run', file, ...more])
  const lines = () => run.out.split('\n').slice(0, -1).map((line) => JSON.parse(line))
  await up(run, () => run.out.includes('"running"'), 'the script is up')
  return { run, lines, texts: () => lines().map((line) => line.text) }
}

test('[apps.echo], the script that ships: a js peer asks, the script answers', async (t) => {
  const node = await startKith(t, { sets: ['apps.echo={topic="ask", reply="told"}'] })
  const status = await node.status()
  assert.deepEqual(status.apps.map(({ name, state }) => ({ name, state })),
    [{ name: 'echo', state: 'running' }])
  const { js, ear } = await ask(t, node, 'ask', 'told')
  for (let i = 0; i < 20; i++) await say(js, 'ask', `word ${i}`)
  await ear.count(20)
  assert.deepEqual(ear.texts(), Array.from({ length: 20 }, (_, i) => `word ${i}`))
  assert.ok(ear.heard.every((message) => message.from.toString() === node.peerId))
})

test('[apps.echo] answers two peers, and bytes that are no text', async (t) => {
  const node = await startKith(t, { sets: ['apps.echo={topic="ask", reply="told"}'] })
  const [ann, bob] = [await ask(t, node, 'ask', 'told'), await ask(t, node, 'ask', 'told')]
  const bytes = randomBytes(1_000)
  await ann.js.services.pubsub.publish('ask', bytes)
  for (const { ear } of [ann, bob]) {
    await ear.count(1)
    assert.deepEqual(Buffer.from(ear.heard[0].data), bytes)
  }
})

test('kith app run FILE: it answers, its log is followed, it goes with who ran it', async (t) => {
  const node = await startKith(t)
  const file = scriptFile(t, 'answer.lua', `
    kith.on("message/ask", function(msg)
      kith.log.info("asked: " .. msg.text)
      kith.publish("told", "re: " .. msg.text)
    end)`)
  const { run, texts } = await runApp(node, file)
  const { js, ear } = await ask(t, node, 'ask', 'told')
  await say(js, 'ask', 'are you there?')
  await ear.has('re: are you there?')
  await until(() => texts().some((text) => text?.includes('asked: are you there?')), 'its log line')
  const [app] = await good(node.json(['app', 'list']))
  assert.equal(app.name, 'answer')
  assert.equal(app.state, 'running')
  run.child.kill('SIGINT')
  assert.equal(await within(run.ended, 'app run ends'), 0)
  await until(async () => (await good(node.json(['app', 'list']))).length === 0, 'it is unloaded')
  await until(() => !subscribers(js, 'ask').includes(node.peerId), 'and the topic is left')
})

test('what kith itself publishes reaches the script, too', async (t) => {
  const node = await startKith(t, { sets: ['apps.echo={topic="ask", reply="told"}'] })
  const ear = await node.listen('told')
  await node.publish('ask', 'alone')
  assert.equal((await ear.first(1))[0].text, 'alone')
})

test('a script that does not load: file, line, exit 1; mended, it runs', async (t) => {
  const node = await startKith(t)
  const file = scriptFile(t, 'broken.lua', 'local fine = 1\n\nlocal not fine\n')
  const { code, stderr } = await node.cli(['app', 'run', file])
  assert.equal(code, 1)
  assert.match(stderr, /^kith: [^\n]*broken\.lua:3:[^\n]*\n$/)
  assert.deepEqual(await good(node.json(['app', 'list'])), [])
  writeFileSync(file, 'local fine = 1\n')
  const { run } = await runApp(node, file)
  assert.equal((await good(node.json(['app', 'list'])))[0].state, 'running')
  run.child.kill('SIGTERM')
  await within(run.ended, 'app run ends')
  const missing = await node.cli(['app', 'run', `${file}.not.lua`])
  assert.equal(missing.code, 1)
})

test('a script in the config that does not load keeps no node from running', async (t) => {
  const file = scriptFile(t, 'broken.lua', 'local fine = 1\n\nlocal not fine\n')
  const node = await startKith(t, { sets: [`apps.broken.file="${file}"`, 'apps.echo={}'] })
  const { apps } = await node.status()
  assert.deepEqual(apps.map((app) => app.name), ['broken', 'echo'])
  assert.match(apps[0].state, /^failed: .*broken\.lua:3:/)
  assert.equal(apps[1].state, 'running')
})

test('a script that errs or never ends does not stop the others', async (t) => {
  const node = await startKith(t, { sets: ['apps.echo={topic="ask", reply="told"}'] })
  const bad = await runApp(node, scriptFile(t, 'bad.lua', `
    kith.on("message/ask", function(msg) error("cannot answer") end)
    kith.on("message/ask", function(msg) while true do end end)`))
  const { js, ear } = await ask(t, node, 'ask', 'told')
  for (const word of ['one', 'two', 'three']) await say(js, 'ask', word)
  await ear.count(3, 20_000)
  assert.deepEqual(ear.texts(), ['one', 'two', 'three'])
  await until(() => bad.texts().some((text) => text?.includes('cannot answer')),
    'the error is in its log')
  bad.run.child.kill('SIGTERM')
  await within(bad.run.ended, 'app run ends')
})

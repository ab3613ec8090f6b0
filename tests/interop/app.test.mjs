// SPDX-License-Identifier: MIT
// What it is all for: a js-libp2p peer says something, a script on kith answers, the peer hears it.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
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

// What a script of ours says of itself, by its command.
const versioned = (version, more = '') => `
kith.command("version", function() return { version = ${version}, rate = kith.config.rate } end)
${more}`
const versionOf = async (node, name) => (await good(node.json([name, 'version']))).version

test('a save loads it anew, a broken one keeps what runs, and no message is lost', async (t) => {
  const node = await startKith(t)
  const hears = (version) => versioned(version, `
    kith.on("message/ask", function(msg) kith.publish("told", "${version} " .. msg.text) end)`)
  const file = scriptFile(t, 'alerts.lua', hears(1))
  const { run, texts } = await runApp(node, file)
  const ear = await node.listen('told')
  let asked = 0
  let asks = true
  const asking = (async () => {
    for (; asks; asked++) await node.publish('ask', String(asked))
  })()
  await ear.first(3)
  writeFileSync(file, hears(2))
  await until(() => texts().includes(`app reloaded file=${file}`), 'it says that it is reloaded')
  assert.equal(await versionOf(node, 'alerts'), 2)
  writeFileSync(file, 'local fine = 1\n\nlocal not fine\n')
  await until(() => texts().some((text) =>
    /^alerts\.lua:3:.*; the version before goes on$/.test(text ?? '')), 'the broken save is named')
  assert.equal(await versionOf(node, 'alerts'), 2)
  writeFileSync(`${file}.swap`, hears(3))
  renameSync(`${file}.swap`, file) // as editors do
  await until(async () => await versionOf(node, 'alerts') === 3, 'the next save is tried')
  asks = false
  await asking
  const heard = (await ear.first(asked)).map(({ text }) => text.split(' '))
  assert.deepEqual(heard.map(([, number]) => Number(number)), heard.map((_, i) => i))
  assert.ok(heard.every(([version], i) => i === 0 || version >= heard[i - 1][0]))
  assert.ok(new Set(heard.map(([version]) => version)).size >= 2)
  run.child.kill('SIGINT')
  assert.equal(await within(run.ended, 'app run ends'), 0)
})

test('app run --set, --name and --detach; app list, reload, logs, stop', async (t) => {
  const node = await startKith(t)
  const file = scriptFile(t, 'plain.lua', versioned(1, 'kith.log.info("loaded")'))
  const sets = ['--set', 'rate=5', '--set', 'deep.words=["a", "b"]']
  const started = await node.json(['app', 'run', file, '--name', 'mine', '--detach', ...sets])
  assert.equal(started.code, 0)
  assert.deepEqual(started.lines.at(-1), { running: 'mine', file })
  assert.deepEqual(await good(node.json(['mine', 'version'])), { version: 1, rate: 5 })
  const [row, ...others] = await good(node.json(['app', 'list']))
  assert.deepEqual(others, [])
  assert.deepEqual([row.name, row.state, row.file], ['mine', 'running', file])
  assert.ok(Math.abs(row.since - Date.now() / 1000) < 60)
  const logs = launch(['--home', node.home, 'app', 'logs', 'mine', '--follow'])
  await up(logs, () => logs.out.includes('info loaded\n'), 'what was logged before is shown')
  writeFileSync(file, versioned(2, 'kith.log.info("loaded anew")'))
  assert.deepEqual(await good(node.json(['app', 'reload', 'mine'])), { name: 'mine', file })
  await until(() => logs.out.includes('info loaded anew\n'), 'and what comes')
  assert.deepEqual(await good(node.json(['mine', 'version'])), { version: 2, rate: 5 })
  const lines = await good(node.json(['app', 'logs', 'mine']))
  assert.deepEqual(lines.map(({ text }) => text).slice(0, 2), ['loaded', 'loaded anew'])
  for (const verb of ['reload', 'stop', 'logs']) {
    const { code, stderr } = await node.cli(['app', verb, 'mein'])
    assert.equal(code, 1)
    assert.match(stderr, /"mein".*"mine"/)
  }
  assert.deepEqual(await good(node.json(['app', 'stop', 'mine'])), { name: 'mine' })
  assert.deepEqual(await good(node.json(['app', 'list'])), [])
  logs.child.kill('SIGINT')
  assert.equal(await within(logs.ended, 'app logs --follow ends'), 0)
})

test('app --help and app VERB --help name all that can be given', async (t) => {
  const node = await startKith(t)
  const all = await node.cli(['app', '--help'])
  assert.equal(all.code, 0)
  for (const verb of ['run FILE', 'list', 'reload NAME', 'stop NAME', 'logs NAME']) {
    assert.ok(all.stdout.includes(`kith app ${verb}`), `${verb} in ${all.stdout}`)
  }
  const { stdout } = await node.cli(['app', 'run', '--help'])
  for (const option of ['--name', '--set', '--detach']) assert.ok(stdout.includes(option), stdout)
})

test('an app of the config comes back when the run in its place ends', async (t) => {
  const kept = scriptFile(t, 'alerts.lua', versioned(1))
  const node = await startKith(t, { sets: [`apps.alerts={file="${kept}", rate=7}`] })
  const { run } = await runApp(node, scriptFile(t, 'alerts.lua', versioned(2)))
  assert.deepEqual(await good(node.json(['alerts', 'version'])), { version: 2, rate: 7 })
  run.child.kill('SIGINT')
  assert.equal(await within(run.ended, 'app run ends'), 0)
  await until(async () => await versionOf(node, 'alerts') === 1, 'it is back')
})

test('SIGHUP: the apps follow the config, the rest is left alone', async (t) => {
  const node = await startKith(t)
  const file = join(node.home, 'kith.toml')
  const before = readFileSync(file, 'utf8')
  const script = scriptFile(t, 'alerts.lua', versioned(1))
  const hang = async (text, sign) => {
    const from = node.run.err.length
    writeFileSync(file, text)
    node.run.child.kill('SIGHUP')
    await until(() => sign.test(node.run.err.slice(from)), `the log says ${sign}`)
  }
  const section = (rate) => `${before}\n[apps.alerts]\nfile = "${script}"\nrate = ${rate}\n`
  await hang(section(1), /config read anew/)
  await until(async () => (await node.json(['alerts', 'version'])).json?.rate === 1, 'it runs')
  const [{ since }] = await good(node.json(['app', 'list']))
  await hang(section(1), /config read anew/)
  assert.equal((await good(node.json(['app', 'list'])))[0].since, since, 'nothing changed')
  await hang(section(2), /config read anew/)
  await until(async () => (await node.json(['alerts', 'version'])).json?.rate === 2, 'reloaded')
  await hang(`${section(3)}oops\n`, /config not taken/)
  await hang(section(2).replace('[plugins.lua]', '[plugins.lua]\nhandler_ms = 99'),
    /\[plugins\.lua\]/)
  assert.deepEqual(await good(node.json(['alerts', 'version'])), { version: 1, rate: 2 })
  await hang(before, /config read anew/)
  await until(async () => (await good(node.json(['app', 'list']))).length === 0, 'and it is gone')
})

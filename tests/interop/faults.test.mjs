// SPDX-License-Identifier: MIT
// What goes wrong on a person's side: scripts, plugins, configs, homes and disks. Each fault has
// its sentence, and whatever else the node does goes on.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { freshHome, good, kith, kLoopback, launch, startKith, up } from './kith.mjs'
import { until, within } from './wait.mjs'

const kTree = new URL('../..', import.meta.url).pathname

function scriptFile (t, name, text) {
  const folder = join(dirname(freshHome(t, 'kith-script-')), 'scripts')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const kBomb = 'local all = {}\nfor i = 1, 1e9 do all[i] = ("x"):rep(1e4) .. i end\n'
// At the top level: where each is, and what is said of it.
const kScripts = {
  syntax: ['local fine = 1\nlocal not fine\n', /syntax\.lua:2:/],
  loops: ['local n = 0\nwhile true do n = n + 1 end\n', /loops\.lua:2:/],
  bomb: [kBomb, /bomb\.lua:2:|memory/],
  errs: ['\n\nerror("cannot go on")\n', /errs\.lua:3: cannot go on/],
  calls: ['kith.on("message/t")\n', /calls\.lua:1:/],
  missing: [undefined, /missing\.lua/]
}

// The fault that a run of the program ends with.
async function refusal (home, more = []) {
  const { code, stderr } = await kith(['--home', home, 'run', '--set', kLoopback, ...more])
  assert.doesNotMatch(stderr, /terminate|Assertion|runtime error/)
  return { code, stderr }
}

const echoes = async (node) => {
  const ear = await node.listen('told')
  await node.publish('ask', 'alone')
  assert.equal((await ear.first(1))[0].text, 'alone')
}
const stateOf = async (node, name) =>
  (await good(node.json(['app', 'list']))).find((app) => app.name === name)?.state

test('scripts that do not load: listed with file and line, all else runs', async (t) => {
  const files = Object.entries(kScripts).map(([name, [text]]) =>
    [name, text ? scriptFile(t, `${name}.lua`, text) : `/nowhere/${name}.lua`])
  const node = await startKith(t, {
    sets: ['apps.echo={topic="ask", reply="told"}',
      ...files.map(([name, file]) => `apps.${name}.file="${file}"`)]
  })
  for (const [name, [, sign]] of Object.entries(kScripts)) {
    const state = await stateOf(node, name)
    assert.match(state, /^failed: /, name)
    assert.match(state, sign)
  }
  assert.equal(await stateOf(node, 'echo'), 'running')
  for (const [name, file] of files) {
    const { code, stderr } = await node.cli(['app', 'run', file, '--name', `my-${name}`])
    assert.equal(code, 1, name)
    assert.match(stderr, kScripts[name][1])
    assert.equal(stderr.split('\n').length, 2, `one line: ${stderr}`)
    assert.equal(await stateOf(node, `my-${name}`), undefined)
  }
  await echoes(node)
})

test('scripts that fail at run time: logged, suspended, stopped', async (t) => {
  const node = await startKith(t, { sets: ['apps.echo={topic="ask", reply="told"}'] })
  const run = async (name, body) => good(node.json(['app', 'run', '--detach',
    scriptFile(t, `${name}.lua`, `kith.on("message/ask", function()\n${body}\nend)\n`)]))
  await run('errs', 'error("cannot answer")')
  await run('loops', 'while true do end')
  await run('bomb', kBomb)
  for (let i = 0; i < 4; i++) await node.publish('ask', 'go')
  await until(async () => (await good(node.json(['app', 'logs', 'errs'])))
    .some(({ text }) => text.includes('errs.lua:2: cannot answer')), 'the error is in its log')
  assert.equal(await stateOf(node, 'errs'), 'running')
  await until(async () => /^suspended: /.test(await stateOf(node, 'loops')), 'it is suspended')
  await until(async () => /^failed: .*memory/.test(await stateOf(node, 'bomb')), 'the bomb is out')
  await echoes(node)
})

// A plugin of somebody's, built here.
function plugin (home, name, source, cpp = false) {
  const folder = join(home, 'plugins')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${name}.so`)
  const from = join(folder, cpp ? `${name}.cpp` : `${name}.c`)
  writeFileSync(from, source)
  execFileSync(cpp ? 'g++' : 'gcc', [...(cpp ? ['-std=c++20'] : []), '-shared', '-fPIC',
    `-I${kTree}/sdk/include`, `-I${kTree}`, from, '-o', file])
  return file
}
const entry = (name, more) => `
#include <kith/kith.h>
static int start(const kith_api* api, kith_host* host, void** me) {
  static struct { const kith_api* api; kith_host* host; } self;
  self.api = api; self.host = host; *me = &self; return 0;
}
static int configure(void* me, kith_bytes options, int commit) {
  struct { const kith_api* api; kith_host* host; }* self = me;
  const char* why = "dish: only cake will do";
  kith_bytes sentence = {(const uint8_t*)why, 23};
  self->api->fail(self->host, sentence);
  return KITH_BAD;
}
static void stop(void* me) {}
KITH_EXPORT const kith_plugin kith_plugin_entry = { .abi = KITH_ABI, .size = sizeof(kith_plugin),
  .name = "${name}", .version = "0", .summary = "", .start = start, .stop = stop, ${more} };
void* unused = configure;
`

test('plugins that cannot be enabled: why, and what to do', async (t) => {
  const home = freshHome(t)
  const wrong = plugin(home, 'wrong', entry('wrong', '.abi = KITH_ABI + 1'))
  writeFileSync(join(home, 'plugins', 'text.so'), 'no library at all\n')
  writeFileSync(join(home, 'kith.toml'), '[plugins.tcp]\n')
  assert.equal((await kith(['--home', home, 'config', 'check'])).code, 0, 'they are only there')
  const faults = {
    wrong: /kith\.toml:1:\d+: plugin 'wrong' cannot be enabled: .*ABI 2, this node 1: build/,
    text: /kith\.toml:1:\d+: plugin 'text' cannot be enabled: .*text\.so/
  }
  for (const [name, sign] of Object.entries(faults)) {
    writeFileSync(join(home, 'kith.toml'), `[plugins.${name}]\n`)
    const { code, stderr } = await refusal(home)
    assert.equal(code, 78)
    assert.match(stderr, sign)
  }
  const { code, stderr } = await kith(['plugin', 'check', wrong])
  assert.equal(code, 1)
  assert.match(stderr, /ABI 2, this node 1/)
})

test('plugins that do not start: the node says which and why, exit 1', async (t) => {
  const home = freshHome(t)
  plugin(home, 'needy', entry('needy', '.needs = "kith.antenna/1"'))
  plugin(home, 'picky', entry('picky', '.configure = configure'))
  plugin(home, 'throwing', `
#include <kith/plugin.h>
struct Throwing : kith::App {
  static constexpr const char* kName = "throwing";
  static constexpr const char* kVersion = "0";
  static constexpr const char* kSummary = "";
  explicit Throwing(kith::Host given) : App(given) {
    throw kith::Fault(kith::Error(KITH_IO, "there is no antenna"));
  }
};
KITH_PLUGIN(Throwing)
`, true)
  const faults = {
    needy: /plugin needy needs kith\.antenna\/1, which no enabled plugin offers/,
    picky: /plugin picky does not accept its options: dish: only cake will do/,
    throwing: /plugin throwing did not start: there is no antenna/
  }
  for (const [name, sign] of Object.entries(faults)) {
    writeFileSync(join(home, 'kith.toml'), `[plugins.tcp]\n[plugins.${name}]\n`)
    const { code, stderr } = await refusal(home)
    assert.equal(code, 1, stderr)
    assert.match(stderr, sign)
  }
})

test('a typo in the config: line, column and what was probably meant, exit 78', async (t) => {
  const home = freshHome(t)
  mkdirSync(home)
  const faults = {
    '[pluggins.tcp]\n': /kith\.toml:1:\d+: unknown key 'pluggins'.*'plugins'/,
    '[plugins.gosipsub]\n': /kith\.toml:1:\d+: unknown plugin 'gosipsub'.*'gossipsub'/,
    '[plugins.tcp]\nlisten_on = []\n': /kith\.toml:2:1: unknown key 'listen_on'.*'listen'/,
    '[apps.Chat]\n': /kith\.toml:1:\d+: 'Chat' is no app name/,
    '[apps.chat]\nfile = 7\n': /kith\.toml:2: apps\.chat\.file: expected a path/,
    '[apps.chat]\nhttp = ["localhost:80"]\n':
      /kith\.toml:2: apps\.chat\.http: "localhost:80" is no origin such as "http:/,
    '[store]\ndurability = "always"\n': /store\.durability: expected sync or interval/
  }
  for (const [text, sign] of Object.entries(faults)) {
    writeFileSync(join(home, 'kith.toml'), text)
    const { code, stderr } = await refusal(home)
    assert.equal(code, 78, text)
    assert.match(stderr, sign)
  }
})

test('a home in use: who has it, and what to do; it is not disturbed', async (t) => {
  const node = await startKith(t)
  const { code, stderr } = await refusal(node.home)
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`already runs in .*pid ${node.run.child.pid}.*kith stop`))
  assert.equal((await node.status()).peer_id, node.peerId)
})

// Flips a bit in the middle of the newest file of that kind; whether there was one.
function damage (folder, ending) {
  const files = readdirSync(folder).filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name)).filter((file) => statSync(file).size > 64)
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  if (files.length === 0) return false
  const bytes = readFileSync(files[0])
  bytes[bytes.length >> 1] ^= 1
  writeFileSync(files[0], bytes)
  return true
}

test('a flipped byte in the store is found, and never shown as a note', async (t) => {
  const node = await startKith(t, { sets: ['apps.notes={}'] })
  const texts = Array.from({ length: 40 }, (_, i) => `note ${i} ${'x'.repeat(100)}`)
  for (const text of texts) await good(node.json(['notes', 'add', text]))
  assert.equal(await node.stop(), 0)
  const store = join(node.home, 'store')
  assert.ok(damage(store, '.log') || damage(store, '.sst'), 'there is a file with the notes')
  const args = ['--home', node.home, '--json', 'run', '--set', kLoopback, '--set', 'apps.notes={}']
  const run = launch(args)
  t.after(() => run.child.kill('SIGKILL'))
  await until(() => run.child.exitCode !== null || run.out.includes('\n'), 'it ends, or runs')
  if (run.child.exitCode !== null) {
    assert.equal(run.child.exitCode, 1)
    assert.match(run.err, /store/)
    assert.match(run.err, /aside/, 'what to do')
    return
  }
  await up(run, () => run.out.includes('\n'), 'it runs')
  const { code, stderr } = await kith(['--home', node.home, '--json', 'notes', 'verify'])
  assert.equal(code, 1, 'verify finds it')
  assert.notEqual(stderr, '')
  const listed = await kith(['--home', node.home, '--json', 'notes', 'list'])
  for (const { text } of listed.json ?? []) assert.ok(texts.includes(text))
  run.child.kill('SIGTERM')
  await within(run.ended, 'it ends')
})

// SPDX-License-Identifier: MIT
// The README, as a newcomer follows it: every shell block is run, in its order, each block as a
// terminal of its own, and says what the text promises.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { freshHome, program } from './kith.mjs'
import { until, within } from './wait.mjs'

const kReadme = new URL('../../README.md', import.meta.url)

const blocks = (language) => [...readFileSync(kReadme, 'utf8')
  .matchAll(new RegExp('^```' + language + '\\n([^]*?)^```$', 'gm'))].map(([, text]) => text)

// One block in a shell, in a folder where ./kith is the program and /tmp is a folder of the test's.
function terminal (t, folder, block) {
  const text = block.replaceAll('/tmp/', `${folder}/`)
  const env = { ...process.env, HOME: folder, XDG_STATE_HOME: '' }
  const child = spawn('sh', ['-euc', text], { cwd: folder, env, detached: true })
  const run = { child, text, out: '', err: '' }
  child.stdout.on('data', (bytes) => { run.out += bytes })
  child.stderr.on('data', (bytes) => { run.err += bytes })
  child.stdin.on('error', () => {})
  run.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
  run.stop = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGTERM')
    await within(run.ended, `it ends: ${text}`)
  }
  t.after(run.stop)
  return run
}

const says = (run, what) =>
  until(() => what.test(run.out + run.err), `${what} in\n${run.text}\n${run.out}${run.err}`)

async function finishes (run) {
  const code = await within(run.ended, `it ends: ${run.text}`)
  assert.equal(code, 0, `${run.text}\n${run.out}${run.err}`)
  return run.out
}

test('every command of the README, in its order', async (t) => {
  const folder = dirname(freshHome(t, 'kith-readme-'))
  mkdirSync(folder, { recursive: true })
  symlinkSync(program, join(folder, 'kith'))
  writeFileSync(join(folder, 'greeter.lua'), blocks('lua')[0])
  const hooked = []
  const receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => { body += bytes })
    request.on('end', () => { hooked.push(JSON.parse(body)); response.end() })
  })
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  t.after(() => { receiver.closeAllConnections(); receiver.close() })
  const port = receiver.address().port
  const shells = blocks('sh').map((text) => text.replace('127.0.0.1:9000', `127.0.0.1:${port}`))
  const next = () => terminal(t, folder, shells.shift())

  // Two commands.
  const first = next()
  await says(first, /\/ip4\/127\.0\.0\.1\/tcp\/\d+/)
  await first.stop()
  rmSync(join(folder, '.local'), { recursive: true })

  // Two terminals chatting.
  const [anna, bert] = [next(), next()]
  for (const node of [anna, bert]) await says(node, /\/ws\/p2p\//)
  const [annaTalks, bertTalks] = [next(), next()]
  for (const talk of [annaTalks, bertTalks]) await says(talk, /listening on chat\/lobby/)
  await until(() => {
    annaTalks.child.stdin.write('hello Bert\n')
    return bertTalks.out.includes('hello Bert')
  }, 'Bert reads Anna')
  bertTalks.child.stdin.write('hello Anna\n')
  await says(annaTalks, /hello Anna/)
  const ear = next()
  await says(ear, /listening/)
  assert.match(await finishes(next()), /good evening/)
  assert.equal(JSON.parse(await finishes(ear)).text, 'good evening')

  // A script that answers.
  const greeter = next()
  await says(greeter, /greeter/)
  bertTalks.child.stdin.write('good morning\n')
  await says(bertTalks, /good morning, \w{6}/)
  await finishes(next())
  await says(bertTalks, /o\//)

  // A hook.
  const carl = next()
  await says(carl, /\/ws\/p2p\//)
  const say = './kith chat say to the hook --home carl' // the terminal stands in the folder
  await finishes(terminal(t, folder, say))
  await until(() => hooked.some(({ text }) => text === 'to the hook'), 'the hook is told')
  assert.match(await finishes(next()), /p2p-hook/)

  // Plugins and config; notes.
  assert.match(await finishes(next()), /gossipsub/)
  const notes = shells.shift().trim().split('\n')
  await finishes(terminal(t, folder, notes.shift()))
  const listed = terminal(t, folder, `until ${notes[0]} | grep fridge; do sleep 0.1; done`)
  assert.match(await finishes(listed), /the milk is in the fridge/)
  assert.match(await finishes(terminal(t, folder, notes[1])), /the milk is in the fridge/)
  assert.match(await finishes(terminal(t, folder, notes[2])), /ok/)
  assert.deepEqual(shells, [], 'every block was run')
})

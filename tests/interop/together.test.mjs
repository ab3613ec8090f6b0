// SPDX-License-Identifier: MIT
// What kith is for, all at once: a line said on one node reaches the others, a script answers, a
// hook fires, a note is chained and outlives a restart; then with a js-libp2p peer in the middle.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { addressOf, kithConnects, makeJs, subscribers } from './js.mjs'
import { freshHome, good, startKith } from './kith.mjs'
import { until } from './wait.mjs'

const kRoom = 'chat/lobby'
const kFirst = { first: true } // in a home as the program makes it

// A real receiver: keeps what it is sent, answers 200.
async function receiver (t) {
  const posts = []
  const server = createServer(async (request, response) => {
    const pieces = []
    for await (const piece of request) pieces.push(piece)
    posts.push({
      url: request.url,
      type: request.headers['content-type'],
      body: JSON.parse(Buffer.concat(pieces))
    })
    response.end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  const url = `http://127.0.0.1:${server.address().port}/p2p-hook`
  return { posts, url, texts: () => posts.map(({ body }) => body.text) }
}

// Ten lines that a newcomer might write.
function greeter (t) {
  const file = join(dirname(freshHome(t, 'kith-greeter-')), 'greeter.lua')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `
kith.on("message/${kRoom}", function(msg)
  if msg.text == "good morning" then
    kith.publish("${kRoom}", "good morning, " .. msg.from:sub(-6))
  end
end)
`)
  return file
}

const noteTexts = async (node) => (await good(node.json(['notes', 'list']))).map(({ text }) => text)
const sees = async (node, count) => {
  const row = async () => (await node.topics()).find(({ topic }) => topic === kRoom)
  await until(async () => (await row())?.peers >= count, `it knows of ${count} in ${kRoom}`)
}

// Said on A; answered by the script on B; heard by all, and by the hook on C.
async function talks ({ a, c, ears, hook }) {
  await good(a.json(['chat', 'say', 'good', 'morning']))
  const answer = `good morning, ${a.peerId.slice(-6)}`
  for (const ear of ears) {
    await until(() => ear.texts().includes('good morning') && ear.texts().includes(answer),
      'the line and its answer are heard')
  }
  await until(() => hook.texts().includes('good morning') && hook.texts().includes(answer),
    'the hook is told of both')
  const post = hook.posts.find(({ body }) => body.text === 'good morning')
  assert.equal(post.url, '/p2p-hook')
  assert.match(post.type, /^application\/json/)
  assert.equal(post.body.from, a.peerId, 'from is the author, not the last hop')
  assert.equal(post.body.topic, kRoom)
  const shown = ears.at(-1).heard().find(({ text }) => text === 'good morning')
  assert.deepEqual(post.body, shown, 'the hook is sent what listen shows')
  const log = await good(c.json(['app', 'logs', 'chat']))
  assert.ok(log.some(({ text }) => text.includes('good morning')), 'the chat shows it')
}

// Added on A, listed and verified on C, also after C has been stopped and started again.
async function chains ({ t, a, c, again }) {
  const first = await good(a.json(['notes', 'add', 'the', 'first', 'note']))
  assert.equal(first.seq, 1)
  const second = await good(a.json(['notes', 'add', 'the second note']))
  assert.equal(second.seq, 2)
  await until(async () => (await noteTexts(c)).length === 2, 'both are on C')
  await good(c.json(['notes', 'add', 'from C']))
  await until(async () => (await noteTexts(a)).length === 3, 'and back on A')
  assert.equal(await c.stop(), 0)
  const back = await startKith(t, { home: c.home, ...again })
  assert.equal(back.peerId, c.peerId)
  const listed = await good(back.json(['notes', 'list']))
  assert.deepEqual(listed.map(({ text }) => text), ['the first note', 'the second note', 'from C'])
  assert.deepEqual(listed.map(({ author }) => author), [a.peerId, a.peerId, c.peerId])
  assert.deepEqual(listed.slice(0, 2).map(({ id }) => id), [first.id, second.id])
  const verdict = await good(back.json(['notes', 'verify']))
  assert.deepEqual(verdict, { ok: true, feeds: 2, entries: 3, problems: [] })
  await good(back.json(['connect', a.address]))
  await good(a.json(['notes', 'add', 'after the restart']))
  await until(async () => (await noteTexts(back)).includes('after the restart'), 'it goes on')
  await good(back.json(['notes', 'add', 'C goes on too']))
  await until(async () => (await noteTexts(a)).includes('C goes on too'), 'in the same feed')
  assert.equal((await good(back.json(['notes', 'verify']))).feeds, 2)
}

test('three nodes: a line, an answer, a hook, notes that outlive a restart', async (t) => {
  const hook = await receiver(t)
  const again = { ...kFirst, sets: [`plugins.hooks.post=[{topic="chat/#", url="${hook.url}"}]`] }
  const [a, b] = [await startKith(t, kFirst), await startKith(t, kFirst)]
  const c = await startKith(t, again)
  await good(b.json(['connect', a.address]))
  await good(c.json(['connect', b.address]))
  await good(b.json(['app', 'run', greeter(t), '--detach']))
  const ears = [await a.listen(kRoom), await b.listen(kRoom), await c.listen(kRoom)]
  await Promise.all([sees(a, 1), sees(b, 2), sees(c, 1)])
  await talks({ a, c, ears, hook })
  await chains({ t, a, c, again })
})

test('the same with a js-libp2p peer in the middle of the mesh', async (t) => {
  const hook = await receiver(t)
  const again = { ...kFirst, sets: [`plugins.hooks.post=[{topic="chat/#", url="${hook.url}"}]`] }
  const [a, b] = [await startKith(t, kFirst), await startKith(t, kFirst)]
  const c = await startKith(t, again)
  const js = await makeJs(t)
  js.services.pubsub.subscribe(kRoom)
  for (const node of [a, b, c]) await kithConnects(node, js)
  await good(b.json(['app', 'run', greeter(t), '--detach']))
  const ears = [await a.listen(kRoom), await b.listen(kRoom), await c.listen(kRoom)]
  await until(() => subscribers(js, kRoom).length === 3, 'js sees all three')
  await Promise.all([sees(a, 1), sees(b, 1), sees(c, 1)])
  assert.ok(addressOf(js))
  await talks({ a, c, ears, hook })
  for (const node of [a, b, c]) {
    assert.deepEqual((await node.peers()).map(({ peer_id: id }) => id), [js.peerId.toString()],
      'all that was heard went through js')
  }
  await good(c.json(['connect', a.address])) // js keeps no ledger
  await chains({ t, a, c, again })
})

// SPDX-License-Identifier: MIT
// Messages that a node posts to receivers of the operator's: plain HTTP servers, as they behave and
// as they do not.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import test from 'node:test'
import { bytesOf, makeJs, meet } from './js.mjs'
import { freshHome, good, kith, startKith } from './kith.mjs'
import { never, until } from './wait.mjs'

// receiver(t, answer): an HTTP server on loopback; `posts` is what it was sent. answer(post, reply)
// ends the reply, else it is 200.
async function receiver (t, answer = (post, reply) => reply.writeHead(200).end('ok'), port = 0) {
  const posts = []
  const server = createServer((request, reply) => {
    let body = ''
    request.on('data', (bytes) => { body += bytes })
    request.on('end', () => {
      posts.push({ request, text: body, body: JSON.parse(body) })
      answer(posts.at(-1), reply, posts.length)
    })
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.after(() => server.closeAllConnections() ?? server.close())
  return {
    posts,
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}/p2p-hook`,
    texts: () => posts.map((post) => post.body.text),
    has: (count, ms) => until(() => posts.length >= count, `${count} posts`, ms),
    stop: () => new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  }
}

const hooked = (...hooks) => [
  `plugins.hooks.post=[${hooks.map(([topic, url]) => `{topic="${topic}", url="${url}"}`).join()}]`
]
const rows = (node) => good(node.json(['hooks', 'list']))

test('what a js peer says is posted as `kith listen --json` prints it', async (t) => {
  const there = await receiver(t)
  const [node, js] = await Promise.all([
    startKith(t, { sets: hooked(['alerts/fire', there.url]) }), makeJs(t)])
  const ear = await node.listen('alerts/fire')
  await meet(js, node, ['alerts/fire'])
  await js.services.pubsub.publish('alerts/fire', bytesOf('hot \u00e4 "\n'))
  await there.has(1)
  const [{ request, body, text }] = there.posts
  assert.equal(body.from, js.peerId.toString())
  assert.equal(body.topic, 'alerts/fire')
  assert.equal(body.text, 'hot \u00e4 "\n')
  await ear.first(1)
  assert.equal(text, ear.run.out.trim())
  assert.equal(request.method, 'POST')
  assert.equal(request.url, '/p2p-hook')
  assert.equal(request.headers['content-type'], 'application/json')
  assert.match(request.headers['user-agent'], /^kith\/\d+\.\d+\.\d+$/)
  await node.publish('alerts/fire', 'my own')
  await there.has(2)
  assert.equal(there.posts[1].body.from, node.peerId)
  assert.equal(request.socket.remotePort, there.posts[1].request.socket.remotePort, 'kept alive')
  const [row] = await rows(node)
  assert.deepEqual([row.delivered, row.waiting, row.last_status], [2, 0, 200])
})

test('500, then 200: again at once, and what comes after waits its turn', async (t) => {
  const there = await receiver(t, (post, reply, count) =>
    reply.writeHead(count === 1 ? 500 : 200).end())
  const node = await startKith(t, { sets: hooked(['t', there.url]) })
  for (const text of ['one', 'two', 'three']) await node.publish('t', text)
  await there.has(4)
  assert.deepEqual(there.texts(), ['one', 'one', 'two', 'three'])
  assert.match(node.run.err, /hook fails, will retry.*answered 500/)
})

test('a slow receiver slows nobody, and is posted to one at a time', async (t) => {
  let open = 0
  let most = 0
  const slow = await receiver(t, (post, reply) => {
    most = Math.max(most, ++open)
    setTimeout(() => { --open; reply.writeHead(204).end() }, 1_000)
  })
  const quick = await receiver(t)
  const node = await startKith(t, { sets: hooked(['t', slow.url], ['t', quick.url]) })
  const ear = await node.listen('t')
  for (const text of ['one', 'two', 'three']) await node.publish('t', text)
  await Promise.all([ear.first(3), quick.has(3)])
  assert.equal(slow.posts.length, 1)
  await slow.has(3)
  assert.deepEqual(slow.texts(), ['one', 'two', 'three'])
  assert.equal(most, 1)
})

test('410 ends a hook, and a redirect is no delivery and is not followed', async (t) => {
  const gone = await receiver(t, (post, reply) => reply.writeHead(410).end())
  const elsewhere = await receiver(t)
  const moved = await receiver(t, (post, reply) =>
    reply.writeHead(307, { location: elsewhere.url }).end())
  const node = await startKith(t, { sets: hooked(['t', gone.url], ['t', moved.url]) })
  await node.publish('t', 'one')
  await Promise.all([gone.has(1), moved.has(2)])
  await node.publish('t', 'two')
  await never(() => gone.posts.length > 1 || elsewhere.posts.length > 0, 'posted to', 500)
  const [first, second] = await rows(node)
  assert.deepEqual([first.last_status, first.dropped, first.waiting], [410, 1, 0])
  assert.deepEqual([second.last_status, second.delivered, second.waiting], [307, 0, 2])
  assert.match(second.last_error, /redirects are not followed/)
  assert.ok(second.next_try > Date.now() / 1_000)
})

test('dead, then back: what waited arrives in order', async (t) => {
  const dead = await receiver(t)
  await dead.stop()
  const node = await startKith(t, { sets: hooked(['t', dead.url]) })
  for (const text of ['one', 'two', 'three']) await node.publish('t', text)
  const row = await until(async () => (await rows(node)).find((each) => each.next_try),
    'the hook waits to try again')
  assert.equal(row.waiting, 3)
  assert.equal(row.last_status, null)
  assert.match(row.last_error, /^http:\/\/127\.0\.0\.1:\d+: /)
  const back = await receiver(t, undefined, dead.port)
  await back.has(3)
  assert.deepEqual(back.texts(), ['one', 'two', 'three'])
  assert.match(node.run.err, /hook delivers again/)
})

test('a config file names hooks, `kith hooks test` tries one, and mistakes are said', async (t) => {
  const there = await receiver(t, (post, reply) => reply.writeHead(202).end())
  const home = freshHome(t)
  const config = (url) => '[plugins.tcp]\n[plugins.gossipsub]\n[[plugins.hooks.post]]\n' +
    `topic = "alerts/#"\n${url} = "${there.url}"\n`
  mkdirSync(home, { recursive: true, mode: 0o700 })
  writeFileSync(join(home, 'kith.toml'), config('ulr'))
  const refused = await kith(['--home', home, 'run'])
  assert.notEqual(refused.code, 0)
  assert.match(refused.stderr, /plugins\.hooks\.post\[1\]\.ulr: unknown key: a hook has topic/)
  writeFileSync(join(home, 'kith.toml'), config('url'))
  const node = await startKith(t, { home })
  assert.match(node.run.err, /pattern matches no joined topic yet/)
  assert.match(node.run.err, /lost when the node stops/)
  const tried = await good(node.json(['hooks', 'test', '1']))
  assert.equal(tried.status, 202)
  assert.equal(there.posts[0].body.topic, 'alerts/#')
  await there.stop()
  const failed = await node.cli(['hooks', 'test', '1'])
  assert.notEqual(failed.code, 0)
  assert.match(failed.stderr, /127\.0\.0\.1:\d+: /)
})

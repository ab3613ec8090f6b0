// SPDX-License-Identifier: MIT
// Messages between js-libp2p and kith, and through kith between js peers that know only it.
import { StrictNoSign } from '@libp2p/gossipsub'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { bytesOf, dial, hear, kithConnects, makeJs, meet, subscribers } from './js.mjs'
import { good, launch, meshed, startKith } from './kith.mjs'
import { randomBytes } from './raw.mjs'
import { never, until, within } from './wait.mjs'

const kTopic = 'room/lobby'
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')
const say = (js, text, topic = kTopic) => js.services.pubsub.publish(topic, bytesOf(text))

test('js publishes, kith listen prints it', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const ear = await node.listen(kTopic)
  await meet(js, node, [kTopic])
  await say(js, 'hello \u00e4 kith')
  const [message] = await ear.first(1)
  for (const name of ['topic', 'from', 'text', 'data', 'id', 'seqno']) assert.ok(name in message)
  assert.equal(message.topic, kTopic)
  assert.equal(message.from, js.peerId.toString())
  assert.equal(message.text, 'hello \u00e4 kith')
  assert.equal(Buffer.from(message.data, 'base64').toString(), 'hello \u00e4 kith')
  assert.match(message.id, /^[0-9a-f]+$/)
  assert.match(message.seqno, /^\d+$/)
  assert.equal(await ear.stop(), 0)
})

test('kith publishes, js hears it once, signed by kith', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const ear = hear(js, kTopic)
  await kithConnects(node, js)
  // connect has waited for the subscriptions: the very next message arrives.
  const { peers } = await node.publish(kTopic, 'hello js')
  assert.equal(peers, 1)
  await ear.has('hello js')
  assert.equal(ear.heard[0].from.toString(), node.peerId)
  assert.equal(ear.heard[0].type, 'signed')
  assert.deepEqual(ear.texts(), ['hello js'])
})

test('two js peers that know only kith hear each other, each message once', async (t) => {
  const [node, ann, bob] = await Promise.all([startKith(t), makeJs(t), makeJs(t)])
  const [atAnn, atBob] = [hear(ann, kTopic), hear(bob, kTopic)]
  const ear = await node.listen(kTopic) // joined: only then does a node relay
  await meet(ann, node, [kTopic])
  await kithConnects(node, bob)
  await meshed(node, kTopic, 2)
  await say(ann, 'from ann')
  await atBob.has('from ann')
  await say(bob, 'from bob')
  await atAnn.has('from bob')
  await node.publish(kTopic, 'from kith')
  await Promise.all([atAnn.has('from kith'), atBob.has('from kith')])
  assert.deepEqual(atAnn.texts(), ['from bob', 'from kith'])
  assert.deepEqual(atBob.texts(), ['from ann', 'from kith'])
  assert.equal(atBob.heard[0].from.toString(), ann.peerId.toString())
  for (const js of [ann, bob]) assert.equal(js.getConnections().length, 1)
  assert.deepEqual((await ear.first(3)).map((message) => message.text),
    ['from ann', 'from bob', 'from kith'])
})

test('an app or a listener that leaves takes the topic with it', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  hear(js, kTopic)
  const ear = await node.listen(kTopic)
  await meet(js, node, [kTopic])
  await ear.stop()
  await until(() => !subscribers(js, kTopic).includes(node.peerId), 'js sees kith leave')
  const rows = await node.topics()
  assert.ok(!rows.some((row) => row.topic === kTopic && row.joined_by.length > 0))
})

test('512 KiB both ways', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const atJs = hear(js, kTopic)
  const ear = await node.listen(kTopic)
  await meet(js, node, [kTopic])
  const [up, down] = [randomBytes(512 * 1024), randomBytes(512 * 1024)]
  await js.services.pubsub.publish(kTopic, up)
  const [message] = await ear.first(1)
  assert.equal(digest(Buffer.from(message.data, 'base64')), digest(up))
  assert.equal(message.text, null)
  await good(node.json(['publish', kTopic, '-'], { input: down }))
  await atJs.count(1)
  assert.equal(digest(atJs.heard[0].data), digest(down))
})

test('1,000 messages of 1 KiB, js to kith and on to another js: each once', async (t) => {
  const [node, ann, bob] = await Promise.all([startKith(t), makeJs(t), makeJs(t)])
  const atBob = hear(bob, kTopic)
  const ear = await node.listen(kTopic)
  await meet(ann, node, [kTopic])
  await meet(bob, node, [kTopic])
  await meshed(node, kTopic, 1)
  const texts = Array.from({ length: 1_000 }, (_, i) => `${i} `.padEnd(1_024, '.'))
  for (const text of texts) await say(ann, text)
  await ear.first(1_000, undefined, 20_000)
  await atBob.count(1_000, 20_000)
  await never(() => atBob.heard.length > 1_000 || ear.heard().length > 1_000, 'one came twice', 300)
  assert.deepEqual(ear.texts().sort(), [...texts].sort())
  assert.deepEqual(atBob.texts().sort(), [...texts].sort())
})

test('1,000 messages of 1 KiB, kith to js: each once', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const ear = hear(js, kTopic)
  await kithConnects(node, js)
  const talk = launch(['--home', node.home, 'talk', kTopic])
  await until(() => talk.err.includes('listening'), 'kith talk has joined')
  const texts = Array.from({ length: 1_000 }, (_, i) => `${i} `.padEnd(1_024, '.'))
  talk.child.stdin.end(texts.join('\n') + '\n')
  await ear.count(1_000, 20_000)
  assert.equal(await within(talk.ended, 'kith talk ends with its input'), 0)
  await never(() => ear.heard.length > 1_000, 'one came twice', 300)
  assert.deepEqual(ear.texts().sort(), [...texts].sort())
})

test('a network where nobody signs', async (t) => {
  const gossip = { globalSignaturePolicy: StrictNoSign }
  const sets = ['plugins.gossipsub.sign="none"']
  const [node, ann, bob] = await Promise.all([
    startKith(t, { sets }), makeJs(t, { gossip }), makeJs(t, { gossip })])
  const [atAnn, atBob] = [hear(ann, kTopic), hear(bob, kTopic)]
  const ear = await node.listen(kTopic)
  await meet(ann, node, [kTopic])
  await meet(bob, node, [kTopic])
  await meshed(node, kTopic, 2)
  await say(ann, 'nobody said this')
  await atBob.has('nobody said this')
  await node.publish(kTopic, 'nor this')
  await Promise.all([atAnn.has('nor this'), atBob.has('nor this')])
  assert.deepEqual(atBob.heard.map((message) => message.type), ['unsigned', 'unsigned'])
  const [message] = await ear.first(1)
  assert.equal(message.from ?? null, null)
  assert.equal(message.seqno ?? null, null)
  // pubsub "Message identification": without an author, what is said is its own name.
  assert.ok(message.id.endsWith(digest(Buffer.from('nobody said this'))), message.id)
})

test('eight js peers around one kith: everybody hears everybody once', async (t) => {
  const eight = Array.from({ length: 8 }, () => makeJs(t))
  const [node, ...peers] = await Promise.all([startKith(t), ...eight])
  const ears = peers.map((js) => hear(js, kTopic))
  await node.listen(kTopic)
  for (const js of peers) await meet(js, node, [kTopic])
  await meshed(node, kTopic, 8)
  for (const [i, js] of peers.entries()) await say(js, `from ${i}`)
  await Promise.all(ears.map((ear) => ear.count(7)))
  await never(() => ears.some((ear) => ear.heard.length > 7), 'one came twice', 300)
  ears.forEach((ear, i) => assert.deepEqual(ear.texts().sort(),
    peers.map((_, j) => `from ${j}`).filter((_, j) => j !== i)))
})

test('kith goes on with the gossip of peers that come and go', async (t) => {
  const [node, stays] = await Promise.all([startKith(t), makeJs(t)])
  const ear = hear(stays, kTopic)
  await node.listen(kTopic)
  await meet(stays, node, [kTopic])
  await meshed(node, kTopic, 1)
  for (let i = 0; i < 5; i++) {
    const comes = await makeJs(t)
    comes.services.pubsub.subscribe(kTopic)
    await meet(comes, node, [kTopic])
    await say(comes, `visit ${i}`)
    await ear.has(`visit ${i}`)
    await comes.stop()
  }
  await dial(stays, node)
  assert.equal((await node.peers()).length, 1)
  await kithConnects(node, stays)
})

// SPDX-License-Identifier: MIT
// What strangers may do to a node without harm: forged messages, and rubbish at every step from the
// socket to the router. After each the node answers, and its friends have noticed nothing.
import assert from 'node:assert/strict'
import net from 'node:net'
import test from 'node:test'
import { bytesOf, dial, hear, idOf, kithConnects, makeJs, meet } from './js.mjs'
import { meshed, startKith, stillAnswers } from './kith.mjs'
import {
  bareMuxer, brokenMuxer, line, makeAuthor, makeGossiper, prefixed, randomBytes, shout, varint,
  yamuxFrame
} from './raw.mjs'
import { until, within } from './wait.mjs'

const kTopic = 'room/hostile'

// A node, and a friend of it that hears what it relays.
async function scene (t, options) {
  const [node, friend] = await Promise.all([startKith(t, options), makeJs(t)])
  const ear = hear(friend, kTopic)
  await node.listen(kTopic)
  await meet(friend, node, [kTopic])
  await meshed(node, kTopic, 1)
  const connection = friend.getConnections()[0]
  const unharmed = async () => {
    await stillAnswers(node)
    assert.equal(connection.status, 'open', 'the friend is still connected')
    assert.ok(await friend.services.ping.ping(idOf(node)) >= 0)
  }
  return { node, friend, ear, unharmed }
}

const kForgeries = {
  'a signature with one bit turned': async (author) => {
    const message = await author.sign(kTopic, 'forged')
    message.signature[7] ^= 1
    return message
  },
  'no signature': async (author) =>
    ({ ...await author.sign(kTopic, 'forged'), signature: undefined }),
  'a signature of nothing': async (author) =>
    ({ ...await author.sign(kTopic, 'forged'), signature: new Uint8Array(0) }),
  'neither author nor signature': async () => ({ topic: kTopic, data: bytesOf('forged') }),
  'other words than were signed': async (author) =>
    ({ ...await author.sign(kTopic, 'honest'), data: bytesOf('forged') }),
  'another topic than was signed': async (author) =>
    ({ ...await author.sign('room/elsewhere', 'forged'), topic: kTopic }),
  'somebody else as its author': async (author, other) =>
    ({ ...await author.sign(kTopic, 'forged'), from: other.from }),
  'somebody else and the own key': async (author, other) =>
    author.sign(kTopic, 'forged', { from: other.from }),
  'a key of somebody else': async (author, other) =>
    ({ ...await author.sign(kTopic, 'forged'), key: other.publicKey }),
  'a key that is none': async (author) =>
    ({ ...await author.sign(kTopic, 'forged'), key: randomBytes(36) }),
  'no seqno': async (author) => author.sign(kTopic, 'forged', { seqno: undefined }),
  'a seqno of seven bytes': async (author) =>
    author.sign(kTopic, 'forged', { seqno: randomBytes(7) })
}

test('forged messages go no further', async (t) => {
  const { node, ear, unharmed } = await scene(t)
  const victim = await makeAuthor()
  const honest = await makeGossiper(t, node)
  await honest.join(kTopic)
  for (const [name, forge] of Object.entries(kForgeries)) {
    await t.test(name, async (t) => {
      const forger = await makeGossiper(t, node) // a new one each, since forgers lose their name
      await forger.join(kTopic)
      forger.send({ messages: [await forge(forger.author, victim)] })
      // The same stream brings what is good, so the forged one has been judged when this is heard.
      forger.send({ messages: [await forger.author.sign(kTopic, `after ${name}`)] })
      await ear.has(`after ${name}`)
      assert.ok(!ear.texts().includes('forged'))
    })
  }
  honest.send({ messages: [await honest.author.sign(kTopic, 'the end')] })
  await ear.has('the end')
  await unharmed()
})

test('who forges again and again is not listened to any more', async (t) => {
  const { node, ear, unharmed } = await scene(t)
  const [forger, honest] = [await makeGossiper(t, node), await makeGossiper(t, node)]
  for (const peer of [forger, honest]) await peer.join(kTopic)
  for (let i = 0; i < 20; i++) {
    const forge = kForgeries['a signature with one bit turned']
    forger.send({ messages: [await forge(forger.author)] })
  }
  forger.send({ messages: [await forger.author.sign(kTopic, 'believe me now')] })
  honest.send({ messages: [await honest.author.sign(kTopic, 'one')] })
  await ear.has('one')
  await kithConnects(node, forger.js) // a round trip of its own
  honest.send({ messages: [await honest.author.sign(kTopic, 'two')] })
  await ear.has('two')
  assert.deepEqual(ear.texts(), ['one', 'two'])
  await unharmed()
})

test('a message goes on once, however often it comes; old numbers are not new', async (t) => {
  const { node, ear, unharmed } = await scene(t)
  const [one, other] = [await makeGossiper(t, node), await makeGossiper(t, node)]
  for (const peer of [one, other]) await peer.join(kTopic)
  const author = await makeAuthor()
  const old = await author.sign(kTopic, 'an old number')
  const fresh = await author.sign(kTopic, 'a new number')
  for (let i = 0; i < 5; i++) one.send({ messages: [fresh, fresh] })
  await ear.has('a new number')
  other.send({ messages: [fresh] })
  const same = await author.sign(kTopic, 'the same number, other words', { seqno: fresh.seqno })
  other.send({ messages: [old, same] })
  other.send({ messages: [await author.sign(kTopic, 'the end')] })
  await ear.has('the end')
  assert.equal(ear.texts().filter((text) => text === 'a new number').length, 1)
  assert.ok(!ear.texts().includes('the same number, other words'))
  await unharmed()
})

const times = (length, make) => Array.from({ length }, (_, i) => make(i))

const kRpcs = {
  'random bytes': () => randomBytes(10_000),
  'a length that never ends': () => Buffer.alloc(64, 0xff),
  'a length of 5 MiB': () => Buffer.concat([varint(5 << 20), randomBytes(65_536)]),
  'a length of 2^60': () => varint(2n ** 60n),
  'frames of rubbish': () => Buffer.concat(times(200, () => prefixed(randomBytes(100)))),
  'empty frames': () => Buffer.alloc(50_000),
  'a field that is longer than its frame': () => prefixed(Buffer.from([0x12, 0x7f, 1, 2, 3])),
  'subscriptions without end': () => prefixed(Buffer.concat(times(20_000, (i) =>
    Buffer.concat([Buffer.from([0x0a]), prefixed(Buffer.concat([
      Buffer.from([0x08, 1, 0x12]), prefixed(Buffer.from(`topic ${i}`))]))]))))
}

for (const [name, make] of Object.entries(kRpcs)) {
  test(`gossip: ${name}`, async (t) => {
    const { node, ear, friend, unharmed } = await scene(t)
    const peer = await makeGossiper(t, node)
    await peer.join(kTopic)
    peer.stream.send(make())
    await friend.services.pubsub.publish(kTopic, bytesOf('all is well'))
    await peer.hears('all is well').catch(() => {}) // it may have been cut off
    const late = await makeGossiper(t, node)
    await late.join(kTopic)
    late.send({ messages: [await late.author.sign(kTopic, 'after it')] })
    await ear.has('after it')
    await unharmed()
  })
}

const header = line('/multistream/1.0.0')
const kSockets = {
  'random bytes': () => [randomBytes(5_000)],
  // 'G' is a length of 71: said in full, or the node waits for the rest until its deadline.
  HTTP: () => [`GET /${'a-page'.repeat(20)} HTTP/1.1\r\nHost: kith\r\n\r\n`],
  'a line that is too long': () => [varint(100_000), randomBytes(100_000)],
  'a length that never ends': () => [Buffer.alloc(64, 0xff)],
  'another multistream': () => [line('/multistream/9.0.0'), line('/noise')],
  'proposals without end': () => [header, ...times(500, (i) => line(`/no/${i}`))],
  'random bytes after /noise': () => [header, line('/noise'), randomBytes(5_000)],
  'an empty handshake message': () => [header, line('/noise'), Buffer.from([0, 0])],
  'a handshake message that is short': () =>
    [header, line('/noise'), Buffer.from([0, 31]), randomBytes(31)],
  'a good first message, then rubbish': () =>
    [header, line('/noise'), Buffer.from([0, 32]), randomBytes(32), Buffer.from([1, 0]),
      randomBytes(256)]
}

test('sockets that talk rubbish are closed', async (t) => {
  const { node, unharmed } = await scene(t)
  for (const [name, make] of Object.entries(kSockets)) {
    await t.test(name, async () => { await shout(node, make()) })
  }
  await unharmed()
})

const yamuxData = (stream, body) => yamuxFrame(0, 0, stream, body.length, { body })
const kBrokenMuxers = {
  'random bytes': () => [randomBytes(50_000)],
  'another version': () => [yamuxFrame(0, 1, 1, 0, { version: 9 })],
  'a type that there is not': () => [yamuxFrame(7, 0, 1, 0)],
  'a stream of our own parity': () => [yamuxFrame(1, 1, 2, 0)],
  'the same stream twice': () => [yamuxFrame(1, 1, 1, 0), yamuxFrame(1, 1, 1, 0)],
  'stream 0': () => [yamuxFrame(0, 1, 0, 4, { body: bytesOf('data') })],
  // Ping echoes until nobody takes its answers, and reads no more from then on.
  'more than the window': () => [yamuxFrame(1, 1, 1, 0), yamuxData(1, header),
    yamuxData(1, line('/ipfs/ping/1.0.0')),
    ...times(50, () => yamuxData(1, randomBytes(64_000)))],
  'a frame of 4 GiB': () => [yamuxFrame(1, 1, 1, 0), yamuxFrame(0, 0, 1, 0xffff_ffff)],
  'a window over 4 GiB': () => [yamuxFrame(1, 1, 1, 0xffff_ffff), yamuxFrame(1, 0, 1, 0xffff_ffff)],
  'an answer to no ping': () => [yamuxFrame(2, 2, 0, 4711)],
  'ten thousand streams': () => times(10_000, (i) => yamuxFrame(1, 1, 2 * i + 1, 0)),
  'ten thousand pings': () => times(10_000, (i) => yamuxFrame(2, 1, 0, i)),
  'a farewell, and then more': () => [yamuxFrame(3, 0, 0, 0), yamuxFrame(1, 1, 1, 0)]
}

// Rude, but not against the rules: refused or answered.
const kSuffered = ['a window over 4 GiB', 'ten thousand streams', 'ten thousand pings']

test('a peer that is proven and then breaks yamux is cut off', async (t) => {
  const { node, unharmed } = await scene(t)
  for (const [name, make] of Object.entries(kBrokenMuxers)) {
    await t.test(name, async (t) => {
      const js = await makeJs(t, { gossip: false, muxer: brokenMuxer(make) })
      await dial(js, node).catch(() => {})
      if (!kSuffered.includes(name)) {
        await until(() => js.getConnections().length === 0, 'kith has closed the connection')
      }
      await unharmed()
    })
  }
})

const kNegotiations = {
  'random bytes': () => [randomBytes(3_000)],
  'a line that is too long': () => [varint(2_000), randomBytes(2_000)],
  'proposals without end': () => [header, ...times(500, (i) => line(`/no/such/${i}`))],
  'a ping of a half': () => [header, line('/ipfs/ping/1.0.0'), randomBytes(16)],
  'a push of rubbish': () => [header, line('/ipfs/id/push/1.0.0'), prefixed(randomBytes(500))],
  'a push that is too long': () =>
    [header, line('/ipfs/id/push/1.0.0'), varint(1 << 20), randomBytes(200_000)],
  'a push of another key': () =>
    [header, line('/ipfs/id/push/1.0.0'), prefixed(Buffer.from([0x0a, 4, 8, 1, 0x12, 0]))],
  'words to identify': () => [header, line('/ipfs/id/1.0.0'), randomBytes(1_000)],
  'gossip without a frame': () => [header, line('/meshsub/1.1.0')]
}

test('streams that never agree on anything', async (t) => {
  const { node, unharmed } = await scene(t)
  for (const [name, make] of Object.entries(kNegotiations)) {
    await t.test(name, async (t) => {
      const muxers = []
      const js = await makeJs(t, { gossip: false, muxer: bareMuxer(muxers) })
      await dial(js, node)
      for (let i = 0; i < 4; i++) {
        const stream = await muxers[0].createStream()
        stream.addEventListener('message', () => {})
        try {
          for (const piece of make()) stream.send(piece)
          if (i % 2) await stream.close()
        } catch { /* the node has had enough of it */ }
      }
      await unharmed()
    })
  }
})

test('a crowd that connects and says nothing', async (t) => {
  const { node, unharmed } = await scene(t)
  const sockets = times(200, () => net.connect(node.port, '127.0.0.1'))
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  await within(Promise.all(sockets.map((socket) => new Promise((resolve) =>
    socket.on('connect', resolve).on('error', resolve)))), 'all sockets are open')
  await unharmed()
  const js = await makeJs(t)
  await dial(js, node) // among them, one who has something to say
  await until(async () => (await node.peers()).length === 2, 'the honest one is known')
  sockets.forEach((socket) => socket.destroy())
  await unharmed()
})

test('a node ends cleanly with strangers half-way in', async (t) => {
  const { node, friend } = await scene(t)
  for (const pieces of [[], [header], [header, line('/noise')]]) {
    const socket = net.connect(node.port, '127.0.0.1').on('error', () => {})
    t.after(() => socket.destroy())
    for (const piece of pieces) socket.write(piece)
  }
  const muxers = []
  const half = await makeJs(t, { gossip: false, muxer: bareMuxer(muxers) })
  await dial(half, node)
  ;(await muxers[0].createStream()).send(header)
  await friend.services.ping.ping(idOf(node))
  assert.equal(await node.stop(), 0)
})

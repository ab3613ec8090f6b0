// SPDX-License-Identifier: MIT
// The same peers over WebSocket: who dials whom, gossip, large streams, and rubbish at every step
// between the socket and the first frame of libp2p.
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import net from 'node:net'
import test from 'node:test'
import {
  addressOf, bytesOf, hear, idOf, kEcho, kithConnects, makeJs, meet, readAll
} from './js.mjs'
import { kWebsocket, meshed, startKith, stillAnswers, webAddressOf } from './kith.mjs'
import { line, randomBytes, shout } from './raw.mjs'
import { until, within } from './wait.mjs'

const kTopic = 'room/web'
const makeWeb = (t, options) =>
  makeJs(t, { transports: [webSockets()], listen: ['/ip4/127.0.0.1/tcp/0/ws'], ...options })
const startWeb = (t, { sets = [] } = {}) => startKith(t, { sets: [kWebsocket, ...sets] })
const dialWeb = (js, node) => js.dial(multiaddr(webAddressOf(node)))
const rowOf = async (node, js) =>
  (await node.peers()).find((row) => row.peer_id === js.peerId.toString())

test('js dials kith: identified, and each pings the other', async (t) => {
  const [node, js] = await Promise.all([startWeb(t), makeWeb(t)])
  const connection = await dialWeb(js, node)
  assert.match(connection.remoteAddr.toString(), /\/ws/)
  const row = await until(async () => {
    const found = await rowOf(node, js)
    return found?.agent && found
  }, 'kith knows the js peer')
  assert.equal(row.direction, 'in')
  assert.match(row.address, /\/ws$/)
  for (let i = 0; i < 3; i++) assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
  const { code, stderr } = await node.json(['ping', js.peerId.toString()])
  assert.equal(code, 0, stderr)
})

test('kith dials js, and lets go of it', async (t) => {
  const [node, js] = await Promise.all([startWeb(t), makeWeb(t)])
  await kithConnects(node, js)
  assert.equal(js.getConnections(idOf(node))[0].direction, 'inbound')
  assert.match((await rowOf(node, js)).address, /\/ws$/)
  assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
  await node.cli(['disconnect', js.peerId.toString()])
  await until(() => js.getConnections().length === 0, 'js has no connection any more')
})

test('gossip both ways, and through kith to a peer that has only tcp', async (t) => {
  const [node, web, tcp] = await Promise.all([startWeb(t), makeWeb(t), makeJs(t)])
  const [atWeb, atTcp] = [hear(web, kTopic), hear(tcp, kTopic)]
  const ear = await node.listen(kTopic)
  await kithConnects(node, web)
  await meet(tcp, node, [kTopic])
  await meshed(node, kTopic, 2)
  await web.services.pubsub.publish(kTopic, bytesOf('from the web'))
  await Promise.all([atTcp.has('from the web'), ear.first(1)])
  await tcp.services.pubsub.publish(kTopic, bytesOf('from tcp'))
  await node.publish(kTopic, 'from kith')
  await Promise.all([atWeb.has('from tcp'), atWeb.has('from kith')])
})

for (const [who, connect] of [['js', dialWeb], ['kith', (js, node) => kithConnects(node, js)]]) {
  test(`16 MiB come back intact; ${who} has dialed`, async (t) => {
    const [node, js] = await Promise.all([startWeb(t, { sets: ['plugins.echo={}'] }), makeWeb(t)])
    await connect(js, node)
    const stream = await js.getConnections()[0].newStream(kEcho)
    const bytes = randomBytes(16 << 20)
    const all = readAll(stream)
    for (let at = 0; at < bytes.length; at += 65_536) {
      if (!stream.send(bytes.subarray(at, at + 65_536))) await stream.onDrain()
    }
    await stream.close()
    const digest = (data) => createHash('sha256').update(data).digest('hex')
    assert.equal(digest(await within(all, 'the echo ends', 30_000)), digest(bytes))
  })
}

test('an address with TLS is refused with a sentence', async (t) => {
  const [node, js] = await Promise.all([startWeb(t), makeWeb(t)])
  const secure = addressOf(js).replace('/ws', '/tls/ws')
  const { code, stderr } = await node.cli(['connect', secure])
  assert.equal(code, 1)
  assert.match(stderr, /^kith: [^\n]*\/tcp\/tls\/ws[^\n]*\n$/)
})

test('who opens it in a browser reads why there is nothing to see', async (t) => {
  const node = await startWeb(t)
  const port = webAddressOf(node).split('/')[4]
  const reply = await fetch(`http://127.0.0.1:${port}/`)
  assert.equal(reply.status, 426)
  assert.match(await reply.text(), /js-libp2p can dial/)
})

// RFC 6455 "Base Framing Protocol"; length: said in 64 bits, whatever the body is.
function frame (first, body, { mask = true, length } = {}) {
  const size = length === undefined ? Buffer.from([body.length]) : Buffer.alloc(9)
  if (length !== undefined) {
    size[0] = 127
    size.writeBigUInt64BE(length, 1)
  }
  if (mask) size[0] |= 0x80
  return Buffer.concat([Buffer.from([first]), size, Buffer.alloc(mask ? 4 : 0), Buffer.from(body)])
}

const kHello = 'GET / HTTP/1.1\r\nHost: kith\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
const kTexts = {
  'half a head': [[kHello.slice(0, 60)], /^$/],
  'a head that never ends': [['GET / HTTP/1.1\r\n', `X: ${'x'.repeat(20_000)}`], /^HTTP\/1.1 431 /],
  'random bytes': [[Buffer.from([7]), randomBytes(5_000)], /^HTTP\/1.1 400 /],
  'another version': [[kHello.replace(': 13', ': 8')], /^HTTP\/1.1 426 /],
  'a POST': [[kHello.replace('GET', 'POST')], /^HTTP\/1.1 400 /],
  'libp2p without a WebSocket': [[line('/multistream/1.0.0'), line('/noise')], /^HTTP\/1.1 400 /]
}
// The code of the close frame that answers them; none where libp2p is broken, not WebSocket.
const kFrames = {
  'an unmasked frame': [frame(0x82, 'hello', { mask: false }), 1002],
  text: [frame(0x81, 'hello'), 1003],
  'a length of 2^63': [frame(0x82, '', { length: 2n ** 63n }), 1002],
  'a frame of 1 GiB': [frame(0x82, '', { length: 2n ** 30n }), 1009],
  'a ping of 200 bytes': [frame(0x89, randomBytes(200), { length: 200n }), 1002],
  'a fragment without a start': [frame(0x80, 'hello'), 1002],
  'fragments without an end': [[frame(0x02, ''), ...Array(5_000).fill(frame(0x00, ''))]],
  'pings without an end': [Array(5_000).fill(frame(0x89, 'ping'))],
  'random frames of libp2p': [frame(0x82, randomBytes(100))]
}

test('sockets that talk rubbish are closed, and the others notice nothing', async (t) => {
  const [node, friend] = await Promise.all([startWeb(t), makeWeb(t)])
  await dialWeb(friend, node)
  const door = { port: Number(webAddressOf(node).split('/')[4]) }
  const plays = Object.entries(kTexts).map(async ([name, [pieces, answer]]) => {
    assert.match(String(await shout(door, pieces)), answer, name)
  })
  for (const [name, [frames, code]] of Object.entries(kFrames)) {
    plays.push((async () => {
      const said = await shout(door, [kHello, ...[frames].flat()])
      assert.match(String(said), /^HTTP\/1.1 101 /, name)
      if (code === undefined) return
      const close = said.subarray(-4)
      assert.deepEqual([close[0], close[1], close.readUInt16BE(2)], [0x88, 2, code], name)
    })())
  }
  await Promise.all(plays)
  await stillAnswers(node)
  assert.ok(await friend.services.ping.ping(idOf(node)) >= 0)
  await dialWeb(await makeWeb(t), node)
})

test('a node ends cleanly with strangers half-way in', async (t) => {
  const node = await startWeb(t)
  const port = Number(webAddressOf(node).split('/')[4])
  const half = frame(0x82, 'hello').subarray(0, 4)
  for (const pieces of [[], ['GET / HT'], [kHello], [kHello, half]]) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {})
    t.after(() => socket.destroy())
    for (const piece of pieces) socket.write(piece)
  }
  await stillAnswers(node)
  assert.equal(await node.stop(), 0)
})

// SPDX-License-Identifier: MIT
// Meeting a js-libp2p peer: who dials whom, who is who, what each says of itself.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { addressOf, dial, idOf, kithConnects, lateMuxerNoise, makeJs } from './js.mjs'
import { startKith, stillAnswers } from './kith.mjs'
import { until, within } from './wait.mjs'

const stranger = async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
const rowOf = async (node, js) =>
  (await node.peers()).find((row) => row.peer_id === js.peerId.toString())
const metBy = (node, js) =>
  until(() => rowOf(node, js).then((row) => row?.agent && row), 'kith knows the js peer')

test('js dials kith', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const connection = await dial(js, node)
  assert.equal(connection.remotePeer.toString(), node.peerId)
  assert.equal(connection.multiplexer, '/yamux/1.0.0')
  const row = await metBy(node, js)
  assert.equal(row.direction, 'in')
  assert.match(row.agent, /^js-libp2p\//)
})

test('kith dials js, and says so when it is done', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const { code, json, stderr } = await node.json(['connect', addressOf(js)])
  assert.equal(code, 0, stderr)
  assert.equal(json.peer_id, js.peerId.toString())
  assert.equal(js.getConnections(idOf(node))[0].direction, 'inbound')
  const row = await rowOf(node, js)
  assert.equal(row.direction, 'out')
  assert.equal(row.kept, true)
})

test('another peer than the address names is refused by both', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const wrong = (address, name) => address.replace(/[^/]+$/, name)
  const nobody = wrong(addressOf(js), await stranger())
  const { code, stdout, stderr } = await node.cli(['connect', nobody])
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^kith: [^\n]+\n$/, 'one sentence')
  await assert.rejects(js.dial(multiaddr(wrong(node.address, await stranger()))))
  assert.deepEqual(await node.peers(), [])
  assert.equal(js.getConnections().length, 0)
})

test('nobody there: one sentence, exit 1', async (t) => {
  const node = await startKith(t)
  const nobody = `/ip4/127.0.0.1/tcp/1/p2p/${await stranger()}`
  const { code, stderr } = await node.cli(['connect', nobody])
  assert.equal(code, 1)
  assert.match(stderr, /^kith: [^\n]+\n$/)
})

test('what kith says of itself stands in the peer store of js', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const heard = once(js, 'peer:identify')
  const connection = await dial(js, node)
  const [{ detail }] = await within(heard, 'js has identified kith')
  assert.match(detail.agentVersion, /^kith\/\d/)
  assert.ok(detail.protocolVersion)
  for (const protocol of ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0',
    '/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0']) {
    assert.ok(detail.protocols.includes(protocol), `${protocol} in ${detail.protocols}`)
  }
  // As kith sees it: the local end of the socket, not an address that js listens on.
  assert.match(detail.observedAddr.toString(), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+/)
  const bare = node.address.replace(/\/p2p\/.*/, '')
  assert.deepEqual(detail.listenAddrs.map(String).filter((text) => text === bare), [bare])
  assert.ok(detail.signedPeerRecord, 'a signed record, and js has accepted it')
  const known = await js.peerStore.get(connection.remotePeer)
  assert.ok(known.peerRecordEnvelope)
  const certified = known.addresses.filter((one) => one.isCertified)
    .map((one) => String(one.multiaddr))
  assert.ok(certified.includes(bare), `${certified}`)
})

test('what js says of itself, kith knows; and what it says later', async (t) => {
  const agent = 'js-libp2p/0.0.0 somebody'
  const [node, js] = await Promise.all([startKith(t), makeJs(t, { agent })])
  await dial(js, node)
  assert.match((await metBy(node, js)).agent, /somebody/)
  await js.handle('/new/1.0.0', () => {}) // js pushes its protocols about a second later
  await kithConnects(node, js)
  await stillAnswers(node)
})

test('ping both ways', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  await dial(js, node)
  await metBy(node, js)
  for (let i = 0; i < 3; i++) assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
  for (let i = 0; i < 3; i++) {
    const { code, json, stderr } = await node.json(['ping', js.peerId.toString()])
    assert.equal(code, 0, stderr)
    assert.ok(json.rtt_us > 0)
  }
  const { code, stderr } = await node.cli(['ping', await stranger()])
  assert.equal(code, 1)
  assert.match(stderr, /not connected.*kith connect/)
})

test('yamux agreed on late, without the extension of Noise: js dials', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t, { encrypter: lateMuxerNoise })])
  await dial(js, node)
  await metBy(node, js)
  assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
})

test('yamux agreed on late, without the extension of Noise: kith dials', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t, { encrypter: lateMuxerNoise })])
  await kithConnects(node, js)
  assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
})

for (const type of ['secp256k1', 'RSA']) {
  test(`a peer with a ${type} key`, async (t) => {
    const key = type === 'RSA' ? await generateKeyPair(type, 2048) : await generateKeyPair(type)
    const [node, js] = await Promise.all([startKith(t), makeJs(t, { key })])
    await kithConnects(node, js)
    assert.ok(await rowOf(node, js))
    assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
  })
}

test('a protocol that kith does not have is refused with na, and no more', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  const connection = await dial(js, node)
  for (let i = 0; i < 3; i++) {
    await assert.rejects(connection.newStream('/no/such/1.0.0'),
      { name: 'UnsupportedProtocolError' })
  }
  // The proposals go on over the same stream until one is had.
  const stream = await connection.newStream(['/no/such/1.0.0', '/nor/this', '/ipfs/ping/1.0.0'])
  assert.equal(stream.protocol, '/ipfs/ping/1.0.0')
  stream.abort(new Error('enough'))
  assert.equal(connection.status, 'open')
  assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
})

test('disconnect ends it, and js sees it end', async (t) => {
  const [node, js] = await Promise.all([startKith(t), makeJs(t)])
  await kithConnects(node, js)
  const { code, stderr } = await node.cli(['disconnect', js.peerId.toString()])
  assert.equal(code, 0, stderr)
  await until(() => js.getConnections().length === 0, 'js has no connection any more')
  assert.deepEqual(await node.peers(), [])
})

test('kith restarts in its home: the same peer, and js comes back by itself', async (t) => {
  const js = await makeJs(t)
  const before = await startKith(t)
  await dial(js, before)
  await js.peerStore.merge(idOf(before), { tags: { 'keep-alive-kith': { value: 1 } } })
  assert.equal(await before.stop(), 0)
  await until(() => js.getConnections().length === 0, 'js sees that kith is gone')
  const after = await startKith(t, { home: before.home, port: before.port })
  assert.equal(after.peerId, before.peerId)
  await until(() => rowOf(after, js), 'js is connected again')
})

test('js restarts: kith comes back by itself to whom it was told to know', async (t) => {
  const [node, before] = await Promise.all([startKith(t), makeJs(t)])
  await kithConnects(node, before)
  const listen = [addressOf(before).replace(/\/p2p\/.*/, '')]
  await before.stop()
  const after = await makeJs(t, { key: before.privateKey, listen })
  await until(() => after.getConnections(idOf(node)).length > 0, 'kith has dialled again')
})

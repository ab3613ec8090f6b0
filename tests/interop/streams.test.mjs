// SPDX-License-Identifier: MIT
// Many streams, large ones, slow ones: yamux of js-libp2p against kith's, over /echo/1.0.0.
import { noise } from '@chainsafe/libp2p-noise'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { bytesOf, dial, idOf, kEcho, lateMuxerNoise, makeJs, readAll } from './js.mjs'
import { startKith } from './kith.mjs'
import { randomBytes } from './raw.mjs'
import { within } from './wait.mjs'

const kMiB = 1 << 20
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')
const open = (connection) => connection.newStream(kEcho, { maxOutboundStreams: 2_000 })

async function echoPair (t, options) {
  const [node, js] = await Promise.all([
    startKith(t, { sets: ['plugins.echo={}'] }), makeJs(t, options)])
  return { node, js, connection: await dial(js, node) }
}

// All of it in, then FIN; what comes back until the other side's FIN.
async function echoed (stream, bytes, pieceBytes = 64 * 1024) {
  const all = readAll(stream)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (!stream.send(bytes.subarray(at, at + pieceBytes))) await stream.onDrain()
  }
  await stream.close()
  return await within(all, 'the echo ends after our FIN', 30_000)
}

test('hundreds of streams at once, each with its own words', async (t) => {
  const { js, connection, node } = await echoPair(t)
  const streams = await Promise.all(Array.from({ length: 500 }, () => open(connection)))
  const words = streams.map((_, i) => `stream ${i}`)
  const answers = await Promise.all(streams.map((stream, i) => echoed(stream, bytesOf(words[i]))))
  assert.deepEqual(answers.map(String), words)
  // Nothing is left of them, neither here nor there.
  const row = (await node.peers()).find((peer) => peer.peer_id === js.peerId.toString())
  assert.ok(row.streams < 20, `${row.streams} streams are left`)
})

test('a thousand streams, one after another in the same connection', async (t) => {
  const { connection } = await echoPair(t)
  for (let i = 0; i < 1_000; i += 50) {
    await Promise.all(Array.from({ length: 50 }, async (_, j) => {
      const text = `turn ${i + j}`
      assert.equal(String(await echoed(await open(connection), bytesOf(text))), text)
    }))
  }
})

for (const [name, encrypter] of [['early', noise()], ['late', lateMuxerNoise]]) {
  test(`4 MiB come back intact, and end where they end; muxer agreed on ${name}`, async (t) => {
    const { connection } = await echoPair(t, { encrypter })
    const bytes = randomBytes(4 * kMiB)
    const answer = await echoed(await open(connection), bytes)
    assert.equal(answer.length, bytes.length)
    assert.equal(digest(answer), digest(bytes))
  })
}

test('a FIN without a byte is answered by a FIN', async (t) => {
  const { connection } = await echoPair(t)
  assert.equal((await echoed(await open(connection), new Uint8Array(0))).length, 0)
})

test('one byte at a time, and odd sizes around every limit', async (t) => {
  const { connection } = await echoPair(t)
  assert.equal(String(await echoed(await open(connection), bytesOf('a word, letter by letter'), 1)),
    'a word, letter by letter')
  for (const size of [1, 65_507, 65_508, 65_535, 65_536, 262_143, 262_144, 262_145]) {
    const bytes = randomBytes(size)
    const answer = await echoed(await open(connection), bytes, size)
    assert.equal(digest(answer), digest(bytes), `${size}`)
  }
})

test('a reader that does not read holds up its own stream only', async (t) => {
  const { js, node, connection } = await echoPair(t)
  const slow = await open(connection)
  const bytes = randomBytes(2 * kMiB)
  const parts = []
  slow.addEventListener('message', ({ data }) => parts.push(data.subarray()))
  slow.pause()
  const ended = new Promise((resolve) => slow.addEventListener('remoteCloseWrite', resolve))
  for (let at = 0; at < bytes.length; at += 65_536) slow.send(bytes.subarray(at, at + 65_536))
  assert.equal(String(await echoed(await open(connection), bytesOf('meanwhile'))), 'meanwhile')
  assert.ok(await js.services.ping.ping(idOf(node)) >= 0)
  slow.resume()
  const closing = slow.close()
  await within(ended, 'the slow stream ends', 30_000)
  await closing
  assert.equal(digest(Buffer.concat(parts)), digest(bytes))
})

test('a stream that js resets does no harm to the others', async (t) => {
  const { connection } = await echoPair(t)
  const [one, other] = [await open(connection), await open(connection)]
  one.send(randomBytes(100_000))
  one.abort(new Error('changed my mind'))
  assert.equal(String(await echoed(other, bytesOf('still here'))), 'still here')
})

// SPDX-License-Identifier: MIT
// The wire by hand, for what a well-behaved library would never send or does not show: gossip RPCs
// one by one, sockets that talk rubbish, a muxer that breaks its own frames.
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { RPC } from '@libp2p/gossipsub/message'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { yamux } from '@libp2p/yamux'
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { dial, makeJs } from './js.mjs'
import { until, within } from './wait.mjs'

export { randomBytes }

export function varint (value) {
  const bytes = []
  let left = BigInt(value)
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Buffer.from([...bytes, Number(left)])
}

export const prefixed = (bytes) => Buffer.concat([varint(bytes.length), bytes])
export const line = (text) => prefixed(Buffer.from(text + '\n')) // multistream-select

// Cuts what comes in pieces into frames with a varint in front.
export function cutFrames (each) {
  let held = Buffer.alloc(0)
  return (piece) => {
    held = Buffer.concat([held, piece.subarray()])
    for (;;) {
      const end = held.findIndex((byte) => byte < 128)
      if (end < 0) return
      const size = held.subarray(0, end + 1).reduce((n, byte, i) => n + (byte & 127) * 128 ** i, 0)
      if (held.length < end + 1 + size) return
      each(held.subarray(end + 1, end + 1 + size))
      held = held.subarray(end + 1 + size)
    }
  }
}

// An author, and messages as it signs them (or as somebody forges them).
export async function makeAuthor (key) {
  key ??= await generateKeyPair('Ed25519')
  const peerId = peerIdFromPrivateKey(key)
  const author = {
    key,
    peerId,
    from: peerId.toMultihash().bytes,
    publicKey: publicKeyToProtobuf(key.publicKey),
    seqno: BigInt(Date.now()) * 1_000_000n,
    // spec: pubsub/README "Message Signing"
    async sign (topic, text, fields = {}) {
      const seqno = Buffer.alloc(8)
      seqno.writeBigUInt64BE(++author.seqno)
      const message = { from: author.from, data: Buffer.from(text), seqno, topic, ...fields }
      const bytes = Buffer.concat([Buffer.from('libp2p-pubsub:'), RPC.Message.encode(message)])
      return { ...message, signature: await key.sign(bytes), key: author.publicKey }
    }
  }
  return author
}

export const specId = (message) => Buffer.concat([message.from, message.seqno])
export const jsId = (message) => Buffer.concat([message.key, message.seqno])
export const rustId = (message, peer) =>
  Buffer.from(peer.toString() + Buffer.from(message.seqno).readBigUInt64BE())

// A peer that speaks gossip by hand: every RPC that comes is kept, none is answered by itself.
// `agent` is what it calls itself; `protocols` are the forms of gossip that it has.
export async function makeGossiper (t, node, options = {}) {
  const { agent, protocols = ['/meshsub/1.2.0', '/meshsub/1.1.0'], key } = options
  const js = await makeJs(t, { gossip: false, key, agent })
  const peer = { js, rpcs: [], author: await makeAuthor(js.privateKey), peerId: js.peerId }
  const take = (bytes) => peer.rpcs.push(RPC.decode(bytes))
  await js.handle(protocols, (stream) => {
    peer.protocol = stream.protocol
    const cut = cutFrames(take)
    stream.addEventListener('message', ({ data }) => cut(data))
  }, { maxInboundStreams: 8 })
  peer.connection = await dial(js, node)
  peer.stream = await peer.connection.newStream(protocols)
  peer.send = (rpc) => peer.stream.send(prefixed(RPC.encode({
    subscriptions: [],
    messages: [],
    ...rpc,
    control: rpc.control &&
      { ihave: [], iwant: [], graft: [], prune: [], idontwant: [], ...rpc.control }
  })))
  peer.messages = () => peer.rpcs.flatMap((rpc) => rpc.messages)
  peer.texts = () => peer.messages().map((message) => Buffer.from(message.data).toString())
  peer.control = (kind) => peer.rpcs.flatMap((rpc) => rpc.control?.[kind] ?? [])
  peer.ids = (kind) =>
    peer.control(kind).flatMap((row) => row.messageIDs).map((id) => Buffer.from(id).toString('hex'))
  peer.hears = (text) => until(() => peer.texts().includes(text), `the gossiper hears '${text}'`)
  // Subscribed, and kith has said that it is, too.
  peer.join = async (topic) => {
    peer.send({ subscriptions: [{ subscribe: true, topic }] })
    await until(() => peer.rpcs.some((rpc) => rpc.subscriptions.some((row) =>
      row.topic === topic && row.subscribe)), `kith says that it is on ${topic}`)
  }
  // Out of the mesh, so that it is gossiped to.
  peer.refuseMesh = async (topic) => {
    await until(() => peer.control('graft').some((row) => row.topicID === topic), 'kith grafts it')
    peer.send({ control: { prune: [{ topicID: topic, peers: [], backoff: 60 }] } })
  }
  peer.joinMesh = (topic) => peer.send({ control: { graft: [{ topicID: topic }] } })
  return peer
}

// A muxer under the name of yamux that writes what it is told to on a connection that is proven:
// {factory, wrote}. `make` gives the bytes.
export function brokenMuxer (make) {
  return () => ({
    protocol: '/yamux/1.0.0',
    createStreamMuxer (connection) {
      const muxer = Object.assign(new EventTarget(), {
        protocol: '/yamux/1.0.0', streams: [], status: 'open'
      })
      connection.addEventListener('message', () => {})
      for (const bytes of make()) connection.send(bytes)
      const end = () => { muxer.status = 'closed' }
      muxer.close = async () => end()
      muxer.abort = end
      muxer.createStream = async () => { throw new Error('this muxer has no streams') }
      return muxer
    }
  })
}

// Yamux that also gives its bare streams away, before any protocol is agreed on.
export function bareMuxer (made) {
  return (components) => {
    const inner = yamux()(components)
    return {
      protocol: inner.protocol,
      createStreamMuxer: (connection) => {
        const muxer = inner.createStreamMuxer(connection)
        made.push(muxer)
        return muxer
      }
    }
  }
}

// spec: yamux "Header"
export function yamuxFrame (type, flags, stream, length, { version = 0, body = [] } = {}) {
  const header = Buffer.alloc(12)
  header.writeUInt8(version, 0)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(stream, 4)
  header.writeUInt32BE(length, 8)
  return Buffer.concat([header, Buffer.from(body)])
}

// A bare TCP connection that writes these pieces; resolves to what came back once the other side
// has closed it.
export async function shout (node, pieces, ms = 20_000) {
  const socket = net.connect(node.port, '127.0.0.1')
  const answer = []
  socket.on('data', (bytes) => answer.push(bytes)).on('error', () => {})
  const gone = new Promise((resolve) => socket.on('close', resolve))
  for (const piece of pieces) socket.write(piece)
  await within(gone, 'kith closes a socket that talks rubbish', ms).finally(() => socket.destroy())
  return Buffer.concat(answer)
}

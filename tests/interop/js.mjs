// SPDX-License-Identifier: MIT
// js-libp2p peers as tests need them: on loopback, with the limits off that would count all of one
// machine as one stranger.
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { until } from './wait.mjs'

export const kEcho = '/echo/1.0.0'

// The spec's message id, author || seqno, where js-libp2p by default puts the author's key.
export function specMessageId (message) {
  const id = new Uint8Array(message.from.toMultihash().bytes.length + 8)
  id.set(message.from.toMultihash().bytes)
  new DataView(id.buffer).setBigUint64(id.length - 8, message.sequenceNumber)
  return id
}

// Noise that says nothing of muxers, so that yamux is agreed on by multistream-select.
export function lateMuxerNoise (components) {
  const inner = noise()(components)
  const late = (options) => ({ ...options, skipStreamMuxerNegotiation: true })
  return {
    protocol: inner.protocol,
    secureOutbound: (connection, options) => inner.secureOutbound(connection, late(options)),
    secureInbound: (connection, options) => inner.secureInbound(connection, late(options))
  }
}

// makeJs(t, {gossip, muxer, encrypter, transports, listen, key, agent}): gossip false leaves
// pubsub out.
export async function makeJs (t, options = {}) {
  const { gossip = {}, muxer = yamux(), encrypter = noise(), listen, key, agent } = options
  const { transports = [tcp()] } = options
  const privateKey = key ?? await generateKeyPair('Ed25519')
  const js = await createLibp2p({
    privateKey,
    nodeInfo: agent && { userAgent: agent },
    addresses: { listen: listen ?? ['/ip4/127.0.0.1/tcp/0'] },
    transports,
    connectionEncrypters: [encrypter],
    streamMuxers: [muxer],
    connectionManager: {
      inboundConnectionThreshold: 10_000,
      maxIncomingPendingConnections: 1_000,
      reconnectRetries: 50,
      reconnectRetryInterval: 50,
      reconnectBackoffFactor: 1
    },
    services: {
      identify: identify(),
      push: identifyPush(),
      ping: ping(),
      ...(gossip && { pubsub: makeGossip(gossip) })
    }
  })
  js.privateKey = privateKey
  t.after(() => js.stop())
  return js
}

function makeGossip (options) {
  return gossipsub({
    allowPublishToZeroTopicPeers: false,
    scoreParams: { IPColocationFactorWeight: 0 },
    ...options
  })
}

export const dial = (js, node) => js.dial(multiaddr(node.address))
export const idOf = (node) => peerIdFromString(node.peerId)
export const addressOf = (js) => js.getMultiaddrs()[0].toString()

// A verb of kith's: until the node has shaken hands with this peer and knows what it is.
export async function kithConnects (node, js) {
  const { code, stderr } = await node.json(['connect', addressOf(js)])
  if (code !== 0) throw new Error(`kith connect: ${stderr}`)
}

// Dialled by js, and each side knows which of these topics the other is subscribed to.
export async function meet (js, node, topics = []) {
  const connection = await dial(js, node)
  for (const topic of topics) {
    await until(() => subscribers(js, topic).includes(node.peerId), `js sees kith on ${topic}`)
    if (!js.services.pubsub.getTopics().includes(topic)) continue
    await until(async () => (await node.topics()).some((row) =>
      row.topic === topic && row.peers > 0), `kith sees js on ${topic}`)
  }
  return connection
}

export const subscribers = (js, topic) =>
  js.services.pubsub.getSubscribers(topic).map((peer) => peer.toString())

// What a js peer hears on a topic, from now on.
export function hear (js, topic) {
  const heard = []
  js.services.pubsub.subscribe(topic)
  js.services.pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic === topic) heard.push(detail)
  })
  const texts = () => heard.map((message) => textOf(message.data))
  return {
    heard,
    texts,
    has: (text, ms) => until(() => texts().includes(text), `js hears '${text}' on ${topic}`, ms),
    count: (n, ms) => until(() => heard.length >= n, `js hears ${n} messages on ${topic}`, ms)
  }
}

export const bytesOf = (text) => new TextEncoder().encode(text)
export const textOf = (bytes) => new TextDecoder().decode(bytes)

// All that a stream brings to its end.
export async function readAll (stream) {
  const parts = []
  for await (const part of stream) parts.push(part.subarray())
  return Buffer.concat(parts)
}

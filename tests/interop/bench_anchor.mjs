// SPDX-License-Identifier: MIT
// The anchor: js-libp2p doing what tests/bench/data_path.cpp does, in two processes. Stands here
// for the modules' sake.
// usage: bench_anchor.mjs serve | bench_anchor.mjs client ADDRESS
import { createLibp2p } from 'libp2p'
import { tcp } from '@libp2p/tcp'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { multiaddr } from '@multiformats/multiaddr'

const make = (listen) => createLibp2p({
  addresses: { listen },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() },
  connectionManager: { inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 1_000 }
})
const quantile = (values, q) =>
  [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]

async function serve () {
  const node = await make(['/ip4/127.0.0.1/tcp/0'])
  await node.handle('/bench/sink/0', async (stream) => {
    for await (const _ of stream) { /* counted by the sender's end */ }
    stream.send(Uint8Array.of(1))
    await stream.close()
  })
  await node.handle('/bench/echo/0', async (stream) => {
    for await (const bytes of stream) stream.send(bytes)
  })
  console.log(node.getMultiaddrs()[0].toString())
}

async function transfer (node, address, total) {
  const stream = await node.dialProtocol(address, '/bench/sink/0')
  const piece = new Uint8Array(1 << 20).fill(7)
  const answer = new Promise((resolve, reject) => {
    stream.addEventListener('message', resolve, { once: true })
    stream.addEventListener('close', () => reject(new Error('closed early')), { once: true })
  })
  const start = performance.now()
  for (let sent = 0; sent < total; sent += piece.length) {
    if (!stream.send(piece)) await stream.onDrain()
  }
  const closing = stream.close()
  await answer
  const ms = performance.now() - start
  await closing
  return total / 1e3 / ms
}

async function echo (node, address, rounds) {
  const stream = await node.dialProtocol(address, '/bench/echo/0')
  const bytes = new Uint8Array(256).fill(7)
  const out = []
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    let have = 0
    await new Promise((resolve) => {
      const hear = (event) => {
        have += event.data.byteLength
        if (have < 256) return
        stream.removeEventListener('message', hear)
        resolve()
      }
      stream.addEventListener('message', hear)
      stream.send(bytes)
    })
    out.push((performance.now() - start) * 1e3)
  }
  stream.abort(new Error('measured'))
  return out
}

async function connects (node, address, rounds) {
  const out = []
  for (let i = 0; i < rounds; i++) {
    const identified = new Promise((resolve) => {
      node.addEventListener('peer:identify', resolve, { once: true })
    })
    const start = performance.now()
    const connection = await node.dial(address)
    await identified
    out.push((performance.now() - start) * 1e3)
    await connection.close()
  }
  return out
}

async function client (text) {
  const node = await make([])
  const address = multiaddr(text)
  const connect = await connects(node, address, 100)
  await echo(node, address, 1_000)
  const rtt = await echo(node, address, 5_000)
  let best = 0
  for (let i = 0; i < 3; i++) best = Math.max(best, await transfer(node, address, 100 << 20))
  const print = (row) => console.log(JSON.stringify(row))
  print({ row: 1, mb_per_s: best })
  print({ row: 3, p50_us: quantile(connect, 0.5), p99_us: quantile(connect, 0.99) })
  print({ row: 5, p50_us: quantile(rtt, 0.5), p99_us: quantile(rtt, 0.99) })
  process.exit(0)
}

if (process.argv[2] === 'serve') await serve()
else await client(process.argv[3])

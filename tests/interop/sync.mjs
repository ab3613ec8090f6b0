// SPDX-License-Identifier: MIT
// /kith/sync/1 by hand (engine/store/README.md "Sync"): feeds and runs as any author could write
// them, or as nobody should; and a js-libp2p peer that says and answers whatever it is told to.
import * as dagCbor from '@ipld/dag-cbor'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { dial, makeJs } from './js.mjs'
import { cutFrames, prefixed, randomBytes, varint } from './raw.mjs'
import { until, within } from './wait.mjs'

const kSync = '/kith/sync/1'
const [kRaw, kBlock, kSha256] = [0x55, 0x71, 0x12]
const kHeadDomain = Buffer.from('kith-head/1\0')
const kReceiptDomain = Buffer.from('kith-receipt/1\0')

export const digestOf = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
export const link = (digest, codec = kBlock) =>
  CID.createV1(codec, Digest.create(kSha256, digest))
export const digestIn = (cid) => Buffer.from(CID.parse(cid).multihash.digest)
export const u64 = (number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(number))
  return bytes
}
export const times = (length, make) => Array.from({ length }, (_, i) => make(i))

// ---- what an author writes

export function makeWriter () {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  return {
    key: Buffer.from(x, 'base64url'),
    seed: Buffer.from(d, 'base64url'),
    publicKey,
    sign: (bytes) => sign(null, bytes, privateKey)
  }
}

export const openLedger = (name) => digestOf(dagCbor.encode(
  { v: 1, hide: false, name, rule: null, salt: null, time: null, founder: null }))

export function openFeed (ledger, writer, { kind = 'data', grant = null } = {}) {
  const opening = dagCbor.encode({
    v: 1,
    kind,
    grant: grant && link(grant),
    nonce: randomBytes(8),
    author: writer.key,
    ledger: link(ledger)
  })
  const id = digestOf(opening)
  return { writer, opening, id, seq: 0, time: 0, entry: id }
}

const linksOf = (rows) => {
  const linked = rows.flatMap((row, i) => row.links?.length ? [i] : [])
  return [varint(linked.length), ...linked.flatMap((at, i) => [
    varint(at - (i === 0 ? 0 : linked[i - 1] + 1)), varint(rows[at].links.length),
    ...rows[at].links])]
}

// The next run of a feed, of one type: {opening, entries, bodies, tip}. `spoil` makes it one that
// must be refused: any of prev, type, sign(claim), count, end.
export function writeRun (feed, rows, spoil = {}) {
  const first = feed.seq + 1
  const prev = spoil.prev ?? feed.entry
  const type = spoil.type ?? 'flood'
  let entry = prev
  let time = Math.max(Date.now() * 1_000, feed.time)
  const stamped = rows.map((row) => ({ ...row, time: row.time ?? ++time }))
  for (const [i, { body, links = [], time }] of stamped.entries()) {
    entry = digestOf(dagCbor.encode({
      seq: first + i,
      body: link(digestOf(body), kRaw),
      feed: link(feed.id),
      prev: link(entry),
      size: body.length,
      time,
      type,
      links: links.map((digest) => link(digest))
    }))
  }
  const seq = feed.seq + rows.length
  const claim = Buffer.concat([kHeadDomain,
    dagCbor.encode({ seq, feed: link(feed.id), entry: link(entry) })])
  const signature = (spoil.sign ?? feed.writer.sign)(claim)
  const steps = stamped.map(({ time }, i) => i === 0 ? time : time - stamped[i - 1].time - 1)
  const entries = Buffer.concat([
    feed.id, varint(first), prev, signature, varint(spoil.count ?? rows.length),
    ...steps.map(varint), varint(1), prefixed(Buffer.from(type)), ...linksOf(rows),
    ...rows.map(({ body }) => varint(2 * body.length)), spoil.end ?? Buffer.alloc(0)])
  const opening = first === 1 ? feed.opening : Buffer.alloc(0)
  const bodies = Buffer.concat(rows.map(({ body }) => body))
  Object.assign(feed, { seq, entry, time })
  return { opening, entries, bodies, tip: Buffer.concat([feed.id, u64(seq), entry]) }
}

export const tipOf = (feed, seq, entry) => Buffer.concat([feed, u64(seq), entry])
export const tipOfNothing = () => tipOf(randomBytes(32), 1, randomBytes(32))

// A receipt as sync carries it, over whatever signature.
export function writeReceipt ({ feed, seq, entry, time, witness }, makeSignature) {
  const claim = Buffer.concat([kReceiptDomain,
    dagCbor.encode({ seq, feed: link(feed), time, entry: link(entry), witness })])
  return Buffer.concat([feed, u64(seq), entry, u64(time), witness, makeSignature(claim)])
}

// ---- what is said. A line is a message behind its length.

const kRequests = ['hello', 'more', 'items', 'paths', 'wants', 'grant', 'lacks', 'vouched',
  'buckets']
const kAnswers = ['same', 'differs', 'unkept', 'symbols', 'tips', 'nodes', 'run', 'absent', 'news',
  'bodies', 'witnesses', 'receipts']
const line = (kinds) => (kind, ...rest) =>
  prefixed(dagCbor.encode([kinds.indexOf(kind), ...rest]))
export const request = line(kRequests)
export const answer = line(kAnswers)
export const pushed = ({ opening, entries, bodies }, part = 0) =>
  answer('run', 0, part, opening, entries, bodies)
export const emptyHello = (ledger, at = 0) =>
  request('hello', at, ledger, null, digestOf(Buffer.alloc(1)), 0, 0, 0)

function hear (stream, kinds, each) {
  const cut = cutFrames((bytes) => {
    const [kind, ...rest] = dagCbor.decode(bytes)
    each(kinds[kind], rest)
  })
  stream.addEventListener('message', ({ data }) => cut(data))
}

// A peer of a node that is asked by it and may ask it: `reply(kind, items, peer)` is called with
// each request, and says what it likes by peer.say(line). How much was heard stays in `heard`.
export async function makeSyncer (t, node, reply = () => {}) {
  const js = await makeJs(t, { gossip: false })
  const peer = { js, heard: {}, hello: null, version: 0 }
  await js.handle(kSync, (stream) => {
    peer.asked = stream
    hear(stream, kRequests, (kind, items) => {
      peer.heard[kind] = (peer.heard[kind] ?? 0) + 1
      if (kind === 'hello') peer.hello = items
      if (stream.status === 'open') reply(kind, items, peer)
    })
  }, { maxInboundStreams: 8 })
  peer.say = (bytes) => {
    try { peer.asked.send(bytes) } catch { /* kith has had enough */ }
  }
  peer.isGone = () => js.getConnections().length === 0
  peer.gone = (why) => until(peer.isGone, `kith has cut off ${why}`)
  // A stream of its own, by which it asks; `isRead` false: the answers stay where they are.
  peer.ask = async (isRead = true, each = () => {}) => {
    const stream = await peer.connection.newStream(kSync)
    if (isRead) hear(stream, kAnswers, (kind, items) => each(kind, items, stream))
    return stream
  }
  peer.connection = await dial(js, node)
  await until(() => peer.hello, 'kith says hello')
  return peer
}

// What make() gives, as fast as it is taken, for a while or until kith has had enough; how many.
export async function pour (stream, make, ms) {
  const end = performance.now() + ms
  let count = 0
  while (performance.now() < end && stream.status === 'open') {
    const batch = []
    for (let bytes = 0; bytes < 65_536; count++) bytes += batch[batch.push(make()) - 1].length
    let isRoomy = true
    try { isRoomy = stream.send(Buffer.concat(batch)) } catch { break }
    const more = new Promise((resolve) => {
      if (isRoomy) return setImmediate(resolve)
      for (const event of ['drain', 'close'])
        stream.addEventListener(event, resolve, { once: true })
    })
    await within(more, 'there is room', Math.max(end - performance.now(), 1)).catch(() => {})
  }
  return count
}

// ---- the tree of tips, and a sketch, of what is not held

const kWidth = 16
const kNoTips = digestOf(Buffer.from([0]))
const leafDigest = (tips) => digestOf(Buffer.from([0]), ...tips)
const branchDigest = (children) => digestOf(Buffer.from([1]), ...children)

// The nodes from the root down to one leaf at the last level, by depth, that holds these tips of
// one feed: each has the digest that the one above it tells.
export function deepTree (feed, tips) {
  const nodes = [Buffer.concat(tips)]
  let digest = leafDigest(tips)
  for (let depth = 63; depth >= 0; depth--) {
    const byte = feed[depth >> 1]
    const nibble = depth % 2 === 0 ? byte >> 4 : byte & 15
    const children = times(kWidth, (i) => i === nibble ? digest : kNoTips)
    nodes.unshift(Buffer.concat(children))
    digest = branchDigest(children)
  }
  return { nodes, digest }
}

const kMask = (1n << 64n) - 1n
function mix (item) {
  let x = (item + 0x9e3779b97f4a7c15n) & kMask
  x = ((x ^ x >> 30n) * 0xbf58476d1ce4e5b9n) & kMask
  x = ((x ^ x >> 27n) * 0x94d049bb133111ebn) & kMask
  return x ^ x >> 31n
}

// Symbols, 13 bytes each, of a set without tips but for those of these items.
export function symbolsOf (items, count) {
  const symbols = times(count, () => ({ sum: 0n, check: 0n, count: 0 }))
  for (const item of items) {
    const mixed = mix(item)
    let chance = mixed | 1n
    for (let at = 0; at < count;) {
      symbols[at].sum ^= item
      symbols[at].check ^= mixed & 0xffff_ffffn
      symbols[at].count = (symbols[at].count + 1) % 256
      chance = (chance * 0xda942042e4dd58b5n) & kMask
      const stretch = 65_536 / Math.sqrt(Number((chance >> 32n) + 1n)) - 1
      at += 1 + Math.floor((at + 1.5) * stretch)
    }
  }
  return Buffer.concat(symbols.map(({ sum, check, count }) => Buffer.concat([
    u64(sum), u64(check).subarray(4), Buffer.from([count])])))
}

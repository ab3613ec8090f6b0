// SPDX-License-Identifier: MIT
// The ledger's formats as engine/store/README.md words them, read without any code of kith: blocks
// by @ipld/dag-cbor, CIDs by multiformats, signatures by @noble/curves, runs by hand.
import * as dagCbor from '@ipld/dag-cbor'
import { ed25519 } from '@noble/curves/ed25519.js'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test, { describe } from 'node:test'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

const vectors = JSON.parse(readFileSync(new URL('../store/vectors.json', import.meta.url)))
const kBlock = 0x71
const kRaw = 0x55
const kBodyMax = 256 * 1024
const kDomain = Buffer.from('kith-head/1\0')
const kReceiptDomain = Buffer.from('kith-receipt/1\0')
const bytesOf = (hex) => Buffer.from(hex, 'hex')
const hexOf = (bytes) => Buffer.from(bytes).toString('hex')
const cidOfDigest = (digest, codec = kBlock) => CID.createV1(codec, Digest.create(0x12, digest))
const cidOf = (bytes, codec) => cidOfDigest(createHash('sha256').update(bytes).digest(), codec)
const same = (a, b) => Buffer.compare(a, b) === 0

// ---- blocks
const isInteger = (value) => Number.isSafeInteger(value) && value >= 0
const isBytes = (value, size) => value instanceof Uint8Array && value.length === size
const isLink = (value, codec = kBlock) => CID.asCID(value) !== null && value.version === 1 &&
  value.code === codec && value.multihash.code === 0x12 && value.multihash.size === 32
const isType = (value) => typeof value === 'string' && /^[a-z0-9._/-]{1,64}$/.test(value)
function point (bytes) {
  try { return ed25519.Point.fromBytes(bytes, false) } catch { return null }
}
const isKey = (value) => isBytes(value, 32) && point(value)?.isTorsionFree() === true &&
  !point(value).isSmallOrder()
const orNull = (judge) => (value) => value === null || judge(value)

const kShapes = {
  genesis: {
    v: (value) => value === 1,
    hide: (value) => typeof value === 'boolean',
    name: (value) => typeof value === 'string' && /^[a-z0-9._-]{1,64}$/.test(value),
    rule: orNull(isLink),
    salt: orNull((value) => isBytes(value, 16)),
    time: orNull(isInteger),
    founder: orNull(isKey)
  },
  opening: {
    v: (value) => value === 1,
    kind: (value) => value === 'data' || value === 'control',
    grant: orNull((value) => isLink(value)),
    nonce: (value) => isBytes(value, 8),
    author: isKey,
    ledger: (value) => isLink(value)
  },
  entry: {
    seq: (value) => isInteger(value) && value > 0,
    body: (value) => isLink(value, kRaw),
    feed: (value) => isLink(value),
    prev: (value) => isLink(value),
    size: (value) => isInteger(value) && value <= kBodyMax,
    time: isInteger,
    type: isType,
    links: (value) => Array.isArray(value) && value.length <= 16 &&
      value.every((link) => isLink(link)) &&
      value.every((link, i) => i === 0 || Buffer.compare(value[i - 1].bytes, link.bytes) < 0)
  },
  head: { seq: isInteger, feed: (value) => isLink(value), entry: (value) => isLink(value) },
  receipt: {
    seq: (value) => isInteger(value) && value > 0,
    feed: (value) => isLink(value),
    time: isInteger,
    entry: (value) => isLink(value),
    witness: isKey
  }
}

const kWhole = {
  genesis: ({ founder, rule, salt, time, hide }) => founder === null
    ? rule === null && salt === null && time === null && !hide
    : salt !== null && time !== null,
  entry: ({ body, size }) => (size === 0) === body.equals(cidOf(Buffer.alloc(0), kRaw))
}

class Later extends Error {}

function read (kind, block) {
  assert.ok(block.length <= 2_048, 'too large')
  const value = dagCbor.decode(block)
  assert.ok(same(dagCbor.encode(value), block), 'not canonical')
  const versioned = 'v' in kShapes[kind]
  if (versioned && Number.isSafeInteger(value.v) && value.v > 1) throw new Later()
  assert.deepEqual(Object.keys(value).sort(), Object.keys(kShapes[kind]).sort(), 'other members')
  for (const [name, judge] of Object.entries(kShapes[kind])) assert.ok(judge(value[name]), name)
  assert.ok(kWhole[kind]?.(value) ?? true, 'members that do not go together')
  return value
}

// noble multiplies by the cofactor; with a key in the prime-order group, an R that is there too
// makes that the same as the plain equation.
function isSigned (block, author, signature, domain = kDomain) {
  if (signature.length !== 64 || !isKey(author)) return false
  const claim = Buffer.concat([domain, block])
  return ed25519.verify(signature, claim, author, { zip215: false }) &&
    point(signature.subarray(0, 32)).isTorsionFree()
}

// What the file says of a block's members, in the types of dag-cbor.
const kLinkMembers = ['rule', 'grant', 'ledger', 'feed', 'prev', 'body', 'entry']
const kBytesMembers = ['salt', 'founder', 'nonce', 'author', 'witness']
function valueOf (fields, fixed = {}) {
  const value = { ...fixed, ...fields }
  const cid = (hex) => CID.decode(bytesOf(hex))
  for (const [name, held] of Object.entries(fields)) {
    if (held === null) continue
    if (kLinkMembers.includes(name)) value[name] = cid(held)
    if (kBytesMembers.includes(name)) value[name] = bytesOf(held)
    if (name === 'links') value[name] = held.map(cid)
  }
  return value
}

// ---- runs
function readRun (entries, bodies) {
  let at = 0
  const take = (size) => {
    assert.ok(at + size <= entries.length, 'cut short')
    return entries.subarray(at, at += size)
  }
  const number = () => {
    const from = at
    while (take(1)[0] >= 128) assert.ok(at - from < 9, 'a number of over 9 bytes')
    assert.ok(at - from === 1 || entries[at - 1] !== 0, 'not the shortest form')
    const value = entries.subarray(from, at)
      .reduce((sum, byte, i) => sum + (BigInt(byte & 127) << BigInt(7 * i)), 0n)
    assert.ok(value <= BigInt(Number.MAX_SAFE_INTEGER), '2^53 or more')
    return Number(value)
  }
  const each = (count, make) => Array.from({ length: count }, (_, i) => make(i))

  const run = { feed: take(32), first: number(), prev: take(32), signature: take(64) }
  const count = number()
  assert.ok(run.first > 0 && count > 0 && count <= 512, 'count')
  assert.ok(Number.isSafeInteger(run.first + count - 1), 'last seq')
  let time = -1
  const times = each(count, () => (time += number() + 1))
  assert.ok(Number.isSafeInteger(time), 'time')
  const table = each(number(), () => take(number()).toString('latin1'))
  assert.ok(table.every(isType) && new Set(table).size === table.length, 'types')
  const places = each(count, () => table.length > 1 ? number() : 0)
  assert.deepEqual([...new Set(places)], [...table.keys()], 'types in order of use')
  const links = each(count, () => [])
  let next = 0
  for (let left = number(); left > 0; left--) {
    const row = next + number()
    assert.ok(row < count, 'links of no entry')
    links[row] = each(number(), () => take(32))
    assert.ok(links[row].length > 0, 'no links')
    next = row + 1
  }
  const sizes = each(count, number)
  const isDropped = (i) => sizes[i] % 2 === 1
  const digests = each(count, (i) => isDropped(i) ? take(32) : null)
  assert.equal(at, entries.length, 'bytes after its end')

  let from = 0
  run.rows = each(count, (i) => {
    const size = Math.floor(sizes[i] / 2)
    assert.ok(size > 0 || !isDropped(i), 'nothing that was dropped')
    const body = isDropped(i) ? null : bodies.subarray(from, from += size)
    assert.ok(from <= bodies.length, 'bodies cut short')
    const cid = isDropped(i) ? cidOfDigest(digests[i], kRaw) : cidOf(body, kRaw)
    return { time: times[i], type: table[places[i]], links: links[i], size, body: cid }
  })
  assert.equal(from, bodies.length, 'bytes after the last body')
  return run
}

function judgeRun (vector) {
  const opening = read('opening', bytesOf(vector.opening))
  const before = { ...vector.before, entry: CID.decode(bytesOf(vector.before.entry)) }
  const run = readRun(bytesOf(vector.entries), bytesOf(vector.bodies))
  const feed = cidOfDigest(run.feed)
  assert.ok(feed.equals(cidOf(bytesOf(vector.opening))), 'another feed')
  assert.equal(run.first, before.seq + 1, 'another seq')
  assert.ok(before.entry.equals(cidOfDigest(run.prev)), 'another prev')
  assert.ok(run.rows[0].time > before.time, 'not after')
  const mayHold = (type) => opening.kind === 'control'
    ? type === 'ledger/grant' || type === 'ledger/revoke'
    : !type.startsWith('ledger/')
  let prev = before.entry
  const ids = run.rows.map((row, i) => {
    assert.ok(mayHold(row.type), 'a reserved type')
    const links = row.links.map((digest) => cidOfDigest(digest))
    const block = dagCbor.encode({ ...row, links, feed, prev, seq: run.first + i })
    read('entry', block)
    return (prev = cidOf(block))
  })
  const head = dagCbor.encode({ feed, seq: run.first + ids.length - 1, entry: prev })
  assert.ok(isSigned(head, opening.author, run.signature), 'signature')
  return ids
}

// ---- the file
const kFixed = { genesis: { v: 1 }, openings: { v: 1 }, entries: {}, heads: {}, receipts: {} }
const kKinds = {
  genesis: 'genesis', openings: 'opening', entries: 'entry', heads: 'head', receipts: 'receipt'
}

describe('what must be read', () => {
  for (const [part, kind] of Object.entries(kKinds)) {
    test(part, () => {
      assert.ok(vectors[part].length > 0)
      for (const vector of vectors[part]) {
        const value = valueOf(vector.fields, kFixed[part])
        assert.equal(hexOf(dagCbor.encode(value)), vector.block)
        assert.equal(hexOf(dagCbor.encode(read(kind, bytesOf(vector.block)))), vector.block)
        if (vector.cid) assert.equal(hexOf(cidOf(bytesOf(vector.block)).bytes), vector.cid)
        if (vector.body) assert.ok(value.body.equals(cidOf(bytesOf(vector.body), kRaw)))
        if (vector.signature) {
          const author = bytesOf(vector.author ?? vector.fields.witness)
          const domain = kind === 'receipt' ? kReceiptDomain : kDomain
          const signature = bytesOf(vector.signature)
          assert.ok(isSigned(bytesOf(vector.block), author, signature, domain))
        }
      }
    })
  }

  test('authors and what they sign', () => {
    for (const { seed, key } of vectors.authors) {
      assert.equal(hexOf(ed25519.getPublicKey(bytesOf(seed))), key)
      const own = vectors.heads.filter((head) => head.author === key)
      assert.ok(own.length > 0)
      for (const head of own) {
        const claim = Buffer.concat([kDomain, bytesOf(head.block)])
        assert.equal(hexOf(ed25519.sign(claim, bytesOf(seed))), head.signature)
      }
    }
  })

  for (const vector of vectors.runs) {
    test(`a run: ${vector.what}`, () => {
      assert.deepEqual(judgeRun(vector).map((cid) => hexOf(cid.bytes)), vector.ids)
    })
  }
})

describe('what must be refused', () => {
  for (const vector of vectors.refused) {
    test(`${vector.kind}: ${vector.what}`, () => {
      if (vector.kind === 'run') return assert.throws(() => judgeRun(vector))
      const block = bytesOf(vector.block)
      if (vector.kind === 'head') {
        return assert.ok(!isSigned(block, bytesOf(vector.author), bytesOf(vector.signature)))
      }
      if (vector.kind === 'receipt signature') {
        const [witness, signature] = [bytesOf(vector.fields.witness), bytesOf(vector.signature)]
        return assert.ok(!isSigned(block, witness, signature, kReceiptDomain))
      }
      const isLater = vector.error === 'unknown_version'
      assert.throws(() => read(vector.kind, block), (error) => error instanceof Later === isLater)
    })
  }
})

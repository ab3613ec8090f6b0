// SPDX-License-Identifier: MIT
// A ledger's export, read by other people's software: every CID, chain and signature of it worked
// out by @ipld/car, dag-cbor and noble, with nothing of kith's. Then what kith says of it: a byte
// that was changed is found, and a node that takes it shows the same notes.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { CarBlockIterator } from '@ipld/car/iterator'
import * as dagCbor from '@ipld/dag-cbor'
import { ed25519 } from '@noble/curves/ed25519.js'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { good, kith, startKith } from './kith.mjs'
import { until } from './wait.mjs'

const [kRaw, kBlock, kSha256] = [0x55, 0x71, 0x12]
const kDomain = Buffer.from('kith-head/1\0')
const kNotes = 'apps.notes.ledger="notes"'

const digestOf = (bytes) => createHash('sha256').update(bytes).digest()
const cidOf = (bytes, codec) => CID.create(1, codec, Digest.create(kSha256, digestOf(bytes)))

// The blocks in their order, each proven against its CID.
async function blocksOf (file) {
  const car = await CarBlockIterator.fromIterable(createReadStream(file, { highWaterMark: 999 }))
  const roots = await car.getRoots()
  const blocks = []
  for await (const { cid, bytes } of car) {
    assert.ok(cid.equals(cidOf(bytes, cid.code)), `${cid} is not of its block`)
    if (cid.code === kRaw) {
      blocks.push({ cid, bytes })
      continue
    }
    assert.equal(cid.code, kBlock)
    const value = dagCbor.decode(bytes)
    assert.deepEqual(Buffer.from(dagCbor.encode(value)), Buffer.from(bytes), 'canonical')
    blocks.push({ cid, bytes, value })
  }
  return { roots, blocks }
}

const isSigned = ({ seq, feed, entry, signature }, author) => {
  const claim = Buffer.concat([kDomain, dagCbor.encode({ seq, feed, entry })])
  return ed25519.verify(signature, claim, author, { zip215: false })
}

// Every chain from its signed tip back to the opening, by the links alone, whatever the order of
// the blocks; in a proof, back to the entry that is proven.
function judge ({ roots, blocks }) {
  const byCid = new Map(blocks.map((block) => [block.cid.toString(), block]))
  const at = (cid) => {
    const found = byCid.get(cid.toString())
    assert.ok(found, `${cid} is not in the file`)
    return found.value ?? found.bytes
  }
  assert.equal(roots.length, 1)
  assert.ok(blocks[0].cid.equals(roots[0]), 'the root is the first block')
  const manifest = at(roots[0])
  assert.deepEqual(Object.keys(manifest), ['v', 'tips', 'entry', 'genesis'])
  assert.equal(manifest.v, 1)
  const genesis = at(manifest.genesis)
  const entries = new Map()
  for (const tip of manifest.tips) {
    const head = at(tip)
    const opening = at(head.feed)
    assert.ok(opening.ledger.equals(manifest.genesis))
    assert.ok(isSigned(head, opening.author), 'the head is signed')
    for (let [cid, seq] = [head.entry, head.seq]; !cid.equals(head.feed); seq--) {
      const entry = at(cid)
      assert.equal(entry.seq, seq)
      assert.ok(entry.feed.equals(head.feed))
      const body = byCid.get(entry.body.toString())?.bytes
      if (body) assert.equal(body.length, entry.size)
      entries.set(cid.toString(), { ...entry, text: body && Buffer.from(body).toString() })
      if (manifest.entry?.equals(cid)) break
      const before = entry.prev
      assert.equal(before.equals(head.feed), seq === 1, 'seq 1 follows the opening')
      if (seq > 1) assert.ok(at(before).time < entry.time, 'times ascend')
      cid = before
    }
  }
  const signed = blocks.filter(({ value }) => value?.signature)
  for (const { value } of signed) assert.ok(isSigned(value, at(value.feed).author), 'every head')
  const counted = blocks.filter(({ value }) => value?.prev)
  assert.equal(counted.length, entries.size, 'no entry stands beside the chains')
  return { manifest, genesis, entries, heads: signed.length }
}

const listOf = (node) => good(node.json(['notes', 'list']))
const folderOf = (node) => dirname(node.home)

// Two nodes that wrote, each the other's notes too.
async function written (t) {
  const a = await startKith(t, { sets: [kNotes] })
  const b = await startKith(t, { sets: [kNotes] })
  await good(b.json(['connect', a.address]))
  for (const text of ['one', 'two', 'three']) await good(a.json(['notes', 'add', text]))
  for (const text of ['vier', 'fünf']) await good(b.json(['notes', 'add', text]))
  for (const node of [a, b]) {
    await until(async () => (await listOf(node)).length === 5, 'both have all five')
  }
  return { a, b }
}

test('an export and a proof, judged by others, by kith, and taken by a third node', async (t) => {
  const { a, b } = await written(t)
  const file = join(folderOf(a), 'notes.car')
  const told = await good(a.json(['ledger', 'export', 'notes', file]))
  assert.equal(told.entries, 5)
  assert.equal(told.bytes, statSync(file).size)
  assert.equal(statSync(file).mode & 0o777, 0o600)

  const { genesis, manifest, entries, heads } = judge(await blocksOf(file))
  assert.equal(genesis.name, 'notes')
  assert.equal(manifest.tips.length, 2, 'two authors')
  assert.ok(heads >= 2)
  const shown = await listOf(a)
  assert.deepEqual([...entries.keys()].sort(), shown.map(({ id }) => id).sort())
  const byTime = [...entries.values()].sort((one, other) => one.time - other.time)
  assert.deepEqual(byTime.map(({ text }) => text), shown.map(({ text }) => text))

  const { code, json } = await kith(['--json', 'ledger', 'check', file])
  assert.equal(code, 0)
  assert.equal(json.entries, 5)
  assert.equal(json.chains, 2)
  await findsChanges(file)

  const c = await startKith(t, { sets: [kNotes] })
  const taken = await good(c.json(['ledger', 'import', file]))
  assert.deepEqual([taken.ok, taken.new, taken.refused], [true, 5, []])
  assert.deepEqual(await listOf(c), shown)
  assert.equal((await good(c.json(['notes', 'verify']))).ok, true)
  assert.equal((await good(c.json(['ledger', 'import', file]))).new, 0)
  await proves(b, shown)
  await tells(b, shown)
})

// One bit, in each of some dozens of places from the first byte to the last.
async function findsChanges (file) {
  const bytes = readFileSync(file)
  const changed = `${file}.changed`
  const places = Array.from({ length: 48 }, (_, i) => Math.floor(i * (bytes.length - 1) / 47))
  for (const place of places) {
    const copy = Buffer.from(bytes)
    copy[place] ^= 1 << (place % 8)
    writeFileSync(changed, copy)
    const { code, stdout } = await kith(['ledger', 'check', changed])
    assert.equal(code, 1, `byte ${place}: ${stdout}`)
  }
}

async function proves (node, shown) {
  for (const { id, text, author } of shown) {
    const file = join(folderOf(node), `${id}.car`)
    await good(node.json(['ledger', 'prove', id, '--out', file]))
    const { manifest, entries } = judge(await blocksOf(file))
    assert.equal(manifest.entry.toString(), id)
    assert.ok(entries.has(id))
    const { code, json } = await kith(['--json', 'ledger', 'check', file])
    assert.equal(code, 0)
    assert.deepEqual([json.proven.id, json.proven.text, json.proven.author], [id, text, author])
    assert.match(json.shows_not, /not that he was entitled/)
  }
  const { code, stderr } = await node.cli(['ledger', 'prove', shown[0].id.replace(/.{4}$/, 'aaaa')])
  assert.equal(code, 1)
  assert.match(stderr, /no ledger that is open here holds this entry|is no entry's id/)
}

async function tells (node, shown) {
  const rows = await good(node.json(['ledger', 'history', 'notes']))
  assert.deepEqual(rows.map(({ id }) => id), shown.map(({ id }) => id))
  const own = await good(node.json(['ledger', 'history', 'notes', '--limit', '1',
    '--author', node.peerId]))
  assert.deepEqual(own.map(({ author }) => author), [node.peerId])
  const stats = await good(node.json(['ledger', 'stats', 'notes']))
  assert.deepEqual([stats.feeds, stats.entries, stats.authors.length], [2, 5, 2])
}

test('what is no file of a ledger is refused with a sentence', async (t) => {
  const node = await startKith(t, { sets: [kNotes] })
  const file = join(folderOf(node), 'not.car')
  writeFileSync(file, 'neither a CAR nor anything like it. '.repeat(99))
  for (const args of [['ledger', 'check', file], ['ledger', 'import', file]]) {
    const { code, stdout, stderr } = await node.cli(args)
    assert.equal(code, 1)
    assert.match(stdout + stderr, /not a CAR of version 1/)
  }
  const { code, stderr } = await node.cli(['ledger', 'export', 'notes', file])
  assert.equal(code, 1)
  assert.match(stderr, /is there already/)
})

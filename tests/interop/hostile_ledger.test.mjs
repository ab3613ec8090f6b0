// SPDX-License-Identifier: MIT
// A stranger in a ledger: floods, lies and rubbish over /kith/sync/1. Whatever it is, the node's
// memory stays flat, who breaks a rule is cut off, and what an honest node writes arrives.
import { ed25519 } from '@noble/curves/ed25519.js'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { setTimeout as nap } from 'node:timers/promises'
import { absent, calm, kWhileMs, kWritingRoomMiB, makeScene } from './hostile_scene.mjs'
import { idOf } from './js.mjs'
import { good, startKith } from './kith.mjs'
import { prefixed, randomBytes, varint } from './raw.mjs'
import {
  answer, deepTree, emptyHello, link, makeSyncer, makeWriter, openFeed, openLedger, pour, pushed,
  request, symbolsOf, times, tipOf, tipOfNothing, u64, writeReceipt, writeRun
} from './sync.mjs'
import { until } from './wait.mjs'

const kLedger = 'wall'
const kId = openLedger(kLedger)
const text = (size) => Buffer.alloc(size, 'flood')
const feedOf = (writer = makeWriter()) => openFeed(kId, writer)

// One that says at each hello that it has so many tips, of such a digest.
const differing = (digest, tips, more) => calm({
  hello: (items, peer) =>
    peer.say(answer('differs', items[0], null, digest, tips, tips, 0, peer.version = 1)),
  ...more
})

// ---- runs that break a rule

const kOrder = ed25519.Point.Fn.ORDER
const littleEndian = (bytes) => BigInt('0x' + Buffer.from(bytes).reverse().toString('hex'))
const scalarBytes = (scalar) =>
  Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse()

// The same signature with another S: the group's order more.
const malleable = (writer) => (claim) => {
  const signature = writer.sign(claim)
  const s = littleEndian(signature.subarray(32)) + kOrder
  return Buffer.concat([signature.subarray(0, 32), scalarBytes(s)])
}
// It fulfils the equation, with the neutral point for R.
const ofSmallOrder = (writer) => (claim) => {
  const r = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)])
  const hash = createHash('sha512').update(r).update(writer.key).update(claim).digest()
  const { scalar } = ed25519.utils.getExtendedPublicKey(writer.seed)
  return Buffer.concat([r, scalarBytes(littleEndian(hash) * scalar % kOrder)])
}
const kRow = { body: text(100) }
const signedBy = (forge) => {
  const writer = makeWriter()
  return writeRun(feedOf(writer), [kRow], { sign: forge(writer) })
}
const linked = (...links) => writeRun(feedOf(), [{ ...kRow, links }])
const bodies = (change) => {
  const run = writeRun(feedOf(), [kRow, kRow])
  return { ...run, bodies: change(run.bodies) }
}
const [kLow, kHigh] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const kNeutral = { ...makeWriter(), key: Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]) }

const kBadRuns = {
  'a body that was changed': () => bodies((bytes) => Buffer.concat([text(1), bytes.subarray(1)])
    .fill('x', 0, 1)),
  'a body too few bytes': () => bodies((bytes) => bytes.subarray(1)),
  'a body too many bytes': () => bodies((bytes) => Buffer.concat([bytes, text(1)])),
  'a body over its limit': () => writeRun(feedOf(), [{ body: text(262_145) }]),
  'no signature': () => signedBy(() => () => Buffer.alloc(64)),
  'a signature of somebody else': () => signedBy(() => makeWriter().sign),
  'a malleable signature': () => signedBy(malleable),
  'a signature of small order': () => signedBy(ofSmallOrder),
  'a key of small order': () => writeRun(openFeed(kId, kNeutral), [kRow]),
  'links out of order': () => linked(kHigh, kLow),
  'a link twice': () => linked(kLow, kLow),
  'over 16 links': () => linked(...times(17, (i) => Buffer.alloc(32, i))),
  'a prev that is not its opening': () => writeRun(feedOf(), [kRow], { prev: kLow }),
  'no entries': () => writeRun(feedOf(), [], { count: 0 }),
  'over 512 entries': () => writeRun(feedOf(), times(513, () => ({ body: text(1) }))),
  'more entries than it says': () => writeRun(feedOf(), [kRow, kRow], { count: 1 }),
  'bytes after its end': () => writeRun(feedOf(), [kRow], { end: Buffer.alloc(1) }),
  'a time of 2^53': () => writeRun(feedOf(), [{ ...kRow, time: 2 ** 53 }]),
  'a type that is reserved': () => writeRun(feedOf(), [kRow], { type: 'ledger/grant' }),
  'another ledger': () => writeRun(openFeed(kLow, makeWriter()), [kRow]),
  'a control feed': () => writeRun(openFeed(kId, makeWriter(), { kind: 'control' }), [kRow]),
  'no opening': () => ({ ...writeRun(feedOf(), [kRow]), opening: randomBytes(100) })
}

// ---- requests and answers that break the rules

const kTwice = (bytes) => [bytes, bytes]
const hello = emptyHello(kId)
const want = (tip = tipOfNothing()) => Buffer.concat([tip.subarray(0, 32), Buffer.alloc(40),
  tip.subarray(32)])
const kBadRequests = {
  'a question before hello': () => [request('items', 0, Buffer.alloc(8))],
  'two ledgers of one number': () => [hello, emptyHello(kLow)],
  'too many ledgers': () => times(1_025, (at) => emptyHello(randomBytes(32), at)),
  'too many wants': () => [hello, ...times(3, () =>
    request('wants', 0, Buffer.concat(times(400, () => want()))))],
  'too large a grant': () => [hello, ...kTwice(request('grant', 2 ** 52))],
  'too many items': () => [hello, request('items', 0, Buffer.alloc(8 * 513))],
  'too many paths': () => [hello, request('paths', 0, times(65, () => Buffer.alloc(1)))],
  'a path of no nibbles': () => [hello, request('paths', 0, [Buffer.from([0, 16])])],
  'a path below the last level': () => [hello, request('paths', 0, [Buffer.alloc(66)])],
  'too many questions for bodies': () => [hello, ...times(200, () =>
    request('lacks', 0, 1, Buffer.from([1]), tipOfNothing()))],
  'a line that is too long': () => [varint(65 * 1024), randomBytes(60_000)],
  'an answer in place of a question': () => [answer('tips', 0, tipOfNothing())],
  'random bytes': () => [prefixed(randomBytes(500))]
}

const kBadAnswers = {
  'the same, unasked': () => kTwice(answer('same', 0, 0)),
  'tips that nobody asked for': () => [answer('tips', 0, tipOfNothing())],
  'nodes that nobody asked for': () => [answer('nodes', 0, 1, [])],
  'symbols that nobody asked for': () => [answer('symbols', 0, 1, 0, symbolsOf([7n], 32))],
  'bodies that nobody asked for': () => [answer('bodies', 0, [text(100)])],
  'witnesses that nobody asked for': () => kTwice(answer('witnesses', 0, Buffer.alloc(0))),
  'receipts that nobody asked for': () => [answer('receipts', 0, 2, Buffer.alloc(0))],
  'no receipts': () => [answer('receipts', 0, 0, Buffer.alloc(0))],
  'half a receipt': () => [answer('receipts', 0, 0, Buffer.alloc(88))],
  'a ledger that was not named': () => [answer('news', 99, tipOfNothing())],
  'a tip of a want that there is not': () => [answer('absent', 0, kLow)],
  'wanted runs that nobody wants': () =>
    times(3, () => pushed(writeRun(feedOf(), [kRow]), 2)),
  'a line of 5 MiB': () => [varint(5 << 20), randomBytes(60_000)],
  'a question in place of an answer': () => [request('paths', 0, times(65, () => kLow))],
  'random bytes': () => [prefixed(randomBytes(500))]
}

// About the newest entry of a feed, by a witness of its own each.
const receiptOf = (makeWitness, { id, seq, entry }) => {
  const witness = makeWitness()
  const time = Date.now() * 1_000
  return writeReceipt({ feed: id, seq, entry, time, witness: witness.key }, witness.sign)
}

// ---- sketches and trees that lie

const randomChildren = () => Buffer.concat(times(16, () => randomBytes(32)))
const itemOf = (tip) => tip.readBigUInt64BE(0) >> 40n << 40n | tip.readBigUInt64BE(40) >> 24n
const kFake = tipOfNothing()
const kManyTips = answer('tips', 0, Buffer.concat(times(50_000, (i) =>
  tipOf(kFake.subarray(0, 32), 1,
    Buffer.concat([kFake.subarray(40, 45), u64(i), kLow.subarray(13)])))))
const kDeepTips = 600 // more than a sketch is for
const kDeep = deepTree(kFake.subarray(0, 32), times(kDeepTips, (i) =>
  tipOf(kFake.subarray(0, 32), 1, Buffer.concat([u64(i), kFake.subarray(48)]))))
const sketch = (items) => (_, peer) => {
  peer.say(answer('differs', 0, null, kLow, 1, 1, 0, 1))
  peer.say(answer('symbols', 0, 1, 0, symbolsOf(items, 64)))
}
const endless = ([at, paths], peer) =>
  peer.say(answer('nodes', at, ++peer.version, paths.map(randomChildren)))

const kLies = {
  'a sketch that never peels': calm({
    hello: (items, peer) => {
      peer.say(answer('differs', 0, null, kLow, 9, 9, 0, 1))
      peer.say(answer('symbols', 0, 1, 0, randomBytes(13 * 64)))
    },
    more: ([at, version, from], peer) =>
      peer.say(answer('symbols', at, version, from, randomBytes(13 * Math.min(64, 512 - from)))),
    paths: endless
  }),
  'a sketch of what nobody holds': calm({
    hello: sketch([1n, 2n, 3n]),
    items: ([at], peer) => peer.say(answer('tips', at, Buffer.alloc(0))),
    paths: endless
  }),
  'a sketch of one item, that 50,000 tips have': calm({
    hello: sketch([itemOf(kFake)]),
    items: (_, peer) => peer.say(kManyTips),
    paths: endless
  }),
  'a version that is another each time': calm({
    hello: (items, peer) => {
      peer.say(answer('differs', 0, null, kLow, 9, 9, 0, peer.version = 1))
      peer.say(answer('symbols', 0, 2, 0, symbolsOf([1n], 1)))
    },
    more: ([at], peer) =>
      peer.say(answer('symbols', at, randomBytes(6).readUIntBE(0, 6), 0, randomBytes(13))),
    paths: endless
  }),
  'a tree without end': differing(kLow, 2 ** 52, { paths: endless }),
  'a tree without depth': differing(kLow, 2 ** 52, { paths: ([at, paths], peer) =>
    peer.say(answer('nodes', at, ++peer.version, paths.map(() => Buffer.alloc(0)))) })
}

// ---- the play

// Each of them by a peer of its own, while lines arrive.
function allCutOff (t, scene, name, cases, start) {
  return t.test(name, (t) => scene.during(t, async () => {
    for (const [name, make] of Object.entries(cases)) {
      await t.test(name, async (t) => {
        const peer = await makeSyncer(t, scene.node, calm())
        const before = scene.warnings().length
        await start(peer, make)
        await peer.gone(name)
        await until(() => scene.warnings().length > before, 'kith says why')
        t.diagnostic(scene.warnings().at(-1))
      })
    }
  }))
}

test('a stranger in an open ledger', async (t) => {
  const scene = await makeScene(t, kLedger)
  const { node } = scene
  const join = (t, reply = calm()) => makeSyncer(t, node, reply)
  const suffered = (name, attack, room) =>
    t.test(name, (t) => scene.during(t, () => attack(t), room))

  await allCutOff(t, scene, 'three bad runs', kBadRuns, async (peer, make) => {
    for (let i = 0; i < 3; i++) peer.say(pushed(make()))
  })
  await allCutOff(t, scene, 'questions that break the rules', kBadRequests, async (peer, make) => {
    const stream = await peer.ask()
    for (const bytes of make()) stream.send(bytes)
  })
  await allCutOff(t, scene, 'answers that break the rules', kBadAnswers, async (peer, make) => {
    for (const bytes of make()) peer.say(bytes)
  })
  for (const [name, reply] of Object.entries(kLies)) {
    await suffered(name, async (t) => {
      const peer = await join(t, reply)
      await nap(kWhileMs / 2)
      return JSON.stringify(peer.heard)
    })
  }
  await t.test('a deep tree, true for what it shows, to what nobody holds', (t) =>
    scene.during(t, async () => {
      const paths = ([at, paths], peer) =>
        peer.say(answer('nodes', at, 1, paths.map((path) => kDeep.nodes[path.length - 1])))
      const peer = await join(t, differing(kDeep.digest, kDeepTips, { paths, wants: absent }))
      await peer.gone('who does not hold what it told of')
    }))

  const flood = (name, makeLine, room) => t.test(name, (t) => scene.flood(t, makeLine, room))
  const news = () => () => answer('news', 0, tipOfNothing())
  await flood('news of what nobody has', news)
  await t.test('news of what it does not have itself', (t) => scene.during(t, async () => {
    const peer = await join(t, calm({ wants: absent }))
    await pour(peer.asked, news(), kWhileMs)
    await peer.gone('who does not hold what it told of')
  }))

  const writer = makeWriter()
  await flood('ever new feeds', () => () => pushed(writeRun(feedOf(writer), [kRow])))
  await flood('runs that are known', () => {
    const known = times(20, () => pushed(writeRun(feedOf(writer), [kRow])))
    let next = 0
    return () => known[next++ % known.length]
  })
  const behind = { ...feedOf(writer), seq: 1 }
  const large = pushed(writeRun(behind, times(500, () => ({ body: text(4_000) }))))
  await flood('large runs that follow nothing', () => () => large)
  const [held, witness] = [feedOf(writer), makeWriter()]
  const fine = [writeRun(held, [kRow]), writeRun(feedOf(witness), [kRow])].map((run) => pushed(run))
  const stray = pushed(writeRun({ ...held, entry: kLow }, [kRow]))
  await flood('runs that follow another branch', () => () => fine.pop() ?? stray)
  await flood('receipts of strangers', () => {
    const receipts = Buffer.concat(times(256, () => receiptOf(makeWriter, held)))
    return () => answer('receipts', 0, 0, receipts)
  })
  await flood('receipts of a writer, again and again', () => {
    const receipt = answer('receipts', 0, 0, receiptOf(() => witness, held))
    return () => receipt
  })
  await flood('receipts of a writer, a newer one each time', () => () =>
    answer('receipts', 0, 0, receiptOf(() => witness, held)))
  await t.test('receipts in the name of an honest writer', (t) => scene.during(t, async () => {
    const peer = await join(t)
    const key = idOf(scene.friend).publicKey.raw
    for (let i = 0; i < 3; i++)
      peer.say(answer('receipts', 0, 0, receiptOf(() => ({ key, sign: makeWriter().sign }), held)))
    await peer.gone('a forger of receipts')
  }))

  // It asks, and never reads what it is told.
  const deaf = (name, makeLine, before = [], room) => suffered(name, async (t) => {
    const peer = await join(t)
    const streams = [await peer.ask(false), await peer.ask(false)]
    const counts = await Promise.all(streams.map((stream) => {
      stream.pause()
      for (const line of [hello, ...before]) stream.send(line)
      return pour(stream, makeLine, kWhileMs)
    }))
    return `${counts} lines.`
  }, room)
  await deaf('hellos', () => hello)
  const root = request('paths', 0, times(64, () => Buffer.from([1])))
  await deaf('paths', () => root)
  const items = request('items', 0, randomBytes(8 * 512))
  await deaf('items', () => items)
  const more = request('more', 0, 0, 0)
  await deaf('symbols', () => more)
  await suffered('half messages', async (t) => {
    const peer = await join(t)
    peer.say(Buffer.concat([varint(4 << 20), Buffer.alloc((4 << 20) - 1)]))
    for (let i = 0; i < 2; i++)
      (await peer.ask()).send(Buffer.concat([varint(65_536), Buffer.alloc(65_535)]))
    await nap(kWhileMs)
  })
  await suffered('streams', async (t) => {
    const peer = await join(t)
    let count = 0
    for (; count < 200 && !peer.isGone(); count++)
      await peer.ask().then((stream) => stream.send(hello)).catch(() => {})
    return `${count} streams.`
  })

  const long = feedOf(writer)
  await flood('a feed without end', () => () =>
    pushed(writeRun(long, times(64, () => ({ body: text(8_192) })))), kWritingRoomMiB)
  const wants = request('wants', 0, Buffer.concat(times(500, () =>
    want(tipOf(long.id, long.seq, long.entry)))))
  const granted = [request('grant', 16 << 20), wants]
  await deaf('wants, all granted', () => hello, granted, kWritingRoomMiB)
  await deaf('wants, none granted', () => hello, [wants], kWritingRoomMiB)

  const { ok, problems } = await scene.verify()
  assert.ok(ok, JSON.stringify(problems))
})

test('whoever is asked for dropped bodies and gives others is cut off', async (t) => {
  const node = await startKith(t)
  const ledger = (...words) => node.json(['ledger', ...words])
  await good(ledger('create', kLedger))
  const forged = ([at, first, which], peer) => {
    const marks = [...which].map((byte) => byte.toString(2)).join('').replaceAll('0', '')
    peer.say(answer('bodies', at, times(marks.length, () => randomBytes(100))))
  }
  const peer = await makeSyncer(t, node, calm({ lacks: forged }))
  const feeds = times(3, () => feedOf())
  for (const feed of feeds) peer.say(pushed(writeRun(feed, [kRow])))
  await until(async () => (await good(ledger('list')))[0].entries === 3, 'its entries are kept')
  for (const { entry } of feeds) await good(ledger('drop', link(entry).toString()))
  const fetching = feeds.map(({ entry }) => ledger('fetch', link(entry).toString()).catch(() => {}))
  await peer.gone('who forges bodies')
  assert.ok(peer.heard.lacks >= 3)
  const { ok, problems } = await good(ledger('verify', kLedger))
  assert.ok(ok, JSON.stringify(problems))
  assert.equal(await node.stop(), 0)
  await Promise.all(fetching)
})

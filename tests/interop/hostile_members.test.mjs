// SPDX-License-Identifier: MIT
// A stranger, a member and one who was a member, in a ledger with a founder: what they have no
// right to is not kept, however much of it comes, and what the others write arrives.
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import * as dagCbor from '@ipld/dag-cbor'
import assert from 'node:assert/strict'
import test from 'node:test'
import { calm, makeScene } from './hostile_scene.mjs'
import { good, startKith } from './kith.mjs'
import { randomBytes } from './raw.mjs'
import {
  answer, digestIn, makeSyncer, makeWriter, openFeed, pushed, times, tipOfNothing, writeRun
} from './sync.mjs'
import { until } from './wait.mjs'

const kLedger = 'team'
const kRow = { body: Buffer.alloc(100, 'flood') }
const kPeopleMax = 50 // runs of a feed each that is judged, so that each run is another's
const nameOf = ({ key }) => peerIdFromPublicKey(publicKeyFromRaw(key)).toString()
const grantTo = (writer, rank) =>
  ({ body: Buffer.from(dagCbor.encode({ to: writer.key, rank, role: 'writer' })) })

// The first node founds the ledger; the second one joins it and may write.
async function found ([home, other]) {
  const whileItRuns = { after () {} }
  const [founder, friend] = [await startKith(whileItRuns, { home }),
    await startKith(whileItRuns, { home: other })]
  const { join } = await good(founder.json(['ledger', 'create', kLedger, '--private']))
  await good(friend.json(['ledger', 'join', join]))
  await good(founder.json(['ledger', 'grant', kLedger, friend.peerId]))
  for (const node of [founder, friend]) assert.equal(await node.stop(), 0)
}

test('strangers and members in a ledger with a founder', async (t) => {
  const scene = await makeScene(t, kLedger, { found })
  const { node } = scene
  const member = makeWriter()
  const kith = (...words) => good(node.json(['ledger', ...words]))
  const { id } = (await kith('list')).find(({ name }) => name === kLedger)
  const ledger = digestIn(id)
  const { grant } = await kith('grant', kLedger, nameOf(member), '--rank', '100')
  const under = { grant: digestIn(grant) }
  const feeds = (writer, options) => () =>
    openFeed(ledger, writer, typeof options === 'function' ? options() : options)
  const flood = (name, makeLine) => t.test(name, (t) => scene.flood(t, makeLine))
  const runsOf = (open, rows = () => [kRow], spoil) => () => () =>
    pushed(writeRun(open(), rows(), spoil))
  const control = (options) => ({ kind: 'control', ...options })
  const granting = { type: 'ledger/grant' }
  const members = async () => (await kith('show', kLedger)).members
    .filter(({ state }) => state === 'stands').map(({ peer }) => peer).sort()
  const entries = async () => (await kith('list')).find(({ name }) => name === kLedger).entries

  const before = await members()
  const stranger = makeWriter()
  const unknown = () => ({ grant: randomBytes(32) })
  await flood('openings under grants that nobody has', runsOf(feeds(stranger, unknown)))
  await flood('openings under a grant of somebody else', runsOf(feeds(stranger, under)))
  await flood('openings without a grant', runsOf(feeds(stranger)))
  const everybody = () => [grantTo(makeWriter(), 1)]
  await flood('grants by a stranger', runsOf(feeds(stranger, control()), everybody, granting))
  await flood('grants under grants that nobody has',
    runsOf(feeds(stranger, () => control(unknown())), everybody, granting))
  await flood('grants above his own rank by a member', () => {
    const lines = times(kPeopleMax, () =>
      pushed(writeRun(openFeed(ledger, member, control(under)), everybody(), granting)))
    let next = 0
    return () => lines[next++ % lines.length]
  })
  await flood('grants that are none by a member', () => {
    const lines = times(kPeopleMax, () =>
      pushed(writeRun(openFeed(ledger, member, control(under)), [kRow], granting)))
    let next = 0
    return () => lines[next++ % lines.length]
  })
  assert.deepEqual(await members(), before, 'nobody came in')

  const written = openFeed(ledger, member, under)
  await t.test('a member writes, is revoked, and writes on', (t) => scene.during(t, async () => {
    const peer = await makeSyncer(t, node, calm())
    const held = await entries()
    peer.say(pushed(writeRun(written, [kRow])))
    await until(async () => await entries() > held, 'what a member writes is kept')
    await kith('revoke', kLedger, grant)
  }))
  const revoked = await members()
  await flood('entries after the cut', () => () => pushed(writeRun(written, [kRow])))
  await flood('new feeds after the cut', runsOf(feeds(member, under)))
  await flood('new control feeds after the cut',
    runsOf(feeds(member, control(under)), () => [grantTo(makeWriter(), 200)], granting))
  await flood('news of what nobody has', () => () => answer('news', 0, tipOfNothing()))
  assert.deepEqual(await members(), revoked, 'nobody came in')

  const { ok, problems } = await scene.verify()
  assert.ok(ok, JSON.stringify(problems))
})

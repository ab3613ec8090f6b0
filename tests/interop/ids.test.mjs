// SPDX-License-Identifier: MIT
// Three stacks, three forms of a message id. Towards each peer kith speaks of messages in that
// peer's own form, or gossip (IHAVE, IWANT, IDONTWANT) would be about messages nobody knows.
import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { bytesOf, hear, makeJs, meet, specMessageId } from './js.mjs'
import { good, meshed, startKith } from './kith.mjs'
import { jsId, makeAuthor, makeGossiper, randomBytes, rustId, specId } from './raw.mjs'
import { never, until } from './wait.mjs'

const kTopic = 'room/ids'
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const padded = (text) => text.padEnd(2_048, '.') // IDONTWANT is for what is large

const kForms = [
  ['js', 'js-libp2p/3.3.11', jsId],
  ['spec', 'go-libp2p/0.40.0', specId],
  ['rust', 'rust-libp2p/0.55.0', (message, peer) => rustId(message, peer)]
]

async function scene (t) {
  const node = await startKith(t)
  await node.listen(kTopic)
  return node
}

// A heartbeat is a second: they wait for theirs together.
describe('three forms of an id', { concurrency: true }, () => {
  for (const [form, agent, idOf] of kForms) {
    test(`IHAVE and IWANT towards a peer of the ${form} form, known by its agent`, async (t) => {
      const node = await scene(t)
      const [sayer, lazy] = [await makeGossiper(t, node), await makeGossiper(t, node, { agent })]
      for (const peer of [sayer, lazy]) await peer.join(kTopic)
      await lazy.refuseMesh(kTopic)
      await until(async () => (await node.topics())[0].mesh === 1, 'only the other is in the mesh')
      const message = await sayer.author.sign(kTopic, 'for those who ask')
      const id = idOf(message, sayer.peerId)
      sayer.send({ messages: [message] })
      await until(() => lazy.ids('ihave').includes(hex(id)), 'kith offers it by its name here')
      assert.deepEqual(lazy.texts(), [], 'not in the mesh: offered, not sent')
      lazy.send({ control: { iwant: [{ messageIDs: [id] }] } })
      await lazy.hears('for those who ask')
    })

    test(`kith asks a peer of the ${form} form in the words of its offer, once`, async (t) => {
      const node = await scene(t)
      const peer = await makeGossiper(t, node, { agent: 'unheard-of/1.0' })
      const other = await makeGossiper(t, node)
      for (const one of [peer, other]) await one.join(kTopic)
      other.joinMesh(kTopic)
      await peer.refuseMesh(kTopic)
      await meshed(node, kTopic, 1)
      const author = await makeAuthor()
      const message = await author.sign(kTopic, 'mine to give')
      const id = idOf(message, author.peerId)
      const offer = { control: { ihave: [{ topicID: kTopic, messageIDs: [id] }] } }
      peer.send(offer)
      await until(() => peer.ids('iwant').includes(hex(id)), 'kith asks for it')
      peer.send({ messages: [message] })
      await other.hears('mine to give')
      peer.send(offer)
      const next = await author.sign(kTopic, 'another')
      const nextId = idOf(next, author.peerId)
      peer.send({ control: { ihave: [{ topicID: kTopic, messageIDs: [nextId] }] } })
      await until(() => peer.ids('iwant').includes(hex(nextId)), 'kith asks for the next')
      const asked = peer.ids('iwant').filter((each) => each === hex(id))
      assert.equal(asked.length, 1, 'what it has it does not ask for')
      // Its form is known now: what kith offers it is named so.
      const third = await other.author.sign(kTopic, 'of somebody else')
      other.send({ messages: [third] })
      await until(() => peer.ids('ihave').includes(hex(idOf(third, other.peerId))),
        'kith offers in the form that it has seen')
    })

    test(`IDONTWANT both ways with a peer of the ${form} form`, async (t) => {
      const node = await scene(t)
      const [sayer, full] = [await makeGossiper(t, node), await makeGossiper(t, node, { agent })]
      for (const peer of [sayer, full]) {
        await peer.join(kTopic)
        peer.joinMesh(kTopic)
      }
      await meshed(node, kTopic, 2)
      const first = await sayer.author.sign(kTopic, padded('large'))
      sayer.send({ messages: [first] })
      await full.hears(padded('large'))
      const named = full.ids('idontwant')
      assert.deepEqual(named, [hex(idOf(first, sayer.peerId))], 'kith says that it has it')
      const unwanted = await sayer.author.sign(kTopic, padded('unwanted'))
      full.send({ control: { idontwant: [{ messageIDs: [idOf(unwanted, sayer.peerId)] }] } })
      // Two streams have no order between them. An IWANT is answered, so its answer says how far
      // kith has read this one.
      full.send({ control: { iwant: [{ messageIDs: [idOf(first, sayer.peerId)] }] } })
      await until(() => full.texts().filter((text) => text === padded('large')).length === 2,
        'kith has read as far as here')
      sayer.send({ messages: [unwanted] })
      sayer.send({ messages: [await sayer.author.sign(kTopic, padded('wanted'))] })
      await full.hears(padded('wanted'))
      assert.ok(!full.texts().includes(padded('unwanted')))
    })
  }
})

test('an old peer, /meshsub/1.1.0, is sent no IDONTWANT', async (t) => {
  const node = await scene(t)
  const old = await makeGossiper(t, node, { protocols: ['/meshsub/1.1.0'] })
  const sayer = await makeGossiper(t, node)
  for (const peer of [sayer, old]) {
    await peer.join(kTopic)
    peer.joinMesh(kTopic)
  }
  await meshed(node, kTopic, 2)
  assert.equal(old.protocol, '/meshsub/1.1.0')
  sayer.send({ messages: [await sayer.author.sign(kTopic, padded('large'))] })
  await old.hears(padded('large'))
  assert.deepEqual(old.ids('idontwant'), [])
})

test('a flood of offers is not followed without end', async (t) => {
  const node = await scene(t)
  const [loud, calm] = [await makeGossiper(t, node), await makeGossiper(t, node)]
  for (const peer of [loud, calm]) await peer.join(kTopic)
  calm.joinMesh(kTopic)
  await meshed(node, kTopic, 2)
  for (let i = 0; i < 50; i++) {
    const messageIDs = Array.from({ length: 1_000 }, (_, j) => bytesOf(`no such message ${i} ${j}`))
    loud.send({ control: { ihave: [{ topicID: kTopic, messageIDs }] } })
  }
  await until(() => loud.ids('iwant').length > 0, 'kith asks at first')
  assert.ok(loud.ids('iwant').length <= 10_000, `${loud.ids('iwant').length} asked for`)
  const sayer = await makeGossiper(t, node)
  await sayer.join(kTopic)
  sayer.send({ messages: [await sayer.author.sign(kTopic, 'life goes on')] })
  await calm.hears('life goes on')
})

// A mesh of one: all others hear by IHAVE and IWANT. js charges whoever breaks a promise, so an id
// that it does not know shows as a score below zero.
async function gossipOnly (t, options) {
  const sets = ['d=1', 'd_low=1', 'd_high=1', 'flood_publish=false']
  const node = await startKith(t, { sets: sets.map((set) => `plugins.gossipsub.${set}`) })
  await node.listen(kTopic)
  const peers = await Promise.all(options.map((option) => makeJs(t, option)))
  const ears = peers.map((js) => hear(js, kTopic))
  for (const js of peers) await meet(js, node, [kTopic])
  await until(async () => (await node.topics())[0].peers === peers.length, 'kith knows them all')
  const scores = () => peers.map((js) => js.services.pubsub.getScore(node.peerId))
  // Everybody speaks in turn, kith between them, and hears all but itself.
  let round = 0
  const talk = async () => {
    const own = peers.map(() => [])
    const said = []
    for (let i = 0; i < 20; i++) {
      said.push(`kith ${round} ${i}`)
      await node.publish(kTopic, said.at(-1))
      const k = i % peers.length
      own[k].push(`js ${round} ${i}`)
      await peers[k].services.pubsub.publish(kTopic, bytesOf(own[k].at(-1)))
    }
    round++
    const wanted = (k) => [...said, ...own.filter((_, j) => j !== k).flat()].sort()
    await Promise.all(ears.map((ear, k) => ear.count(wanted(k).length, 15_000)))
    ears.forEach((ear, k) => assert.deepEqual(ear.texts().sort(), wanted(k)))
    ears.forEach((ear) => ear.heard.splice(0))
  }
  // js takes a promise for broken after 3 s.
  const uncharged = () => never(() => scores().some((score) => score < 0), 'js charges kith', 4_000)
  const forgiven = async () => {
    await uncharged().catch(() => {})
    await until(() => scores().every((score) => score >= 0), 'what was charged is forgiven')
  }
  return { talk, uncharged, forgiven }
}

const specJs = { gossip: { msgIdFn: specMessageId } }

describe('js charges whoever promises and does not keep it', { concurrency: true }, () => {
  // Each knows both others, so each message can come twice; what is large is announced (IDONTWANT).
  test('a triangle of kith and two js peers: what is large comes once', async (t) => {
    const node = await startKith(t)
    const ear = await node.listen(kTopic)
    const peers = await Promise.all([makeJs(t), makeJs(t)])
    const ears = peers.map((js) => hear(js, kTopic))
    await peers[0].dial(peers[1].getMultiaddrs()[0])
    for (const js of peers) await meet(js, node, [kTopic])
    await meshed(node, kTopic, 2)
    await until(() => peers.every((js) => js.services.pubsub.getMeshPeers(kTopic).length === 2),
      'each js peer has both others in its mesh')
    for (let i = 0; i < 10; i++) {
      for (const js of peers) await js.services.pubsub.publish(kTopic, randomBytes(20_000))
      await good(node.json(['publish', kTopic, '-'], { input: randomBytes(20_000) }))
    }
    await Promise.all([ear.first(30), ...ears.map((each) => each.count(20))])
    await never(() => peers.some((js) => js.services.pubsub.getScore(node.peerId) < 0) ||
      ear.heard().length > 30 || ears.some((each) => each.heard.length > 20),
    'a message came twice, or js charges kith', 4_000)
  })

  test('js peers of two id forms, outside of the mesh: all is heard, none charged', async (t) => {
    const go = { ...specJs, agent: 'go-libp2p/0.40.0' }
    const { talk, uncharged } = await gossipOnly(t, [{}, {}, go, go])
    await talk()
    await uncharged()
  })

  test('a js peer that names messages as the spec does, not as its agent would', async (t) => {
    const { talk, uncharged, forgiven } = await gossipOnly(t, [specJs, specJs, specJs])
    // The first offers may be in the wrong form, until the peer's own have shown the right one.
    await talk()
    await forgiven()
    await talk()
    await uncharged()
  })
})

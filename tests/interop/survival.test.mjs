// SPDX-License-Identifier: MIT
// What was acknowledged is there: after kill -9 at any moment; and a home that was copied, restored
// or left as its key alone goes on in a feed of its own and forks nobody.
import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as nap } from 'node:timers/promises'
import { freshHome, good, startKith } from './kith.mjs'
import { until, within } from './wait.mjs'

const kNotes = 'apps.notes={}'
const start = (t, home) => startKith(t, { home, sets: [kNotes] })
const add = (node, text) => good(node.json(['notes', 'add', text]))
const texts = async (node) => (await good(node.json(['notes', 'list', '--limit', '1000'])))
  .map(({ text }) => text)
const verdict = (node) => good(node.json(['notes', 'verify']))

// Every entry of every node, none of it forked.
async function agree (nodes, expected, feeds) {
  for (const node of nodes) {
    await until(async () => (await texts(node)).length === expected.length,
      `all ${expected.length} notes are there`)
    assert.deepEqual((await texts(node)).sort(), [...expected].sort())
    assert.deepEqual(await verdict(node),
      { ok: true, feeds, entries: expected.length, problems: [] })
  }
}

test('kill -9 at random moments: what was acknowledged is there, in one feed', async (t) => {
  const home = freshHome(t)
  const acknowledged = []
  let said = 0
  for (let round = 0; round < 12; round++) {
    const node = await startNode(home)
    const kept = await texts(node)
    for (const text of acknowledged) assert.ok(kept.includes(text), `${text} is there`)
    let is_alive = true
    const writers = [1, 2, 3].map(async () => {
      while (is_alive) {
        const text = `note ${++said}`
        const { code } = await node.cli(['notes', 'add', text])
        if (code === 0) acknowledged.push(text)
      }
    })
    await nap(20 + Math.random() * 300)
    node.run.child.kill('SIGKILL')
    await within(node.run.ended, 'it is gone')
    is_alive = false
    await Promise.all(writers)
  }
  const node = await startNode(home)
  const listed = await texts(node)
  for (const text of acknowledged) assert.ok(listed.includes(text), `${text} is there`)
  const { ok, feeds, entries } = await verdict(node)
  assert.deepEqual({ ok, feeds, entries }, { ok: true, feeds: 1, entries: listed.length })
  assert.ok(acknowledged.length > 12, 'and there was something to lose')
  assert.equal(await node.stop(), 0)
})

test('a home copied and run twice, a restored backup, a key alone: no fork', async (t) => {
  const third = await start(t)
  const home = freshHome(t)
  let original = await start(t, home)
  await good(original.json(['connect', third.address]))
  await add(original, 'from the original')
  await until(async () => (await texts(third)).length === 1, 'it is synced')
  assert.equal(await original.stop(), 0)

  const copy = `${home}-copy`
  const backup = `${home}-backup`
  for (const to of [copy, backup]) cpSync(home, to, { recursive: true })
  original = await start(t, home)
  await good(original.json(['connect', third.address]))
  await add(original, 'the original goes on')
  const copied = await start(t, copy)
  assert.equal(copied.peerId, original.peerId)
  await add(copied, 'from the copy')
  await until(async () => (await texts(third)).length === 2, 'the original is heard')
  assert.equal(await original.stop(), 0)
  await good(copied.json(['connect', third.address]))
  const three = ['from the original', 'the original goes on', 'from the copy']
  await agree([third, copied], three, 2)
  assert.equal(await copied.stop(), 0)

  renameSync(home, `${home}-lost`)
  cpSync(backup, home, { recursive: true })
  const restored = await start(t, home)
  await add(restored, 'after the restore')
  await good(restored.json(['connect', third.address]))
  const all = [...three, 'after the restore']
  await agree([third, restored], all, 3)
  assert.equal(await restored.stop(), 0)

  const bare = `${home}-bare`
  mkdirSync(bare, { mode: 0o700 })
  copyFileSync(join(home, 'identity.key'), join(bare, 'identity.key'))
  const reborn = await start(t, bare)
  assert.equal(reborn.peerId, original.peerId)
  await add(reborn, 'with the key alone')
  await good(reborn.json(['connect', third.address]))
  await agree([third, reborn], [...all, 'with the key alone'], 4)
})

// A node that is meant to be killed: nothing asks how it ended.
async function startNode (home) {
  return await startKith({ after () {} }, { home, sets: [kNotes] })
}

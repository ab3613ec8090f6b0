// SPDX-License-Identifier: MIT
// Notes as people use them, on two real nodes: written, edited, edited by both while apart,
// settled, looked up and searched; and what the screen says where nothing else is asked for.
import assert from 'node:assert/strict'
import test from 'node:test'
import { good, startKith } from './kith.mjs'
import { until } from './wait.mjs'

const kFirst = { first: true } // in a home as the program makes it

const notes = (node, ...words) => good(node.json(['notes', ...words]))
const texts = (rows) => rows.map(({ text }) => text)
const shows = (node, expected) => until(async () => {
  const now = texts(await notes(node, 'list'))
  return now.join('|') === expected.join('|')
}, `the list is ${expected.join(', ')}`)

test('two nodes write, edit, disagree, settle it and look back', async (t) => {
  const [a, b] = [await startKith(t, kFirst), await startKith(t, kFirst)]
  await good(b.json(['connect', a.address]))
  const milk = await notes(a, 'add', 'buy', 'milk')
  assert.equal(milk.short, milk.id.slice(-8))
  await shows(b, ['buy milk'])
  await notes(b, 'add', 'call Anna')
  await shows(a, ['buy milk', 'call Anna'])

  // Anybody may edit; the list tells who did.
  await notes(b, 'edit', milk.short, 'buy', 'oat', 'milk')
  await shows(a, ['buy oat milk', 'call Anna'])
  const [edited] = await notes(a, 'list')
  assert.equal(edited.id, milk.id)
  assert.equal(edited.author, b.peerId)
  assert.equal(edited.by, `..${b.peerId.slice(-6)}`)
  assert.equal(edited.edited, true)
  assert.equal(edited.conflict, undefined)

  // Apart, both edit the same version.
  await good(b.json(['disconnect', a.peerId]))
  await until(async () => (await a.peers()).length === 0, 'they are apart')
  await notes(b, 'edit', milk.short, 'buy soy milk')
  await notes(a, 'edit', milk.short, 'buy no milk')
  await shows(a, ['buy no milk', 'call Anna'])
  await good(b.json(['connect', a.address]))
  for (const node of [a, b]) {
    await shows(node, ['buy soy milk', 'buy no milk', 'call Anna'])
    const rows = await notes(node, 'list')
    assert.deepEqual(rows.map(({ author }) => author), [b.peerId, a.peerId, b.peerId])
    assert.equal(rows[0].conflict, `1 of 2: kith notes edit ${milk.short} TEXT replaces all`)
    assert.equal(rows[1].conflict, `2 of 2: kith notes edit ${milk.short} TEXT replaces all`)
    assert.equal(rows[2].conflict, undefined)
  }
  const settled = await notes(a, 'edit', milk.short, 'buy soy milk, half of it')
  assert.equal(settled.replaces.length, 2)
  await shows(b, ['buy soy milk, half of it', 'call Anna'])

  // Who wrote what when.
  const steps = await notes(b, 'history', milk.short)
  assert.deepEqual(texts(steps), ['buy milk', 'buy oat milk', 'buy soy milk', 'buy no milk',
    'buy soy milk, half of it'])
  assert.deepEqual(steps.map(({ author }) => author),
    [a.peerId, b.peerId, b.peerId, a.peerId, a.peerId])
  assert.deepEqual(steps.map(({ what }) => what), ['added', ...Array(4).fill('edited')])
  assert.deepEqual(new Set(steps[4].replaces), new Set([steps[2].id, steps[3].id]))
  assert.ok(steps.every(({ time }, i) => i === 0 || time > steps[i - 1].time))
  assert.equal((await notes(b, 'history')).length, 6)

  // What is found, and what is hidden.
  assert.deepEqual(texts(await notes(b, 'search', 'SOY', 'half')), ['buy soy milk, half of it'])
  assert.deepEqual(await notes(b, 'search', 'oat'), [])
  await notes(b, 'delete', milk.id)
  await shows(a, ['call Anna'])
  assert.equal((await notes(a, 'history', milk.short)).at(-1).what, 'deleted')
  assert.equal((await notes(a, 'verify')).ok, true)
})

test('what a person sees: short ids, sentences, a table', async (t) => {
  const node = await startKith(t, kFirst)
  const made = await notes(node, 'add', 'water the plants')
  const table = await good(node.json(['notes', 'list'])) && await node.cli(['notes', 'list'])
  assert.match(table.stdout, new RegExp(`${made.short} .*water the plants`))
  const none = await node.cli(['notes', 'edit', 'zzzzzzzz', 'x'])
  assert.equal(none.code, 1)
  assert.match(none.stderr, /no note has the id 'zzzzzzzz': see kith notes list/)
  const bad = await node.cli(['notes', 'edit', '!', 'x'])
  assert.match(bad.stderr, /'!' is no id of a note/)
  const whole = await notes(node, 'edit', made.id, 'water them twice')
  assert.deepEqual(texts(await notes(node, 'history', whole.version)),
    ['water the plants', 'water them twice'])
})

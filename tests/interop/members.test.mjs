// SPDX-License-Identifier: MIT
// A group's own ledger by real processes: one node founds it, others join by what it printed; a
// grant lets one write, a revoke takes that away, and all show the same, also after a restart, and
// from a file.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { freshHome, good, kith, startKith } from './kith.mjs'
import { until } from './wait.mjs'

const kScript = new URL('../../scripts/notes.lua', import.meta.url).pathname

test('a ledger with a founder: create, join, grant, write, revoke', async (t) => {
  const homes = ['founder', 'member', 'reader'].map((name) => freshHome(t, `kith-${name}-`))
  const nodes = []
  for (const home of homes) nodes.push(await startKith(t, { home }))
  const [founder, member, reader] = nodes
  const made = await good(founder.json(['ledger', 'create', 'team', '--private', '--hide']))
  assert.equal(made.founder, founder.peerId)
  for (const node of [member, reader]) {
    const joined = await good(node.json(['ledger', 'join', made.join]))
    assert.deepEqual(joined, made)
    await good(node.json(['connect', founder.address]))
  }
  const running = ['app', 'run', kScript, '--detach', '--set', 'ledger="team"']
  for (const node of nodes) await good(node.json(running))
  const texts = async (node) => (await good(node.json(['notes', 'list']))).map(({ text }) => text)
  const shows = (node, expected) => until(async () => {
    const now = await texts(node)
    return JSON.stringify(now) === JSON.stringify(expected)
  }, `${node.home} shows ${expected}`)

  await t.test('only who was granted writes', async () => {
    const refused = await member.cli(['notes', 'add', 'too', 'early'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, new RegExp(`kith ledger grant team ${member.peerId}`))
    await good(founder.json(['notes', 'add', 'welcome']))
    const granted = await good(founder.json(['ledger', 'grant', 'team', member.peerId]))
    assert.equal(granted.to, member.peerId)
    const thanks = async () => (await member.cli(['notes', 'add', 'thanks'])).code === 0
    await until(thanks, 'it may write')
    for (const node of nodes) await shows(node, ['welcome', 'thanks'])
    const again = await founder.cli(['ledger', 'grant', 'team', 'nobody'])
    assert.equal(again.code, 1)
    assert.match(again.stderr, /no peer id/)
    const mutiny = await member.cli(['ledger', 'grant', 'team', reader.peerId, '--rank', '100'])
    assert.match(mutiny.stderr, /rank 100 is not below/)
  })

  await t.test('a revoke keeps what was held, and shows before what falls', async () => {
    const plan = await good(founder.json(
      ['ledger', 'revoke', 'team', member.peerId, '--keep', 'none', '--dry-run']))
    assert.equal(plan.dry_run, true)
    assert.equal(plan.revoked[0].void, 1)
    for (const node of nodes) await shows(node, ['welcome', 'thanks'])
    const done = await good(founder.json(['ledger', 'revoke', 'team', member.peerId]))
    assert.equal(done.revoked[0].void, 0)
    assert.equal(done.revoked[0].kept_feeds, 1)
    await until(async () => (await member.cli(['notes', 'add', 'late'])).code === 1, 'no more')
    const twice = await founder.cli(['ledger', 'revoke', 'team', member.peerId])
    assert.match(twice.stderr, /no grant that stands/)
    for (const node of nodes) await shows(node, ['welcome', 'thanks'])
  })

  await t.test('all are whole, and the same after a restart', async () => {
    for (const node of nodes) {
      assert.equal((await good(node.json(['ledger', 'verify', 'team']))).ok, true)
      assert.equal(await node.stop(), 0)
    }
    const again = await startKith(t, { home: homes[2] })
    const [row] = await good(again.json(['ledger', 'list']))
    assert.equal(row.name, 'team')
    assert.equal(row.id, made.id)
    const file = join(homes[2], 'team.car')
    await good(again.json(['ledger', 'export', 'team', file]))
    assert.equal((await good(kith(['--json', 'ledger', 'check', file]))).ok, true)
    // Who has the file and the join needs no network.
    const late = await startKith(t, { sets: [] })
    const before = await late.cli(['ledger', 'import', file])
    assert.match(before.stderr, /kith ledger join u/)
    await good(late.json(['ledger', 'join', made.join, '--as', 'ours']))
    const taken = await good(late.json(['ledger', 'import', file]))
    assert.deepEqual([taken.ok, taken.new], [true, taken.entries])
    const rows = await good(late.json(['ledger', 'history', 'ours']))
    const types = rows.map(({ type }) => type)
    assert.deepEqual(types, ['note', 'ledger/grant', 'note', 'ledger/revoke'])
  })
})

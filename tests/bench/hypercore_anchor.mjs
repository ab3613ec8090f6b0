// SPDX-License-Identifier: MIT
// The anchor of the ledger's rows: hypercore, with its own storage, doing what ledger.cpp does: 300
// bytes an entry, one by one and in batches of 1,000, in a folder that is gone afterwards.
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(new URL('../interop/package.json', import.meta.url))
const Hypercore = require('hypercore')

const folder = mkdtempSync(join(tmpdir(), 'hypercore-'))
const body = Buffer.alloc(300, 7)

async function perSecond (rounds, entries, append) {
  await append() // warm
  const start = performance.now()
  for (let i = 0; i < rounds; i++) await append()
  return rounds * entries * 1e3 / (performance.now() - start)
}

try {
  const core = new Hypercore(folder)
  await core.ready()
  const print = (row) => console.log(JSON.stringify(row))
  print({ row: 19, per_s: await perSecond(10_000, 1, () => core.append(body)) })
  const batch = Array(1000).fill(body)
  print({ row: 20, per_s: await perSecond(100, 1000, () => core.append(batch)) })
  await core.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)

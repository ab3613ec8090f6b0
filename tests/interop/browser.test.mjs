// SPDX-License-Identifier: MIT
// A real browser: the page of tests/interop/page, bundled as its reader would bundle it, in
// headless Chromium, against a node's /ws address. KITH_SHOTS names a folder for its pictures.
import { build } from 'esbuild'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { kWebsocket, meshed, startKith, webAddressOf } from './kith.mjs'
import { until } from './wait.mjs'

const kTopic = 'chat/lobby'
const kPage = fileURLToPath(new URL('page/', import.meta.url))
const kBrowsers = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) =>
  process.env.PATH.split(':').map((folder) => join(folder, name)))

async function files () {
  const { outputFiles: [bundle] } = await build({
    entryPoints: [join(kPage, 'chat.js')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error'
  })
  const read = (name) => readFile(join(kPage, name))
  return {
    '/': ['text/html', await read('index.html')],
    '/chat.css': ['text/css', await read('chat.css')],
    '/chat.js': ['text/javascript', bundle.contents]
  }
}

async function serve (t) {
  const all = await files()
  const server = http.createServer((request, response) => {
    const [type, body] = all[request.url] ?? ['text/plain', 'no such page']
    response.writeHead(all[request.url] ? 200 : 404, { 'content-type': `${type}; charset=utf-8` })
    response.end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${server.address().port}/`
}

async function browse (t) {
  const executablePath = kBrowsers.find(existsSync)
  assert.ok(executablePath, 'no browser here: apt-get install chromium')
  // As root, who checks run as in a container, Chromium starts only without its sandbox.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  t.after(() => browser.close())
  return browser
}

// A page that is connected to the node, or what went wrong with it.
async function open (browser, url, node) {
  const page = await browser.newPage({ viewport: { width: 720, height: 560 } })
  page.setDefaultTimeout(10_000)
  page.errors = []
  page.on('pageerror', (error) => page.errors.push(error.message))
  await page.goto(`${url}#${webAddressOf(node)}`)
  const status = page.getByRole('status')
  await status.getByText('connected', { exact: true }).waitFor().catch(async () =>
    assert.fail(`the page says: ${await status.innerText()}; ${page.errors.join('; ')}`))
  return page
}

const shows = (page, text) => page.getByRole('listitem').filter({ hasText: text }).waitFor()
const texts = (page) => page.getByRole('listitem').allInnerTexts()
async function say (page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
}
const picture = (page, name) =>
  process.env.KITH_SHOTS && page.screenshot({ path: join(process.env.KITH_SHOTS, name) })

test('pages in a browser, a node, and all that they say to each other', async (t) => {
  const [node, url, browser] = await Promise.all([
    startKith(t, { sets: [kWebsocket] }), serve(t), browse(t)])
  const ear = await node.listen(kTopic)
  const [ann, bob] = await Promise.all([open(browser, url, node), open(browser, url, node)])
  await meshed(node, kTopic, 2)

  await say(ann, 'hello from a browser')
  const [message] = await ear.first(1)
  assert.equal(message.text, 'hello from a browser')
  await shows(bob, 'hello from a browser')

  await node.publish(kTopic, 'hello from a shell')
  await Promise.all([shows(ann, 'hello from a shell'), shows(bob, 'hello from a shell')])

  await say(bob, 'and <b>hello</b> from another page')
  await shows(ann, 'and <b>hello</b> from another page')
  await ear.first(3)
  assert.equal((await texts(ann)).length, 3, 'each message once')
  assert.equal((await texts(bob)).length, 3, 'each message once')

  const rows = await node.peers()
  assert.equal(rows.length, 2)
  for (const row of rows) assert.match(row.address, /\/ws$/)
  await picture(ann, 'chat.png')
  assert.deepEqual([...ann.errors, ...bob.errors], [])

  await bob.close()
  await until(async () => (await node.peers()).length === 1, 'the node sees the page go')
  assert.equal(await node.stop(), 0)
  await ann.getByRole('status').getByText('the node is gone').waitFor()
  await picture(ann, 'gone.png')
})

test('an address of nobody: the page says so', async (t) => {
  const [url, browser] = await Promise.all([serve(t), browse(t)])
  const page = await browser.newPage({ viewport: { width: 720, height: 560 } })
  await page.goto(url)
  await page.getByText('not connected', { exact: true }).waitFor()
  await page.getByLabel('Address of a node').fill('/ip4/127.0.0.1/tcp/1/ws')
  await page.getByRole('button', { name: 'Connect' }).click()
  await page.getByRole('status').getByText('not connected: nobody answers there').waitFor()
  await picture(page, 'nobody.png')
})

// SPDX-License-Identifier: MIT
// The program as a process with a home of its own, asked over its control socket: what the long
// rows of the scoreboard measure.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

const kConfig = `[log]
level = "warn"
[ledgers]
open = ["bench"]
[plugins.tcp]
listen = ["/ip4/127.0.0.1/tcp/0"]
`
const alive = new Set()
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')))

export class Node {
  // Runs in this home; resolves once it listens.
  static async start (program, home) {
    mkdirSync(home, { recursive: true, mode: 0o700 })
    writeFileSync(join(home, 'kith.toml'), kConfig)
    const node = new Node()
    const stdio = ['ignore', 'pipe', 'inherit']
    node.child = spawn(program, ['--home', home, '--json', 'run'], { stdio })
    alive.add(node.child)
    node.ended = new Promise((resolve) => node.child.once('exit', resolve))
    node.ended.then(() => alive.delete(node.child))
    node.facts = JSON.parse(await new Promise((resolve, reject) => {
      createInterface({ input: node.child.stdout }).once('line', resolve)
      node.child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)))
    }))
    node.socket = net.connect(join(home, 'kith.sock'))
    node.socket.on('error', () => {})
    node.asked = new Map()
    createInterface({ input: node.socket }).on('line', (line) => node.heard(JSON.parse(line)))
    return node
  }

  heard ({ id, end, error }) {
    const asked = this.asked.get(id)
    if (!asked || (end === undefined && error === undefined)) return
    this.asked.delete(id)
    error === undefined ? asked.resolve(end) : asked.reject(new Error(JSON.stringify(error)))
  }

  call (name, args = {}) {
    const id = this.next = (this.next ?? 0) + 1
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject })
      this.socket.write(JSON.stringify({ id, call: name, args }) + '\n')
    })
  }

  async entries () {
    return Number((await this.call('ledger.list'))[0].entries)
  }

  rssMb () {
    return /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`))[1] / 1024
  }

  cpuSeconds () {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  }

  async end (signal) {
    this.child.kill(signal)
    await this.ended
  }
}

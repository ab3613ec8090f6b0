// SPDX-License-Identifier: MIT
// Waiting with an end: what is awaited, said as a sentence, for the day it does not come.
import { setTimeout as nap } from 'node:timers/promises'

// On two busy cores a wait that takes 50 ms by itself may take seconds.
export const kWaitMs = 10_000

// until(() => x, 'the node has a peer'): the first x that is truthy. The condition may be async.
export async function until (condition, sentence, ms = kWaitMs) {
  const end = performance.now() + ms
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${sentence}`)
    await nap(10)
  }
}

// What the promise gives, or an error that says what did not come.
export async function within (promise, sentence, ms = kWaitMs) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${sentence}`)), ms)
  })
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// That something does NOT happen has no event to wait for: watch it for a while.
export async function never (condition, sentence, ms) {
  const end = performance.now() + ms
  while (performance.now() < end) {
    if (await condition()) throw new Error(`it happened: ${sentence}`)
    await nap(10)
  }
}

/**
 * What libraries take from the global scope by themselves: Yjs its client ids, y-protocols its time
 * and its interval. While a simulation runs they get the simulation's; otherwise the real ones.
 *
 * Import it before anything else: lib0 keeps the functions that it finds when it is loaded.
 */
import { webcrypto } from 'node:crypto'
import type { Cancel } from '../../shared/clock.ts'

export type SimulatedGlobals = {
  /** Wall-clock time, ms. */
  now(): number
  /** A number in [0, 1). */
  random(): number
  /** Runs the action again and again, until cancelled. */
  every(intervalMs: number, action: () => void): Cancel
}

/** A handle like the one that Node's own `setInterval` gives back. */
type Interval = { readonly cancel: Cancel }

let current: SimulatedGlobals | undefined

const real = {
  now: Date.now.bind(Date),
  random: Math.random.bind(Math),
  fill: webcrypto.getRandomValues.bind(webcrypto),
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
}
/** Ends a turn of the real event loop: all microtasks of an event have run by then. */
export const realImmediate: (action: () => void) => unknown = globalThis.setImmediate

Date.now = () => (current === undefined ? real.now() : current.now())
Math.random = () => (current === undefined ? real.random() : current.random())

Object.defineProperty(webcrypto, 'getRandomValues', {
  configurable: true,
  value(array: Uint8Array | Uint32Array) {
    if (current === undefined) return real.fill(array)
    for (let i = 0; i < array.length; i++) array[i] = Math.floor(current.random() * 2 ** 32)
    return array
  },
})

const setIntervalOf = (action: () => void, intervalMs: number): unknown => {
  if (current === undefined) return real.setInterval(action, intervalMs)
  return { cancel: current.every(intervalMs, action) } satisfies Interval
}
const clearIntervalOf = (handle: Interval | NodeJS.Timeout | undefined): void => {
  if (handle !== undefined && 'cancel' in handle) handle.cancel()
  else real.clearInterval(handle)
}
Object.assign(globalThis, { setInterval: setIntervalOf, clearInterval: clearIntervalOf })

/** Runs `action` with the simulation's globals; one simulation at a time. */
export async function withGlobals<T>(
  globals: SimulatedGlobals,
  action: () => Promise<T>,
): Promise<T> {
  if (current !== undefined) throw new Error('a simulation runs already')
  current = globals
  try {
    return await action()
  } finally {
    current = undefined
  }
}

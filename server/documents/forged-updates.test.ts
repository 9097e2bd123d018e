/** Whatever passes the check can be applied, loaded again from the log, and handed to a joiner. */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { seededRandom } from '../../shared/random.ts'
import { forgeUpdate } from '../testing/forged-updates.ts'
import { checkUpdate } from './update-check.ts'

const first = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const RUNS = Number(process.env['RUNS'] ?? 3_000)
const LIMITS = { kind: 'edit', updateBytesMax: 1 << 20 } as const

function check(doc: Y.Doc, update: Uint8Array): 'fits' | 'gap' | 'trim' | 'refused' {
  try {
    return checkUpdate(doc, update, LIMITS)
  } catch (error) {
    expect(error).toBeInstanceOf(WeftError)
    return 'refused'
  }
}

function run(seed: number): { readonly applied: number; readonly refused: number } {
  const random = seededRandom(seed)
  const doc = new Y.Doc()
  const log: Uint8Array[] = []
  let [applied, refused] = [0, 0]
  doc.on('update', (update: Uint8Array) => void log.push(update))
  for (let i = 0; i < 25; i++) {
    const forged = forgeUpdate(doc, random)
    const fit = check(doc, forged)
    const update = fit === 'trim' ? Y.diffUpdate(forged, Y.encodeStateVector(doc)) : forged
    if (fit === 'refused') refused += 1
    if ((fit === 'trim' ? check(doc, update) : fit) !== 'fits') continue
    Y.applyUpdate(doc, update)
    expect(doc.store.pendingStructs).toBeNull()
    applied += 1
  }
  const vector = Y.encodeStateVector(doc)
  const loaded = new Y.Doc()
  loaded.transact(() => {
    for (const update of log) Y.applyUpdate(loaded, update)
  })
  const joiner = new Y.Doc()
  Y.applyUpdate(joiner, Y.encodeStateAsUpdate(doc))
  for (const copy of [loaded, joiner]) {
    expect(copy.store.pendingStructs).toBeNull()
    expect(Y.decodeStateVector(Y.encodeStateVector(copy))).toEqual(Y.decodeStateVector(vector))
  }
  return { applied, refused }
}

describe('[D14] forged updates', () => {
  test(`${RUNS} histories, SEED=${first}`, () => {
    let [applied, refused] = [0, 0]
    for (let seed = first; seed < first + RUNS; seed++) {
      try {
        const outcome = run(seed)
        applied += outcome.applied
        refused += outcome.refused
      } catch (error) {
        throw new Error(`SEED=${seed}`, { cause: error })
      }
    }
    // Neither refuses the check everything, nor nothing.
    expect(applied).toBeGreaterThan(RUNS)
    expect(refused).toBeGreaterThan(RUNS)
  }, 60_000)
})

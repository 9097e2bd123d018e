/**
 * What does it cost to hold a writer to some of a document? The check of one update, which is all
 * that happens before it is applied, in a document with 1,000 comments and 100 fields.
 * `node bench/write-rules.ts`
 */
import { cpus } from 'node:os'
import * as Y from 'yjs'
import { documentName } from '../shared/names.ts'
import type { WriteRule } from '../shared/write-rules.ts'
import { ClientIds } from '../server/documents/client-ids.ts'
import { UnsavedBudget } from '../server/documents/unsaved.ts'
import { UpdateGate } from '../server/documents/update-gate.ts'

const CHECKS = 20_000
/** Of each kind, in turns; the median is shown. */
const ROUNDS = 15

const others = Array.from({ length: 9 }, (_, i) => `part${i}.*.value`)
const rules: Readonly<Record<string, () => WriteRule | undefined>> = {
  'no rule': () => undefined,
  '1 path': kept({ paths: ['*'], own: false }),
  '10 paths': kept({ paths: [...others, '*'], own: false }),
  '10 paths, read anew': () => ({ paths: [...others, '*'], own: false }),
  'own, 1 path': kept({ paths: ['*'], own: true }),
}

const writer = new Y.Doc()
const comments = Array.from({ length: 1_000 }, (_, i) => newComment(`comment ${i}`))
writer.getArray('comments').push(comments)
for (let i = 0; i < 100; i++) writer.getMap('fields').set(`f${i}`, i)

const edits: Readonly<Record<string, () => void>> = {
  'a key stroke in a comment': () => comment(500).insert(3, 'x'),
  'a letter deleted in a comment': () => comment(500).delete(1, 1),
  'a value of a map': () => writer.getMap('fields').set('f50', 2),
  'a new comment': () => writer.getArray('comments').push([newComment('some words')]),
  '100 comments at once': () => {
    const many = Array.from({ length: 100 }, (_, i) => newComment(`comment ${i}`))
    writer.getArray('comments').insert(10, many)
  },
}

console.log(`${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`)
console.log('µs of the check of one update\n')
console.log(`| update | ${Object.keys(rules).join(' | ')} |`)
console.log(`|---|${'---:|'.repeat(Object.keys(rules).length)}`)
for (const [name, change] of Object.entries(edits)) {
  const gate = gateOf(copyOf(writer))
  const update = updateOf(change)
  const checks = Math.ceil(CHECKS / Math.max(1, update.byteLength / 50))
  const took = Object.values(rules).map(() => [] as number[])
  for (let round = -3; round < ROUNDS; round++) {
    for (const [i, rule] of Object.values(rules).entries()) {
      const startedAt = performance.now()
      for (let n = 0; n < checks; n++)
        gate.check(update, { kind: 'edit', author: 'ada', rule: rule() })
      const each = ((performance.now() - startedAt) * 1_000) / checks
      if (round >= 0) took[i]?.push(each)
    }
  }
  const medians = took.map(each => each.toSorted((a, b) => a - b)[each.length >> 1] ?? Number.NaN)
  console.log(`| ${name} | ${medians.map(each => each.toFixed(2)).join(' | ')} |`)
}

function kept(rule: WriteRule): () => WriteRule {
  return () => rule
}

function newComment(text: string): Y.Map<unknown> {
  return new Y.Map<unknown>([
    ['by', 'ada'],
    ['body', new Y.Text(text)],
  ])
}

function comment(index: number): Y.Text {
  return writer.getArray<Y.Map<unknown>>('comments').get(index).get('body') as Y.Text
}

function copyOf(from: Y.Doc): Y.Doc {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(from))
  return copy
}

function gateOf(doc: Y.Doc): UpdateGate {
  const clientIds = new ClientIds()
  clientIds.claim([writer.clientID], 'ada')
  return new UpdateGate({
    name: documentName('bench/rules'),
    doc,
    budget: new UnsavedBudget(1e9),
    limits: { updateBytesMax: 1e7, stateBytesMax: 1e7, documentBytesMax: 1e9, notSavingAfterMs: 1 },
    clientIds,
    roots: undefined,
    bytes: 0,
  })
}

function updateOf(change: () => void): Uint8Array {
  const updates: Uint8Array[] = []
  const listen = (update: Uint8Array) => void updates.push(update)
  writer.on('update', listen)
  writer.transact(change)
  writer.off('update', listen)
  return Y.mergeUpdates(updates)
}

/**
 * An update of a limited writer is taken if, and only if, nothing changed where he may not write:
 * held against the naive answer, over histories of edits and of forgeries from a seed.
 */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import { forgeUpdate } from '../testing/forged-updates.ts'
import { breach, rememberingCopy, type NaiveRule } from '../testing/naive-paths.ts'
import { docOf, editAtRandom } from '../testing/random-edits.ts'
import { checkPaths } from './path-check.ts'
import { checkUpdate, type UpdateKind } from './update-check.ts'

const first = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const HISTORIES = Number(process.env['RUNS'] ?? 250)

const paths: readonly NaiveRule['paths'][] = [
  [['text']],
  [['map']],
  [['map', 'a']],
  [['map', null]],
  [['map', null, 'list']],
  [['list'], ['page']],
  [['page', 'class']],
  [
    ['text', 'a'],
    ['map', 'b', 'a'],
  ],
  [[null, 'a']],
  [[null]],
  [],
]

type Verdict = 'taken' | 'refused' | 'unfit'
const OTHERS_ID = 'the update writes under an id of somebody else'

function verdictOf(doc: Y.Doc, update: Uint8Array, rule: NaiveRule, kind: UpdateKind): Verdict {
  const { own } = rule
  const names = rule.paths.map(path => path.map(one => one ?? '*').join('.'))
  try {
    const fit = checkUpdate(doc, update, {
      kind,
      updateBytesMax: 1e6,
      onWriter: id => {
        if (own?.has(id) === false) throw new Error(OTHERS_ID)
      },
      inspect: placed =>
        checkPaths(doc, placed, {
          rule: { paths: names, own: own !== undefined },
          isOwn: id => own?.has(id) === true,
        }),
    })
    return fit === 'fits' ? 'taken' : 'unfit'
  } catch (error) {
    if (error instanceof WeftError && error.code === 'PATH_FORBIDDEN') return 'refused'
    if (error instanceof WeftError || (error as Error).message === OTHERS_ID) return 'unfit'
    throw error
  }
}

class History {
  readonly random: Random
  readonly doc = new Y.Doc()
  readonly counts = { taken: 0, refused: 0, unfit: 0 }

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** Returns whether the limited writer's update was taken. */
  offer(update: Uint8Array, rule: NaiveRule, kind: UpdateKind): boolean {
    const copy = rememberingCopy(this.doc)
    const before = Y.encodeStateAsUpdate(copy)
    const verdict = verdictOf(copy, update, rule, kind)
    this.counts[verdict] += 1
    if (verdict === 'unfit') return false
    // Plain comparisons: there are many of them.
    if (Buffer.compare(before, Y.encodeStateAsUpdate(copy)) !== 0) throw new Error('it is changed')
    const why = breach(copy, update, rule)
    if ((verdict === 'taken') !== (why === undefined)) throw new Error(`${verdict}: ${why}`)
    return verdict === 'taken'
  }

  rule(own: ReadonlySet<number>): NaiveRule {
    return { paths: pick(this.random, paths), own: this.random.next() < 0.4 ? own : undefined }
  }
}

/** Three writers and a limited one edit, sync now and then, and the limited one sends what he has. */
function edited(seed: number): History {
  const history = new History(seed)
  const { random, doc } = history
  const free = [docOf(random), docOf(random)]
  let limited = docOf(random)
  const ids = new Set([limited.clientID])
  const rule = history.rule(ids)
  for (let step = 0; step < 12; step++) {
    const one = pick(random, free)
    if (random.next() < 0.6) Y.applyUpdate(one, Y.encodeStateAsUpdate(doc))
    editAtRandom(one, random)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(one))
    if (random.next() < 0.7) Y.applyUpdate(limited, Y.encodeStateAsUpdate(doc))
    const edits: Uint8Array[] = []
    const listen = (update: Uint8Array) => void edits.push(update)
    limited.on('update', listen)
    editLimited(limited, random)
    limited.off('update', listen)
    const isState = random.next() < 0.5
    const update = isState ? Y.encodeStateAsUpdate(limited) : Y.mergeUpdates(edits)
    if (edits.length > 0 && history.offer(update, rule, isState ? 'state' : 'edit')) {
      Y.applyUpdate(doc, update)
    } else {
      limited = docOf(random)
      ids.add(limited.clientID)
      Y.applyUpdate(limited, Y.encodeStateAsUpdate(doc))
    }
  }
  return history
}

function editLimited(doc: Y.Doc, random: Random): void {
  const kind = integerBetween(random, 0, 5)
  const key = pick(random, ['a', 'b'])
  if (kind < 2) editAtRandom(doc, random)
  else if (kind === 2) doc.getText('text').insert(0, 'x')
  else if (kind === 3) doc.getMap('map').set(key, new Y.Map([['a', 1]]))
  else if (kind === 4) doc.getMap('map').delete(key)
  else {
    const inner = doc.getMap('map').get(key)
    if (inner instanceof Y.Map) inner.set(pick(random, ['a', 'list']), 1)
    const [element] = doc.getXmlFragment('page').toArray()
    if (element instanceof Y.XmlElement) element.setAttribute('class', 'x')
  }
}

/** Nobody's Yjs makes these; client 1 and 2 are the limited writer's when it matters. */
function forged(seed: number): History {
  const history = new History(seed)
  const { random, doc } = history
  const own = new Set([1, 2])
  for (let i = 0; i < 25; i++) {
    const update = forgeUpdate(doc, random)
    const isTaken = history.offer(update, history.rule(own), 'edit')
    // Others write without a rule, so that there is something to break.
    const isFree = random.next() < 0.5
    const free = { paths: [[null]], own: undefined }
    if (isTaken || (isFree && verdictOf(doc, update, free, 'edit') === 'taken')) {
      Y.applyUpdate(doc, update)
    }
  }
  return history
}

describe('[write rules] taken, if and only if nothing changed outside', () => {
  test.each([
    ['edits', edited],
    ['forgeries', forged],
  ])(
    `%s: ${HISTORIES} histories, SEED=${first}`,
    (_what, run) => {
      let [taken, refused] = [0, 0]
      for (let seed = first; seed < first + HISTORIES; seed++) {
        try {
          const { counts } = run(seed)
          taken += counts.taken
          refused += counts.refused
        } catch (error) {
          throw new Error(`SEED=${seed}`, { cause: error })
        }
      }
      expect(taken).toBeGreaterThan(HISTORIES)
      expect(refused).toBeGreaterThan(HISTORIES)
    },
    600_000,
  )
})

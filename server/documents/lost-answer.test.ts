/** An append whose answer was lost: it is found, whoever reads it first and whatever came since. */
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName } from '../../shared/names.ts'
import { seededRandom } from '../../shared/random.ts'
import { silentLog } from '../base/log.ts'
import { MemoryJournal } from '../journal/memory-journal.ts'
import type { NewEntry } from '../journal/journal.ts'
import { FaultyJournal } from '../testing/faulty-journal.ts'
import { DocumentLog } from './document-log.ts'
import { UnsavedBudget } from './unsaved.ts'

const name = documentName('acme/plan')
const born = { incarnation: 'life-1', by: 'alice', at: 1, afterDeletion: false }
const entry = (text: string): NewEntry => ({
  author: 'alice',
  at: 2,
  update: new TextEncoder().encode(text),
  handsOver: false,
})
const settle = async () => {
  for (let i = 0; i < 6; i++) await new Promise(resolve => setImmediate(resolve))
}

describe('[D20] the answer to an append is lost', () => {
  let clock: ManualClock
  let journal: FaultyJournal
  let log: DocumentLog
  let seen: string[]

  beforeEach(async () => {
    clock = new ManualClock()
    journal = new FaultyJournal(new MemoryJournal())
    const stored = await journal.open(name, born)
    seen = []
    log = new DocumentLog({
      head: stored!.head,
      journal,
      budget: new UnsavedBudget(1 << 20),
      notSavingAfterMs: 60_000,
      clock,
      random: seededRandom(1),
      log: silentLog,
      onDurable: () => {},
      onSaving: () => {},
      onStored: () => {},
      onOthers: entries => {
        seen.push(...entries.map(({ update }) => new TextDecoder().decode(update)))
      },
      onRefused: error => {
        throw error
      },
    })
    journal.loseAnswers = 1
    log.push(entry('one'))
    log.push(entry('two'))
    await settle()
    expect([log.durableVersion, journal.loseAnswers]).toEqual([0, 0])
  })

  const expectStoredOnce = async (texts: readonly string[]) => {
    clock.advance(200)
    await settle()
    expect(log.durableVersion).toBe(texts.length)
    const entries = await journal.entries(name, 0, 100)
    expect(entries.map(({ update }) => new TextDecoder().decode(update))).toEqual(texts)
    expect(log.seq).toBe(entries.length)
  }

  test('it is looked for before anything is sent again', () => expectStoredOnce(['one', 'two']))

  test('somebody else reads on before that', async () => {
    await log.catchUp(2)
    expect(seen).toEqual(['one', 'two'])
    await expectStoredOnce(['one', 'two'])
  })

  test('it is read in two pieces', async () => {
    const whole = journal.entries.bind(journal)
    journal.entries = async (one, afterSeq) => whole(one, afterSeq, 1)
    await log.catchUp(2)
    journal.entries = whole
    await expectStoredOnce(['one', 'two'])
  })

  test('another change came meanwhile, which has to be stored', async () => {
    log.push(entry('three'))
    await expectStoredOnce(['one', 'two', 'three'])
  })

  test('others have written since', async () => {
    const others = [entry('theirs')]
    await journal.append({ name, incarnation: 'life-1', entries: others })
    clock.advance(200)
    await settle()
    expect(log.durableVersion).toBe(2)
    expect(await journal.entries(name, 0, 100)).toHaveLength(3)
  })
})

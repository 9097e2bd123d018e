/** What every journal must do; each implementation runs this suite. Ids are those of README.md. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { documentName, type DocumentName } from '../../shared/names.ts'
import { integerBetween, pick, seededRandom } from '../../shared/random.ts'
import type { Creation, Journal, NewEntry } from './journal.ts'

export type JournalHarness = {
  readonly journal: Journal
  /** Ends this journal and opens the same store again; undefined where nothing outlives it. */
  readonly reopen?: () => Promise<Journal>
  readonly close: () => Promise<void>
}

const plan = documentName('acme/plan')
const born: Creation = { incarnation: 'life-1', by: 'alice', at: 1000, afterDeletion: false }

const entry = (text: string, author = 'alice', at = 2000): NewEntry => ({
  author,
  at,
  update: new TextEncoder().encode(text),
})

export function journalContract(name: string, open: () => Promise<JournalHarness>): void {
  describe(`the ${name} journal`, () => {
    let harness: JournalHarness
    let journal: Journal
    beforeEach(async () => {
      harness = await open()
      journal = harness.journal
    })
    afterEach(() => harness.close())

    const append = (text: string, document: DocumentName = plan, incarnation = 'life-1') =>
      journal.append({ name: document, incarnation, entries: [entry(text)] })
    const texts = async (document = plan) =>
      (await journal.open(document))?.tail.map(({ update }) => new TextDecoder().decode(update))

    test('[J6] an unknown name is undefined, and a creation makes it', async () => {
      expect(await journal.open(plan)).toBeUndefined()
      expect(await journal.head(plan)).toBeUndefined()
      const created = await journal.open(plan, born)
      expect(created).toEqual({
        head: {
          name: plan,
          incarnation: 'life-1',
          seq: 0,
          bytes: 0,
          createdAt: 1000,
          createdBy: 'alice',
          updatedAt: 1000,
          deletedAt: null,
          schema: 0,
        },
        snapshot: null,
        tail: [],
      })
      const again = await journal.open(plan, { ...born, incarnation: 'other' })
      expect(again?.head.incarnation).toBe('life-1')
    })

    test('[J2] entries come back as they were, in the order of their appends', async () => {
      await journal.open(plan, born)
      const receipts = await Promise.all(['a', 'b', 'c'].map(text => append(text)))
      expect(receipts).toEqual([{ seq: 1 }, { seq: 2 }, { seq: 3 }])
      const stored = await journal.open(plan)
      expect(stored?.tail).toEqual([
        { seq: 1, ...entry('a') },
        { seq: 2, ...entry('b') },
        { seq: 3, ...entry('c') },
      ])
      expect(stored?.head).toMatchObject({ seq: 3, updatedAt: 2000, bytes: 3 })
    })

    test('[J2] the entries of one append stand together', async () => {
      await journal.open(plan, born)
      const entries = [entry('a', 'alice'), entry('b', 'bob', 2001)]
      expect(await journal.append({ name: plan, incarnation: 'life-1', entries })).toEqual({
        seq: 2,
      })
      expect(await journal.entries(plan, 0, 10)).toEqual([
        { seq: 1, ...entry('a') },
        { seq: 2, ...entry('b', 'bob', 2001) },
      ])
      expect(await journal.entries(plan, 1, 1)).toMatchObject([{ seq: 2 }])
    })

    test('[J13] a document begins with its seed and its schema, once', async () => {
      const seed = new TextEncoder().encode('seed')
      const creation = { ...born, seed, schema: 3 }
      const created = await journal.open(plan, creation)
      expect(created).toMatchObject({ head: { seq: 1, schema: 3, bytes: 4 } })
      expect(created?.tail).toEqual([
        { seq: 1, author: 'alice', at: 1000, update: seed, handsOver: true },
      ])
      const other = { ...creation, incarnation: 'other', seed: Uint8Array.of(1) }
      expect(await journal.open(plan, other)).toEqual(created)
      expect(await append('next')).toEqual({ seq: 2 })
      if (harness.reopen !== undefined) journal = await harness.reopen()
      expect(await texts()).toEqual(['seed', 'next'])
    })

    test('[J14] a request is carried out once, and is found again', async () => {
      await journal.open(plan, born)
      const request = { key: 'k1', digest: 'd1' }
      const entries = [{ ...entry('a'), request }]
      const once = { name: plan, incarnation: 'life-1', entries }
      expect(await journal.request(plan, 'k1')).toBeUndefined()
      await append('before')
      expect(await journal.append(once)).toEqual({ seq: 2 })
      await expect(journal.append(once)).rejects.toMatchObject({ code: 'REQUEST_REPEATED' })
      if (harness.reopen !== undefined) journal = await harness.reopen()
      expect(await journal.request(plan, 'k1')).toEqual({ seq: 2, digest: 'd1' })
      expect(await journal.request(documentName('other'), 'k1')).toBeUndefined()
      expect(await texts()).toEqual(['before', 'a'])
      // Another document, and another life of this one, do not know it.
      await journal.remove(plan, 'bob', 3000)
      expect(await journal.request(plan, 'k1')).toBeUndefined()
    })

    test('[J15] the schema moves on with its entries, from where it was expected', async () => {
      await journal.open(plan, { ...born, schema: 1 })
      const move = (from: number, to: number) =>
        journal.append({
          name: plan,
          incarnation: 'life-1',
          entries: [entry(`to ${to}`)],
          schema: { from, to },
        })
      const outcomes = await Promise.allSettled([move(1, 2), move(1, 2)])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
      expect(outcomes[1]).toMatchObject({ reason: { code: 'SCHEMA_CONFLICT' } })
      expect(await journal.head(plan)).toMatchObject({ schema: 2, seq: 1 })
      expect(await append('next')).toEqual({ seq: 2 })
    })

    test('[J16] an entry knows whether it was handed over, and a snapshot whose the ids are', async () => {
      await journal.open(plan, born)
      const entries = [entry('a'), { ...entry('b'), handsOver: true }, entry('c')]
      await journal.append({ name: plan, incarnation: 'life-1', entries })
      const state = Uint8Array.of(0, 0)
      const owners = new Map([
        [4_294_967_295, 'zoë "the" editor'],
        [1, 'bob'],
        [7, 'zoë "the" editor'],
      ])
      const put = (previousSeq: number, seq: number, known?: typeof owners) => {
        const snapshot = { seq, at: 5, state, ...(known === undefined ? {} : { owners: known }) }
        return journal.putSnapshot({ name: plan, incarnation: 'life-1', previousSeq, snapshot })
      }
      expect(await put(0, 1)).toBe('put')
      if (harness.reopen !== undefined) journal = await harness.reopen()
      const before = await journal.open(plan)
      expect(before?.snapshot).toEqual({ seq: 1, at: 5, state })
      expect(before?.tail).toEqual([
        { seq: 2, ...entry('b'), handsOver: true },
        { seq: 3, ...entry('c') },
      ])
      expect(await put(1, 2, owners)).toBe('put')
      const found = (await journal.open(plan))?.snapshot?.owners
      // In this order: the oldest are the first to be forgotten.
      expect([...(found ?? [])]).toEqual([...owners])
    })

    test('[J17] an append that must follow an entry is refused when it does not', async () => {
      await journal.open(plan, born)
      const after = (afterSeq: number, ...marks: string[]) =>
        journal.append({
          name: plan,
          incarnation: 'life-1',
          entries: marks.map(text => entry(text)),
          afterSeq,
        })
      const outcomes = await Promise.allSettled([after(0, 'a', 'b'), after(0, 'c'), after(2, 'd')])
      expect(outcomes).toMatchObject([
        { status: 'fulfilled', value: { seq: 2 } },
        { status: 'rejected', reason: { code: 'SEQ_CONFLICT' } },
        { status: 'fulfilled', value: { seq: 3 } },
      ])
      expect(await texts()).toEqual(['a', 'b', 'd'])
      // A request that was carried out is told so, wherever the document stands by now.
      const request = { key: 'k', digest: 'd' }
      const entries = [{ ...entry('e'), request }]
      const once = { name: plan, incarnation: 'life-1', entries, afterSeq: 3 }
      expect(await journal.append(once)).toEqual({ seq: 4 })
      await expect(journal.append(once)).rejects.toMatchObject({ code: 'REQUEST_REPEATED' })
      // Refused, it has not moved the schema either.
      const schema = { from: 0, to: 1 }
      const late = { ...once, entries: [entry('f')], schema }
      await expect(journal.append(late)).rejects.toMatchObject({ code: 'SEQ_CONFLICT' })
      expect(await journal.head(plan)).toMatchObject({ schema: 0, seq: 4 })
    })

    test('positions are told of living documents alone', async () => {
      const [gone, fresh, nobody] = ['gone', 'fresh', 'nobody'].map(documentName) as [
        DocumentName,
        DocumentName,
        DocumentName,
      ]
      await journal.open(plan, { ...born, schema: 3 })
      await journal.open(gone, { ...born, incarnation: 'life-g' })
      await journal.open(fresh, { ...born, incarnation: 'life-f' })
      await append('a')
      await append('b')
      await journal.putSnapshot({
        name: plan,
        incarnation: 'life-1',
        previousSeq: 0,
        snapshot: { seq: 2, at: 5, state: Uint8Array.of(0, 0) },
      })
      await journal.remove(gone, 'bob', 1)
      const found = await journal.positions([gone, fresh, nobody, plan])
      const byName = found.toSorted((one, other) => (one.name < other.name ? -1 : 1))
      expect(byName).toEqual([
        { name: plan, incarnation: 'life-1', seq: 2, schema: 3 },
        { name: fresh, incarnation: 'life-f', seq: 0, schema: 0 },
      ])
      expect(await journal.positions([])).toEqual([])
    })

    test('documents do not see each other, whatever they are called', async () => {
      const names = ['constructor', '__proto__', 'toString', 'a', 'a/b', 'a.b'].map(documentName)
      for (const one of names) {
        await journal.open(one, { ...born, incarnation: `life of ${one}` })
        await append(`text of ${one}`, one, `life of ${one}`)
      }
      for (const one of names) expect(await texts(one)).toEqual([`text of ${one}`])
    })

    test('[J3] an append to a name that is not there is refused', async () => {
      await expect(append('a')).rejects.toMatchObject({ code: 'DOCUMENT_NOT_FOUND' })
      await journal.open(plan, born)
      await expect(append('a', plan, 'life-0')).rejects.toMatchObject({
        code: 'INCARNATION_MISMATCH',
      })
      expect(await texts()).toEqual([])
    })

    test('[J7] a deleted document is gone, and only an explicit creation begins anew', async () => {
      await journal.open(plan, born)
      await append('a')
      expect(await journal.remove(plan, 'bob', 3000)).toMatchObject({ deletedAt: 3000, seq: 1 })
      expect(await journal.remove(plan, 'bob', 3001)).toBeUndefined()
      expect(await journal.head(plan)).toMatchObject({ deletedAt: 3000 })
      const gone = { code: 'DOCUMENT_DELETED' }
      await expect(append('b')).rejects.toMatchObject(gone)
      await expect(journal.open(plan)).rejects.toMatchObject(gone)
      const second = { ...born, incarnation: 'life-2', at: 4000 }
      await expect(journal.open(plan, second)).rejects.toMatchObject(gone)
      const anew = await journal.open(plan, { ...second, afterDeletion: true })
      expect(anew).toMatchObject({ head: { incarnation: 'life-2', seq: 0 }, tail: [] })
      await expect(append('c')).rejects.toMatchObject({ code: 'INCARNATION_MISMATCH' })
      expect(await append('d', plan, 'life-2')).toEqual({ seq: 1 })
      expect(await texts()).toEqual(['d'])
    })

    test('an append before a removal is stored, one after it is refused', async () => {
      await journal.open(plan, born)
      const before = append('a')
      const removal = journal.remove(plan, 'bob', 3000)
      await before
      expect(await removal).toMatchObject({ seq: 1 })
    })

    test('[J8] a snapshot is put by compare-and-set, and opening starts from it', async () => {
      await journal.open(plan, born)
      for (const text of ['a', 'b', 'c']) await append(text)
      const state = new TextEncoder().encode('ab')
      const put = (previousSeq: number, seq: number, incarnation = 'life-1') =>
        journal.putSnapshot({
          name: plan,
          incarnation,
          previousSeq,
          snapshot: { seq, at: 5, state },
        })
      expect(await put(0, 2, 'life-0')).toBe('stale')
      expect(await put(1, 2)).toBe('stale')
      expect(await put(0, 2)).toBe('put')
      expect(await put(0, 3)).toBe('stale')
      expect(await put(2, 2)).toBe('stale')
      const stored = await journal.open(plan)
      expect(stored?.snapshot).toEqual({ seq: 2, at: 5, state })
      expect(stored?.tail.map(({ seq }) => seq)).toEqual([3])
      expect(stored?.head).toMatchObject({ seq: 3, bytes: 3 })
      expect(await put(2, 3)).toBe('put')
      expect(await append('d')).toEqual({ seq: 4 })
      // History stays until a retention rule takes it.
      expect(await journal.entries(plan, 0, 10)).toHaveLength(4)
    })

    test('documents are listed in order, page by page', async () => {
      const names = ['b', 'a/2', 'a/1', 'ab', 'a/10', 'c'].map(documentName)
      for (const [index, one] of names.entries()) {
        await journal.open(one, { ...born, incarnation: `life ${index}` })
      }
      await journal.remove(documentName('c'), 'bob', 1)
      const page = async (prefix: string, after: string, limit: number) =>
        (await journal.list({ prefix, after, limit })).map(head => head.name)
      expect(await page('', '', 10)).toEqual(['a/1', 'a/10', 'a/2', 'ab', 'b'])
      expect(await page('a/', '', 2)).toEqual(['a/1', 'a/10'])
      expect(await page('a/', 'a/10', 2)).toEqual(['a/2'])
      expect(await page('x', '', 10)).toEqual([])
    })

    test('an inspection tells what is stored', async () => {
      await journal.open(plan, born)
      for (const text of ['a', 'bb', 'c']) await append(text)
      const state = Uint8Array.of(0, 0)
      await journal.putSnapshot({
        name: plan,
        incarnation: 'life-1',
        previousSeq: 0,
        snapshot: { seq: 2, at: 9, state },
      })
      expect(await journal.inspect(plan)).toEqual({
        head: expect.objectContaining({ seq: 3, bytes: 3 }) as unknown,
        snapshots: [{ seq: 2, at: 9, bytes: 2, quarantined: false }],
        entries: { count: 3, firstSeq: 1, bytes: 4 },
        authors: [{ author: 'alice', entries: 3, lastAt: 2000 }],
        damage: [],
        bypassed: [],
      })
      expect(await journal.inspect(documentName('nobody'))).toBeUndefined()
    })

    test('[J1] what was acknowledged is there after the store is opened again', async () => {
      if (harness.reopen === undefined) return
      await journal.open(plan, born)
      await append('a')
      await append('b')
      journal = await harness.reopen()
      expect(await texts()).toEqual(['a', 'b'])
      expect(await append('c')).toEqual({ seq: 3 })
      expect(await texts()).toEqual(['a', 'b', 'c'])
    })

    test.each([1, 7, 1234, 99_001])('[J2] a random history of seed %i reads back', async seed => {
      const random = seededRandom(seed)
      const docs = ['x', 'y', 'z/1'].map(text => ({ name: documentName(text), doc: new Y.Doc() }))
      for (const { name: one } of docs) await journal.open(one, { ...born, incarnation: one })
      const pending: Promise<unknown>[] = []
      for (const { name: one, doc } of docs) {
        doc.on('update', (update: Uint8Array) => {
          const entries = [{ author: 'a', at: 1, update }]
          pending.push(journal.append({ name: one, incarnation: one, entries }))
        })
      }
      for (let step = 0; step < 200; step++) {
        const { name: one, doc } = pick(random, docs)
        const text = doc.getText('t')
        const at = integerBetween(random, 0, text.length)
        if (random.next() < 0.7) text.insert(at, `${step} `)
        else text.delete(Math.min(at, Math.max(0, text.length - 2)), Math.min(2, text.length))
        if (random.next() < 0.05) {
          await Promise.all(pending)
          await snapshotOf(journal, one)
        }
      }
      await Promise.all(pending)
      if (harness.reopen !== undefined) journal = await harness.reopen()
      for (const { name: one, doc } of docs) {
        expect((await replay(journal, one)).getText('t').toString()).toBe(
          doc.getText('t').toString(),
        )
      }
    })
  })
}

async function replay(journal: Journal, name: DocumentName): Promise<Y.Doc> {
  const stored = await journal.open(name)
  const doc = new Y.Doc()
  if (stored?.snapshot) Y.applyUpdate(doc, stored.snapshot.state)
  for (const { update } of stored?.tail ?? []) Y.applyUpdate(doc, update)
  return doc
}

async function snapshotOf(journal: Journal, name: DocumentName): Promise<void> {
  const stored = await journal.open(name)
  const seq = stored?.head.seq ?? 0
  const previousSeq = stored?.snapshot?.seq ?? 0
  if (seq === previousSeq) return
  const state = Y.encodeStateAsUpdate(await replay(journal, name))
  const snapshot = { seq, at: 1, state }
  const put = await journal.putSnapshot({ name, incarnation: name, previousSeq, snapshot })
  expect(put).toBe('put')
}

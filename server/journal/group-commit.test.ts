import { describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { documentName } from '../../shared/names.ts'
import { GroupCommit, type AppendOutcome, type CommitReport } from './group-commit.ts'
import type { Append } from './journal.ts'

const append = (name: string, bytes = 10, entries = 1): Append => ({
  name: documentName(name),
  incarnation: 'one',
  entries: Array.from({ length: entries }, () => ({
    author: 'a',
    at: 1,
    update: new Uint8Array(bytes),
  })),
})

function harness(limits: { entries?: number; bytes?: number; batch?: number } = {}) {
  const batches: string[][] = []
  const reports: CommitReport[] = []
  let release: (() => void) | undefined
  let failure: Error | undefined
  let seq = 0
  const commit = new GroupCommit({
    clock: systemClock,
    paceMs: 0,
    queueEntriesMax: limits.entries ?? 1000,
    queueBytesMax: limits.bytes ?? 1_000_000,
    batchBytesMax: limits.batch ?? 1_000_000,
    onCommit: report => void reports.push(report),
    async commit(batch) {
      batches.push(batch.map(({ name }) => name))
      await new Promise<void>(resolve => (release = resolve))
      if (failure !== undefined) throw failure
      return batch.map(({ name }): AppendOutcome =>
        name === 'deleted'
          ? { ok: false, error: new WeftError('DOCUMENT_DELETED', 'gone') }
          : { ok: true, seq: ++seq },
      )
    },
  })
  const finishCommit = async () => {
    while (release === undefined) await new Promise(resolve => setImmediate(resolve))
    const go = release
    release = undefined
    go()
    await new Promise(resolve => setImmediate(resolve))
  }
  return { commit, batches, reports, finishCommit, fail: (error: Error) => (failure = error) }
}

describe('group commit', () => {
  test('[J5] appends that arrive during a commit share the next one', async () => {
    const { commit, batches, finishCommit } = harness()
    const first = commit.append(append('a'))
    await finishCommit()
    await first
    const all = [commit.append(append('b')), commit.append(append('c'))]
    await new Promise(resolve => setImmediate(resolve))
    all.push(...Array.from({ length: 50 }, (_, i) => commit.append(append(`d${i}`))))
    await finishCommit()
    await finishCommit()
    await Promise.all(all)
    expect(batches.map(batch => batch.length)).toEqual([1, 2, 50])
  })

  test('[J4] the queue is bounded in entries and in bytes', async () => {
    const { commit, finishCommit } = harness({ entries: 3, bytes: 100 })
    const kept = commit.append(append('a', 10, 3))
    await expect(commit.append(append('b'))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    await finishCommit()
    await kept
    const large = commit.append(append('a', 90))
    await expect(commit.append(append('b', 20))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    await finishCommit()
    await large
    expect(commit.queuedEntries).toBe(0)
    expect(commit.queuedBytes).toBe(0)
  })

  test('an append larger than the queue goes alone', async () => {
    const { commit, finishCommit } = harness({ bytes: 100 })
    const huge = commit.append(append('a', 500))
    await finishCommit()
    expect(await huge).toEqual({ seq: 1 })
  })

  test('a batch stops at its byte limit', async () => {
    const { commit, batches, finishCommit } = harness({ batch: 25 })
    const all = ['a', 'b', 'c'].map(name => commit.append(append(name)))
    await finishCommit()
    await finishCommit()
    await Promise.all(all)
    expect(batches).toEqual([['a', 'b'], ['c']])
  })

  test('[J3] one refused append does not hurt the others of its commit', async () => {
    const { commit, finishCommit } = harness()
    const good = commit.append(append('a'))
    const bad = commit.append(append('deleted'))
    const refused = expect(bad).rejects.toMatchObject({ code: 'DOCUMENT_DELETED' })
    await finishCommit()
    expect(await good).toEqual({ seq: 1 })
    await refused
  })

  test('a failed commit rejects its whole batch, and the next one is tried', async () => {
    const { commit, reports, finishCommit, fail } = harness()
    const lost = commit.append(append('a'))
    fail(new WeftError('JOURNAL_UNAVAILABLE', 'disk full'))
    const rejected = expect(lost).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
    await finishCommit()
    await rejected
    expect(reports).toMatchObject([{ outcome: 'failed', entries: 1 }])
    expect(commit.queuedEntries).toBe(0)
  })
})

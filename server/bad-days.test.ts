/** The store fails, is slow, cannot be read: nothing is lost and nobody is lied to. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createClient, type WeftClient } from '../client/sdk/index.ts'
import { FaultyJournal } from './testing/faulty-journal.ts'
import { stockProvider } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

describe('a store with bad days', () => {
  let server: TestApp
  let journal: FaultyJournal
  const cleanups: (() => void | Promise<void>)[] = []
  const stock = async (name: string, sub = 'alice') => {
    const client = stockProvider({ url: server.syncUrl, name, token: await server.token(sub) })
    cleanups.push(() => client.destroy())
    return client
  }
  const sdk = (sub = 'bob'): WeftClient => {
    const client = createClient({
      url: server.url,
      token: () => server.token(sub),
      offline: 'memory',
    })
    cleanups.push(() => client.close())
    return client
  }
  const start = async (settings: Record<string, string> = {}) => {
    server = await startTestApp({
      settings: { WEFT_NOT_SAVING_AFTER_MS: '300', WEFT_DOCUMENT_IDLE_MS: '50', ...settings },
      parts: {
        wrapJournal: real => {
          journal = new FaultyJournal(real)
          return journal
        },
      },
    })
  }
  beforeEach(() => start())
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup()
    await server.stop()
  })

  test('[G2] one failed append is tried again, and nobody notices', async () => {
    const alice = await stock('a')
    await until(() => alice.provider.isSynced && !alice.provider.hasUnsyncedChanges, 'synced')
    journal.failAppends = 1
    alice.text.insert(0, 'x')
    await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
    expect(await server.app.documents.head('a' as never)).toMatchObject({ seq: 1 })
    expect(alice.stateless).toEqual([])
  })

  test('[D20] an append whose answer was lost is found, and not stored twice', async () => {
    const alice = await stock('a')
    await until(() => alice.provider.isSynced && !alice.provider.hasUnsyncedChanges, 'synced')
    for (let i = 1; i <= 5; i++) {
      journal.loseAnswers = 1
      alice.text.insert(0, `${i} `)
      await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
      expect(await server.app.documents.head('a' as never)).toMatchObject({ seq: i })
    }
    expect(alice.text.toString()).toBe('5 4 3 2 1 ')
  })

  test('[G2] a store that is away: not acknowledged, told, and all is well afterwards', async () => {
    const alice = await stock('a')
    const bob = sdk().open('a')
    await bob.whenSynced()
    await until(() => alice.provider.isSynced && !alice.provider.hasUnsyncedChanges, 'synced')
    journal.failAppends = Infinity
    alice.text.insert(0, 'written in bad times')
    bob.doc.getMap('m').set('key', 1)
    await until(() => bob.doc.getText('text').length > 0, 'people go on working together')
    await until(() => alice.stateless.length > 0, 'alice is told')
    expect(alice.stateless).toEqual([{ type: 'weft.saving', state: 'failing' }])
    await until(() => bob.state.get().save.kind === 'not saving', 'bob is told')
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    expect(bob.saved).toBe(false)
    expect(await server.app.documents.head('a' as never)).toMatchObject({ seq: 0 })

    // Somebody who comes now sees everything, and is told too.
    const carol = await stock('a', 'carol')
    await until(() => carol.text.length > 0, 'carol sees it')
    await until(() => carol.stateless.length > 0, 'carol is told')

    journal.failAppends = 0
    await until(() => !alice.provider.hasUnsyncedChanges, 'alice is acknowledged')
    await bob.whenSaved()
    await until(() => alice.stateless.at(-1)?.['state'] === 'ok', 'alice is told')
    expect(bob.state.get().save).toEqual({ kind: 'saved' })
    const stored = await server.app.documents.head('a' as never)
    expect(stored?.seq).toBeGreaterThan(0)
  })

  test('[G2] everybody leaves while the store is away: nothing is forgotten', async () => {
    const alice = await stock('a')
    await until(() => alice.provider.isSynced && !alice.provider.hasUnsyncedChanges, 'synced')
    journal.failAppends = Infinity
    alice.text.insert(0, 'left behind')
    await until(() => server.app.documents.unsaved.documents === 1, 'it has arrived')
    alice.destroy()
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(server.app.documents.liveCount).toBe(1)
    journal.failAppends = 0
    await until(() => server.app.documents.liveCount === 0, 'stored, then let go')
    const bob = await stock('a', 'bob')
    await until(() => bob.text.toString() === 'left behind', 'read back')
  })

  test('[G18] a stop while the store fails ends in time, and names what is not stored', async () => {
    const [alice, bob] = [await stock('demo/one'), await stock('demo/two')]
    await until(() => alice.provider.isSynced && bob.provider.isSynced, 'synced')
    journal.failAppends = Infinity
    alice.text.insert(0, 'x')
    bob.text.insert(0, 'yy')
    await until(() => server.app.documents.unsaved.documents === 2, 'they have arrived')
    const startedAt = Date.now()
    const left = await server.app.stop(500)
    expect(Date.now() - startedAt).toBeLessThan(3_000)
    expect(left.filter(sentence => sentence.startsWith('demo/')).sort()).toEqual([
      'demo/one: 1 edits are not stored',
      'demo/two: 1 edits are not stored',
    ])
  })

  test('[G10] a document that cannot be read is retried, and reported as unavailable', async () => {
    journal.failOpens = 3
    const alice = await stock('a')
    const bob = sdk().open('a')
    await until(() => alice.stateless.length > 0, 'alice is told')
    expect(alice.stateless[0]).toMatchObject({
      type: 'weft.error',
      error: { code: 'DOCUMENT_UNAVAILABLE', retryable: true },
    })
    await until(() => bob.status.kind === 'blocked', 'bob is told')
    expect(bob.status).toMatchObject({ error: { code: 'DOCUMENT_UNAVAILABLE' } })
    await until(() => alice.provider.isSynced, 'alice gets in by herself', 15_000)
    await bob.whenSynced()
    expect(alice.failures).toEqual([])
    expect(journal.opens).toBe(4)
    alice.text.insert(0, 'fine')
    await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
  })

  test('[G10] a hundred clients of a failing document cause one reading at a time', async () => {
    journal.failOpens = 2
    const clients = await Promise.all(
      Array.from({ length: 100 }, (_, i) => stock('a', `user-${i}`)),
    )
    await until(() => clients.every(({ provider }) => provider.isSynced), 'all in', 20_000)
    expect(journal.opens).toBe(3)
  })

  test('a slow store delays the acknowledgement, not the others', async () => {
    const [alice, bob] = [await stock('a'), await stock('a', 'bob')]
    await until(() => alice.provider.isSynced && bob.provider.isSynced, 'synced')
    await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
    journal.delayMs = 600
    const startedAt = Date.now()
    alice.text.insert(0, 'quick')
    await until(() => bob.text.toString() === 'quick', 'bob sees it')
    expect(Date.now() - startedAt).toBeLessThan(500)
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged later')
  })

  test('edits beyond the budget of a store that is away are refused, and come back later', async () => {
    await server.stop()
    await start({ WEFT_MAX_UNSAVED_BYTES: '20000' })
    const handle = sdk().open('a')
    await handle.whenSynced()
    journal.failAppends = Infinity
    const text = handle.doc.getText('t')
    for (let i = 0; i < 6; i++) {
      text.insert(0, 'x'.repeat(10_000))
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    await until(() => server.app.documents.unsaved.bytes >= 20_000, 'the budget is spent')
    expect(server.app.documents.unsaved.bytes).toBeLessThan(40_000)
    journal.failAppends = 0
    await handle.whenSaved()
    const other = sdk('carol').open('a')
    await other.whenSynced()
    expect(other.doc.getText('t').length).toBe(60_000)
  })
})

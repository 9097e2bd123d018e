/** F3, G18: a disk that is full. Nothing is lost, everybody is told, and it mends itself. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { mountSmallDisk, type SmallDisk } from '../support/file-system.ts'
import { readDocument } from '../support/independent-reader.ts'
import { missing } from '../support/needs.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'

const reason = missing('a full disk', { root: true, binaries: ['mount'] })

describe.skipIf(reason !== null)('a full disk', () => {
  let disk: SmallDisk
  let server: ServerProcess
  const clients: StockClient[] = []
  const open = async (name: string, sub: string) => {
    const client = stockProvider({ url: server.syncUrl, name, token: await testToken(sub) })
    clients.push(client)
    await until(() => client.provider.isSynced && !client.provider.hasUnsyncedChanges, 'synced')
    return client
  }
  /** Nobody may be at the end of the disk by luck: the last byte is taken. */
  const fill = () => {
    const file = join(disk.path, 'filler')
    for (const size of [1 << 20, 1 << 16, 1 << 12]) {
      for (;;) {
        try {
          writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
        } catch {
          // Full, for this size.
          break
        }
      }
    }
  }

  beforeEach(async () => {
    disk = mountSmallDisk(8)
    const settings = { WEFT_NOT_SAVING_AFTER_MS: '500', WEFT_DRAIN_TIMEOUT_MS: '3000' }
    server = await ServerProcess.start({ dataDir: disk.path, settings })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.kill()
    disk.remove()
  })

  test('[F3] refused loudly, readable all the while, stored when there is room again', async () => {
    const alice = await open('full/one', 'alice')
    const bob = await open('full/two', 'bob')
    alice.text.insert(0, 'before')
    await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
    fill()
    // Entries large enough to need pages that are not there.
    for (let i = 0; i < 20; i++) alice.text.insert(0, `${i}`.padStart(20_000, 'x'))
    bob.text.insert(0, 'y'.repeat(20_000))
    await until(() => alice.stateless.some(({ state }) => state === 'failing'), 'alice is told')
    await until(() => bob.stateless.some(({ state }) => state === 'failing'), 'bob is told')
    expect(alice.provider.hasUnsyncedChanges).toBe(true)
    const stored = readDocument(disk.path, 'full/one')
    expect(stored?.doc.getText('text').toString()).toContain('before')

    const headers = { authorization: `Bearer ${await testToken('reader')}` }
    const content = await fetch(`${server.url}/v1/documents/full%2Fone/content`, { headers })
    expect(content.status).toBe(200)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)

    disk.resize(64)
    const startedAt = Date.now()
    await until(() => !alice.provider.hasUnsyncedChanges, 'alice is acknowledged', 10_000)
    await until(() => !bob.provider.hasUnsyncedChanges, 'bob is acknowledged', 10_000)
    expect(Date.now() - startedAt).toBeLessThan(10_000)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    await server.kill()
    const after = readDocument(disk.path, 'full/one')
    expect(after?.doc.getText('text').toString()).toBe(alice.text.toString())
    expect(readDocument(disk.path, 'full/two')?.doc.getText('text').length).toBe(20_000)
  })

  test('[G18] SIGTERM ends in time, with a code and the names of what is not stored', async () => {
    const alice = await open('full/one', 'alice')
    await open('full/two', 'bob')
    fill()
    for (let i = 0; i < 20; i++) alice.text.insert(0, `${i}`.padStart(20_000, 'x'))
    await until(() => alice.stateless.some(({ state }) => state === 'failing'), 'alice is told')
    const startedAt = Date.now()
    expect(await server.kill('SIGTERM')).toBe(74)
    expect(Date.now() - startedAt).toBeLessThan(6_000)
    const told = server.log.filter(({ msg }) => msg?.startsWith('not finished:') === true)
    // Nor does the audit log have room for who came.
    const [documents] = told.filter(({ msg }) => msg?.includes('audit') === false)
    expect(documents?.msg).toMatch(/full\/one: \d+ edits are not stored/)
    expect(told.length).toBeLessThanOrEqual(2)
  })
})

/** F17: bytes on the disk that are not what was written. Named, refused, inspected, repaired. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { stockProvider } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { ServerProcess, projectRoot, testToken } from '../support/server-process.ts'

let folder: ReturnType<typeof temporaryFolder>
let server: ServerProcess
const settings = { WEFT_SNAPSHOT_ENTRIES: '20' }

beforeEach(async () => {
  folder = temporaryFolder()
  server = await ServerProcess.start({ dataDir: folder.path, settings })
})
afterEach(async () => {
  await server.kill()
  folder.remove()
})

const weft = (...args: string[]) =>
  spawnSync(process.execPath, [join(projectRoot, 'server/main.ts'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, WEFT_DATA_DIR: folder.path },
  })

const open = async (name: string) =>
  stockProvider({ url: server.syncUrl, name, token: await testToken('alice') })

/** Writes one entry after the other, and returns the text. */
async function write(name: string, count: number): Promise<string> {
  const client = await open(name)
  for (let i = 0; i < count; i++) {
    client.text.insert(client.text.length, `${i} `)
    await until(() => client.provider.isSynced && !client.provider.hasUnsyncedChanges, 'saved')
  }
  const text = client.text.toString()
  client.destroy()
  return text
}

async function tamper(sql: string): Promise<void> {
  await server.kill('SIGTERM')
  const database = new Database(join(folder.path, 'weft.sqlite'))
  expect(database.prepare(sql).run().changes).toBeGreaterThan(0)
  database.close()
}

test('[F17] a damaged entry: refused by name, inspected, repaired; others are untouched', async () => {
  await write('acme/plan', 8)
  const calm = await write('acme/calm', 3)
  await tamper(`UPDATE entries SET bytes = zeroblob(length(bytes)) WHERE seq = 5
    AND document_id = (SELECT id FROM documents WHERE name = 'acme/plan')`)
  server = await ServerProcess.start({ dataDir: folder.path, settings })
  const alice = await open('acme/plan')
  await until(() => alice.failures.length > 0, 'refused')
  expect(alice.failures).toEqual(['DOCUMENT_DAMAGED'])
  expect(alice.stateless).toMatchObject([
    {
      error: {
        code: 'DOCUMENT_DAMAGED',
        retryable: false,
        message: '"acme/plan": entry 5 fails its checksum',
      },
    },
  ])
  alice.destroy()
  const bob = await open('acme/calm')
  await until(() => bob.text.toString() === calm, 'the other document opens')
  bob.destroy()

  const inspection = weft('inspect', 'acme/plan')
  expect(inspection.status).toBe(1)
  expect(inspection.stdout).toContain('damage       entry 5 fails its checksum')
  expect(weft('inspect', 'acme/calm').stdout).toContain('every checksum fits')
  expect(weft('inspect', 'acme/none').status).toBe(66)
  expect(weft('repair', 'acme/plan').stderr).toContain('another weft is running')

  await server.kill('SIGTERM')
  const repair = weft('repair', 'acme/plan')
  expect(repair.stdout).toContain('opens again, from seq 9')
  const after = weft('inspect', 'acme/plan')
  expect(after.stdout).toContain('bypassed     entry 5 fails its checksum')
  expect(after.stdout).toContain('damage       none: the document opens')
  expect(after.status).toBe(0)
  expect(weft('repair', 'acme/plan').stdout).toContain('nothing was changed')
  server = await ServerProcess.start({ dataDir: folder.path, settings })
  const carol = await open('acme/plan')
  await until(() => carol.provider.isSynced, 'opens')
  expect(carol.text.toString()).toBe('0 1 2 3 ')
  carol.text.insert(0, 'on we go: ')
  await until(() => !carol.provider.hasUnsyncedChanges, 'saved')
  carol.destroy()
  // The number that the repair took is nobody's loss, and later damage is damage again.
  expect(weft('inspect', 'acme/plan').status).toBe(0)
  await tamper(`UPDATE entries SET author = 'eve' WHERE seq = 10
    AND document_id = (SELECT id FROM documents WHERE name = 'acme/plan')`)
  const later = weft('inspect', 'acme/plan')
  expect(later.stdout).toContain('damage       entry 10 fails its checksum')
  expect(later.stdout).toContain('bypassed     entry 5 fails its checksum')
  expect(later.status).toBe(1)
})

test('[F17] a damaged snapshot: rebuilt from the one before and the entries, and kept', async () => {
  const text = await write('acme/plan', 90)
  await tamper(`UPDATE snapshots SET bytes = zeroblob(length(bytes))
    WHERE seq = (SELECT max(seq) FROM snapshots)`)
  expect(weft('inspect', 'acme/plan').stdout).toMatch(/damage {7}the snapshot at entry \d+ fails/)
  server = await ServerProcess.start({ dataDir: folder.path, settings })
  const alice = await open('acme/plan')
  await until(() => alice.text.toString() === text, 'opens whole')
  alice.destroy()
  const told = server.log.find(({ msg }) => msg?.startsWith('damage in the store') === true)
  expect(told).toMatchObject({ level: 'error', document: 'acme/plan', kind: 'snapshot' })
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toContain('weft_journal_damage_total{kind="snapshot"} 1')
  expect(weft('inspect', 'acme/plan').stdout).toMatch(/snapshot {5}at seq \d+.*DAMAGED/)
})

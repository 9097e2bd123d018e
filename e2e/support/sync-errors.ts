/** Fails the n-th fsync of a server, as a dying disk does, and reads what it left. */
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { readDocument } from './independent-reader.ts'
import { judge } from './oracle.ts'
import { ServerProcess, testToken } from './server-process.ts'
import { Writer } from './writer.ts'

export type SyncErrorReport = {
  readonly n: number
  /** The exit code; null when the failing sync was never reached. */
  readonly exit: number | null
  readonly acknowledged: number
  readonly lost: readonly string[]
  readonly invented: readonly string[]
  /** What a new start on the same folder serves is what the independent reader found. */
  readonly served: boolean
}

const DOCUMENT = 'sync/error'
const RUN_MS = 15_000

export async function failSyncAt(n: number, seed: number): Promise<SyncErrorReport> {
  const random = seededRandom(seed)
  const folder = temporaryFolder()
  const dataDir = folder.path
  const calls = 'fsync,fdatasync'
  const inject = `inject=${calls}:error=EIO:when=${n}`
  const under = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject]
  let server: ServerProcess
  try {
    server = await ServerProcess.start({ dataDir, under })
  } catch (error) {
    // It ended before it was ready: nothing was acknowledged, and the folder must still open.
    const exit = Number(/ended with (\d+)/.exec(String(error))?.[1] ?? -1)
    const again = await ServerProcess.start({ dataDir })
    await again.kill('SIGTERM')
    folder.remove()
    return { n, exit, acknowledged: 0, lost: [], invented: [], served: true }
  }
  const { url, syncUrl, yUrl } = server
  const writers = await Promise.all(
    Array.from({ length: 4 }, async (_, i) => {
      const id = `writer-${i}`
      return new Writer({
        id,
        kind: i % 2 === 0 ? 'stock' : 'sdk',
        document: DOCUMENT,
        urls: { url, syncUrl, yUrl },
        token: await testToken(id),
        random: seededRandom(integerBetween(random, 1, 2 ** 31)),
      })
    }),
  )
  const running = writers.map(writer => writer.run(5))
  const timer = new Promise(resolve => setTimeout(resolve, RUN_MS))
  await Promise.race([server.ended(), timer])
  const exit = server.hasEnded ? server.process.exitCode : null
  for (const writer of writers) writer.stop()
  await Promise.all(running)
  await server.kill()
  for (const writer of writers) writer.close()
  const stored = readDocument(dataDir, DOCUMENT)?.doc
  const { acknowledged, lost, invented } = judge(writers, stored)
  const again = await ServerProcess.start({ dataDir })
  const headers = { authorization: `Bearer ${await testToken('reader')}` }
  const path = `/v1/documents/${encodeURIComponent(DOCUMENT)}/content`
  const response = await fetch(`${again.url}${path}`, { headers })
  const body = (await response.json()) as { content?: { tokens?: unknown } }
  const tokens = JSON.stringify(stored?.getArray('tokens').toJSON() ?? [])
  const served = JSON.stringify(body.content?.tokens ?? []) === tokens
  await again.kill('SIGTERM')
  folder.remove()
  return { n, exit, acknowledged, lost, invented, served }
}

/** Starts on a folder that cannot be synced. Resolves with the exit code; null when it goes on. */
export async function startOnBadFolder(dataDir: string): Promise<number | null> {
  const inject = 'inject=fsync,fdatasync:error=EIO'
  const under = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', dataDir, '-e', inject]
  try {
    const server = await ServerProcess.start({ dataDir, under })
    const timer = new Promise(resolve => setTimeout(resolve, RUN_MS / 5))
    await Promise.race([server.ended(), timer])
    const exit = server.process.exitCode
    await server.kill()
    return exit
  } catch (error) {
    return Number(/ended with (\d+)/.exec(String(error))?.[1] ?? -1)
  }
}

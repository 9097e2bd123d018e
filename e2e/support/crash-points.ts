/** Kills a server at its n-th write, sync or answer, not at a moment that the clock chose. */
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { readDocument } from './independent-reader.ts'
import { judge } from './oracle.ts'
import { ServerProcess, testToken } from './server-process.ts'
import { Writer } from './writer.ts'

/** Database pages, syncs, and bytes to clients (and to the other threads of the server). */
export const crashCalls = ['pwrite64', 'fsync', 'write'] as const
export type CrashPoint = { readonly call: (typeof crashCalls)[number]; readonly n: number }

export type CrashReport = CrashPoint & {
  /** False when the server lived to the end: the point was never reached. */
  readonly reached: boolean
  readonly acknowledged: number
  readonly lost: readonly string[]
  readonly invented: readonly string[]
}

const WRITERS = 4
const DOCUMENT = 'crash/point'
const RUN_MS = 20_000

export async function crashAt({ call, n }: CrashPoint, seed: number): Promise<CrashReport> {
  const random = seededRandom(seed)
  const folder = temporaryFolder()
  const dataDir = folder.path
  // The kill comes with the n-th call of one thread; strace counts for each of them.
  const under = [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL:when=${n}`,
  ]
  let server: ServerProcess
  try {
    server = await ServerProcess.start({ dataDir, under })
  } catch {
    // It died before it was ready: nothing was acknowledged, and the folder must still open.
    const again = await ServerProcess.start({ dataDir })
    await again.kill('SIGTERM')
    folder.remove()
    return { call, n, reached: true, acknowledged: 0, lost: [], invented: [] }
  }
  const { url, syncUrl, yUrl } = server
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, async (_, i) => {
      const id = `writer-${i}`
      const kind = i % 2 === 0 ? 'stock' : 'sdk'
      const own = seededRandom(integerBetween(random, 1, 2 ** 31))
      const token = await testToken(id)
      return new Writer({
        id,
        kind,
        document: DOCUMENT,
        urls: { url, syncUrl, yUrl },
        token,
        random: own,
      })
    }),
  )
  const running = writers.map(writer => writer.run(5))
  const timer = new Promise(resolve => setTimeout(resolve, RUN_MS))
  await Promise.race([server.ended(), timer])
  const reached = server.hasEnded
  for (const writer of writers) writer.stop()
  await Promise.all(running)
  await server.kill()
  const { acknowledged, lost, invented } = judge(writers, readDocument(dataDir, DOCUMENT)?.doc)
  for (const writer of writers) writer.close()
  folder.remove()
  return { call, n, reached, acknowledged, lost, invented }
}

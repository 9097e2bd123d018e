/** Kills a server again and again while clients write, and reads the file after each kill. */
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { until } from '../../server/testing/until.ts'
import { integerBetween, seededRandom, type Random } from '../../shared/random.ts'
import { readDocument } from './independent-reader.ts'
import { fingerprint, judge } from './oracle.ts'
import { ServerProcess, testToken } from './server-process.ts'
import { Writer, type WriterKind } from './writer.ts'

export type KillRoundsOptions = {
  readonly rounds: number
  readonly seed: number
  readonly clients: number
  readonly documents: number
  /** Clients pause up to this long between two edits. */
  readonly pauseMsMax: number
  readonly onRound?: (report: RoundReport) => void
}

export type RoundReport = {
  readonly round: number
  readonly killedAfterMs: number
  readonly acknowledged: number
  readonly stored: number
  readonly lost: readonly string[]
  readonly invented: readonly string[]
}

export type KillReport = {
  readonly rounds: readonly RoundReport[]
  readonly acknowledged: number
  readonly lost: readonly string[]
  readonly invented: readonly string[]
  /** After the last start: do all clients and the file agree? */
  readonly converged: boolean
}

/** Most speak the protocol with acknowledgements; some do not, and write all the same. */
export const writerKinds: readonly WriterKind[] = ['stock', 'sdk', 'stock', 'sdk', 'y-websocket']

/**
 * The same clients live through all rounds, so that what was not acknowledged comes back with
 * them; what was acknowledged must be in the file without any of them.
 */
export async function killRounds(options: KillRoundsOptions): Promise<KillReport> {
  const random = seededRandom(options.seed)
  const folder = temporaryFolder()
  const dataDir = folder.path
  let server = await ServerProcess.start({ dataDir })
  const port = server.port
  const writers = await createWriters(options, server, random)
  const rounds: RoundReport[] = []
  try {
    const running = writers.map(writer => writer.run(options.pauseMsMax))
    for (let round = 1; round <= options.rounds; round++) {
      await Promise.any(writers.map(writer => writer.ready()))
      const killedAfterMs = integerBetween(random, 50, 500)
      await new Promise(resolve => setTimeout(resolve, killedAfterMs))
      await server.kill()
      const report = { round, killedAfterMs, ...judgeAll(options, writers, dataDir) }
      rounds.push(report)
      options.onRound?.(report)
      server = await ServerProcess.start({ dataDir, port })
    }
    for (const writer of writers) writer.stop()
    await Promise.all(running)
    const converged = await converge(options, writers, dataDir)
    return {
      rounds,
      converged,
      acknowledged: rounds.at(-1)?.acknowledged ?? 0,
      lost: rounds.flatMap(({ lost }) => lost),
      invented: rounds.flatMap(({ invented }) => invented),
    }
  } finally {
    for (const writer of writers) writer.close()
    await server.kill('SIGTERM')
    folder.remove()
  }
}

async function createWriters(
  { clients, documents }: KillRoundsOptions,
  urls: { readonly url: string; readonly syncUrl: string; readonly yUrl: string },
  random: Random,
): Promise<readonly Writer[]> {
  return Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const id = `writer-${i}`
      return new Writer({
        id,
        kind: writerKinds[i % writerKinds.length] ?? 'stock',
        document: `kill/${i % documents}`,
        urls: { url: urls.url, syncUrl: urls.syncUrl, yUrl: urls.yUrl },
        token: await testToken(id, { ttl: 86_400 }),
        random: seededRandom(integerBetween(random, 1, 2 ** 31)),
      })
    }),
  )
}

function judgeAll({ documents }: KillRoundsOptions, writers: readonly Writer[], dataDir: string) {
  const verdicts = Array.from({ length: documents }, (_, i) => {
    const name = `kill/${i}`
    const read = readDocument(dataDir, name)
    const own = writers.filter(writer => writer.document === name)
    const verdict = judge(own, read?.doc)
    // A snapshot must hold exactly what the entries under it make.
    const differs = read !== undefined && fingerprint(read.doc) !== fingerprint(read.replayed)
    return differs ? { ...verdict, invented: [`${name}: snapshot and entries differ`] } : verdict
  })
  return {
    acknowledged: verdicts.reduce((sum, verdict) => sum + verdict.acknowledged, 0),
    stored: verdicts.reduce((sum, verdict) => sum + verdict.stored, 0),
    lost: verdicts.flatMap(({ lost }) => lost),
    invented: verdicts.flatMap(({ invented }) => invented),
  }
}

/** With nobody writing any more, every client and the file come to the same document. */
async function converge(
  { documents }: KillRoundsOptions,
  writers: readonly Writer[],
  dataDir: string,
): Promise<boolean> {
  const agree = () =>
    Array.from({ length: documents }, (_, i) => `kill/${i}`).every(name => {
      const stored = readDocument(dataDir, name)
      const own = writers.filter(writer => writer.document === name)
      const prints = new Set(own.map(writer => fingerprint(writer.doc)))
      return stored !== undefined && prints.size === 1 && prints.has(fingerprint(stored.doc))
    })
  try {
    await until(agree, 'all replicas agree', 30_000)
    return true
  } catch {
    return false
  }
}

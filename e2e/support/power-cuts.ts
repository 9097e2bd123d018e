/** Cuts the power under a server that is being written to, and reads the disk afterwards. */
import { openSqliteJournal } from '../../server/journal/sqlite/sqlite-journal.ts'
import { documentName } from '../../shared/names.ts'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { mountCuttableDisk } from './file-system.ts'
import { readDocument } from './independent-reader.ts'
import { until } from '../../server/testing/until.ts'
import { judge } from './oracle.ts'
import { ServerProcess, testToken } from './server-process.ts'
import { Writer } from './writer.ts'

export type PowerCutOptions = {
  readonly cuts: number
  readonly seed: number
  /** The disk says "synced" and is not: the rig must notice, or it proves nothing. */
  readonly lyingDisk?: boolean
  readonly onCut?: (report: CutReport) => void
}

export type CutReport = {
  readonly cut: number
  readonly acknowledged: number
  readonly lost: readonly string[]
  readonly invented: readonly string[]
  /** What weft itself says when it opens what is left: the number of entries, or its refusal. */
  readonly opened: number | string
}

const WRITERS = 8
const DOCUMENT = 'power/cut'

export async function cutPower(options: PowerCutOptions): Promise<readonly CutReport[]> {
  const random = seededRandom(options.seed)
  const reports: CutReport[] = []
  for (let cut = 1; cut <= options.cuts; cut++) {
    const disk = mountCuttableDisk()
    const under = options.lyingDisk === true ? LYING : []
    const server = await ServerProcess.start({ dataDir: disk.path, under })
    const writers = await Promise.all(
      Array.from({ length: WRITERS }, async (_, i) => {
        const id = `writer-${i}`
        const { url, syncUrl, yUrl } = server
        const urls = { url, syncUrl, yUrl }
        const token = await testToken(id)
        const own = seededRandom(integerBetween(random, 1, 2 ** 31))
        const kind = i % 2 === 0 ? 'stock' : 'sdk'
        return new Writer({ id, kind, document: DOCUMENT, urls, token, random: own })
      }),
    )
    try {
      await Promise.all(writers.map(writer => writer.ready()))
      const running = writers.map(writer => writer.run(10))
      await until(() => acknowledgedBy(writers) > 20, 'something is acknowledged', 30_000)
      await new Promise(resolve => setTimeout(resolve, integerBetween(random, 0, 1200)))
      // Judged by what the clients know at this moment; nothing is acknowledged after it.
      server.process.kill('SIGSTOP')
      for (const writer of writers) writer.stop()
      await Promise.all(running)
      const at = disk.cut()
      const verdict = judge(writers, readDocument(at, DOCUMENT)?.doc)
      const { acknowledged, lost, invented } = verdict
      const report = { cut, acknowledged, lost, invented, opened: await openWithWeft(at) }
      reports.push(report)
      options.onCut?.(report)
    } finally {
      for (const writer of writers) writer.close()
      await server.kill()
      disk.remove()
    }
  }
  return reports
}

function acknowledgedBy(writers: readonly Writer[]): number {
  return writers.reduce((sum, writer) => sum + writer.acknowledged.size, 0)
}

/** Every sync says that it worked, and none is made. */
const LYING = [
  'strace',
  '-f',
  '-qq',
  '-o',
  '/dev/null',
  '-e',
  'trace=fsync,fdatasync',
  '-e',
  'inject=fsync,fdatasync:retval=0',
]

async function openWithWeft(dataDir: string): Promise<number | string> {
  const journal = await openSqliteJournal({ dataDir, migrate: () => Promise.resolve() })
  try {
    const stored = await journal.open(documentName(DOCUMENT))
    return stored?.head.seq ?? 0
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await journal.close()
  }
}

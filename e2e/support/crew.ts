/** Writers of every kind on the documents of a cluster, and what the database alone says of them. */
import { until } from '../../server/testing/until.ts'
import { integerBetween, seededRandom, type Random } from '../../shared/random.ts'
import type { ClusterNode } from './cluster.ts'
import { writerKinds } from './kill-rounds.ts'
import { fingerprint, judge, type Verdict } from './oracle.ts'
import { readFromPostgres } from './postgres-reader.ts'
import { testToken } from './server-process.ts'
import { Writer, type WriterKind } from './writer.ts'

export type CrewOptions = {
  /** Where the oracle reads, past whatever breaks the nodes' ways. */
  readonly databaseUrl: string
  /** The address that the writer of this number uses. */
  readonly urls: (writer: number) => ClusterNode['urls']
  readonly writers: number
  /** Writers are dealt to them in turn. */
  readonly documents: readonly string[]
  readonly random: Random
  readonly kinds?: readonly WriterKind[]
}

export class Crew {
  readonly writers: readonly Writer[]
  readonly #options: CrewOptions
  #running: Promise<unknown> = Promise.resolve()

  private constructor(writers: readonly Writer[], options: CrewOptions) {
    this.writers = writers
    this.#options = options
  }

  static async join(options: CrewOptions): Promise<Crew> {
    const { writers: count, documents, urls, random, kinds = writerKinds } = options
    const writers = await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const id = `writer-${i}`
        return new Writer({
          id,
          kind: kinds[i % kinds.length] ?? 'stock',
          document: documents[i % documents.length] ?? 'crew',
          urls: urls(i),
          token: await testToken(id, { ttl: 86_400 }),
          random: seededRandom(integerBetween(random, 1, 2 ** 31)),
        })
      }),
    )
    return new Crew(writers, options)
  }

  async ready(): Promise<void> {
    await Promise.all(this.writers.map(writer => writer.ready()))
  }

  run(pauseMsMax: number): void {
    this.#running = Promise.all(this.writers.map(writer => writer.run(pauseMsMax)))
  }

  async stop(): Promise<void> {
    for (const writer of this.writers) writer.stop()
    await this.#running
  }

  get acknowledged(): number {
    return this.writers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  }

  /** Edits that somebody was told are safe, beyond those that were so at `before`. */
  async acknowledgesMore(than: number, timeoutMs = 10_000): Promise<void> {
    await until(() => this.acknowledged > than, 'something more is acknowledged', timeoutMs)
  }

  /**
   * From the database alone, while everybody goes on: what was acknowledged before the reading has
   * to be in it, and whatever is in it somebody has written by its end.
   */
  async judge(): Promise<Verdict> {
    const verdicts: Verdict[] = []
    for (const name of this.#options.documents) {
      const own = this.writers.filter(writer => writer.document === name)
      const before = own.map(writer => new Set(writer.acknowledged))
      const read = await readFromPostgres(this.#options.databaseUrl, name)
      const verdict = judge(
        own.map(({ written }, i) => ({ written, acknowledged: before[i] ?? new Set() })),
        read?.doc,
      )
      // A snapshot must hold exactly what the entries under it make.
      const differs = read !== undefined && fingerprint(read.doc) !== fingerprint(read.replayed)
      const invented = differs ? [`${name}: snapshot and entries differ`] : verdict.invented
      verdicts.push({ ...verdict, invented })
    }
    return {
      acknowledged: verdicts.reduce((sum, verdict) => sum + verdict.acknowledged, 0),
      stored: verdicts.reduce((sum, verdict) => sum + verdict.stored, 0),
      lost: verdicts.flatMap(({ lost }) => lost),
      invented: verdicts.flatMap(({ invented }) => invented),
    }
  }

  /** With nobody writing any more, every client and the database come to the same document. */
  async converged(timeoutMs = 30_000): Promise<void> {
    const end = performance.now() + timeoutMs
    const leftMs = () => Math.max(1, end - performance.now())
    const isSettled = () =>
      this.writers.every(writer => writer.noteAcknowledged() || writer.kind === 'y-websocket')
    await until(isSettled, 'everything is acknowledged', leftMs())
    for (const name of this.#options.documents) {
      const own = this.writers.filter(writer => writer.document === name)
      const agree = async () => {
        const prints = new Set(own.map(writer => fingerprint(writer.doc)))
        if (prints.size !== 1) return pause(20)
        const stored = await readFromPostgres(this.#options.databaseUrl, name)
        return stored !== undefined && prints.has(fingerprint(stored.doc))
      }
      await until(agree, `all replicas of ${name} and the database agree`, leftMs())
    }
  }

  close(): void {
    for (const writer of this.writers) writer.close()
  }
}

const pause = async (ms: number) => {
  await new Promise(resolve => setTimeout(resolve, ms))
  return false
}

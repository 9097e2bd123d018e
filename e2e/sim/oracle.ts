/** Judges a simulation while it runs and when it is over: I1 to I7 of the faults table. */
import type * as Y from 'yjs'
import type { DocumentName } from '../../shared/names.ts'
import { loadDoc } from '../../server/documents/loader.ts'
import { contentOf } from '../../server/testing/random-edits.ts'
import { fingerprint } from '../support/oracle.ts'
import type { Disk } from './disk.ts'
import type { SimClient } from './sim-client.ts'
import { UNSAVED_BYTES_MAX, type SimServer } from './sim-server.ts'

/** The first thing that went wrong; it ends the run. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** Updates are taken while there is any room, so the last one may reach over it. */
const UNSAVED_BYTES_SLACK = 64 << 10

export class Oracle {
  readonly #disk: Disk
  readonly #violations: Violation[] = []
  /** Tokens that a handle called saved. */
  readonly acknowledged = new Set<string>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  get violation(): Violation | undefined {
    return this.#violations[0]
  }

  report(sentence: string): void {
    this.#violations.push(new Violation(sentence))
  }

  expect(condition: boolean, sentence: string): void {
    if (!condition) this.report(sentence)
  }

  /** I4, at every instant: what a handle calls saved is on the disk, and it does not undercount. */
  checkHonest(client: SimClient): void {
    if (client.tab === undefined) return
    const { handle } = client.tab
    const { durable } = this.#disk
    if (handle.saved) {
      for (const token of client.mine.slice(client.savedCount)) {
        this.expect(durable.has(token), `I4: ${client.id} says saved, and ${token} is not durable`)
        this.acknowledged.add(token)
      }
      client.savedCount = client.mine.length
      return
    }
    const { loaded, unsaved } = handle.state.get()
    if (!loaded) return
    const open = client.mine.slice(client.savedCount).filter(token => !durable.has(token))
    const sentence = `I4: ${client.id} counts ${unsaved} unsaved changes, and these are not durable`
    this.expect(open.length <= unsaved, `${sentence}: ${open.join(' ')}`)
  }

  /** I5, at every instant. */
  checkBounds(server: SimServer | undefined): void {
    const bytes = server?.documents.unsaved.bytes ?? 0
    this.expect(
      bytes >= 0 && bytes <= UNSAVED_BYTES_MAX + UNSAVED_BYTES_SLACK,
      `I5: ${bytes} bytes wait for the store`,
    )
  }

  /** I1, I3 and I7 from the journal alone: its snapshot and its tail, read as a new start would. */
  async checkJournal(
    name: DocumentName,
    writers: readonly SimClient[],
  ): Promise<Y.Doc | undefined> {
    const head = await this.#disk.journal.head(name)
    if (head === undefined || head.deletedAt !== null) return undefined
    const stored = await this.#disk.journal.open(name)
    if (stored === undefined) return undefined
    const { doc } = loadDoc(stored)
    const tokens = doc.getArray<string>('tokens').toArray()
    const known = this.#disk.lives.get(head.incarnation)?.tokens ?? new Set<string>()
    const present = new Set(tokens)
    for (const token of known) {
      this.expect(present.has(token), `I1: ${token} was stored, and is not in the journal`)
    }
    this.expect(present.size === tokens.length, 'I3: a token is in the journal twice')
    for (const writer of writers) this.#checkOrder(writer, tokens)
    return doc
  }

  #checkOrder({ id, written, early, tabOf }: SimClient, tokens: readonly string[]): void {
    const last = new Map<number, number>()
    for (const token of tokens) {
      if (!token.startsWith(`${id}:`)) continue
      const number = Number(token.slice(id.length + 1))
      this.expect(number < written.length, `I3: nobody wrote ${token}`)
      if (early.has(token)) continue
      const tab = tabOf.get(token) ?? 0
      const before = last.get(tab) ?? -1
      this.expect(number > before, `I7: ${token} comes after ${id}:${before}`)
      last.set(tab, number)
    }
  }

  /** I1 and I3 over all lives: nothing acknowledged is missing, and no life took from another. */
  checkLives(): void {
    for (const token of this.acknowledged) {
      this.expect(this.#disk.durable.has(token), `I1: ${token} was acknowledged, and is not stored`)
    }
    const seen = new Map<string, string>()
    for (const [incarnation, { doc, tokens }] of this.#disk.lives) {
      const { pendingStructs, pendingDs } = doc.store
      const isWhole = pendingStructs === null && pendingDs === null
      this.expect(isWhole, `I1: the entries of ${incarnation} do not add up`)
      for (const token of tokens) {
        const other = seen.get(token)
        if (other !== undefined)
          this.report(`I3: ${token} is in two lives, ${other} and ${incarnation}`)
        seen.set(token, incarnation)
      }
    }
  }
}

/** Everything that replicas must agree on, deletions included. */
export function imprint(doc: Y.Doc): string {
  const content = contentOf(doc)
  // Yjs keeps the keys of a map in the order of their arrival, which is no part of its content.
  const map = Object.entries(content.map).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return fingerprint(doc) + JSON.stringify({ ...content, map })
}

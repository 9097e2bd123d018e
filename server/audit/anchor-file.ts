/** Ends of the chain that were seen, kept outside of the database: a bare chain cannot miss its tail. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { AuditHead } from './audit-row.ts'

export type AnchorFileOptions = {
  /** Lines of JSON: `{seq, at, hash, mac}`. */
  readonly file: string
  /** Signs the lines; without one they have no `mac`, and are worth what the file is worth. */
  readonly secret: string | undefined
}

export type AnchorReading = {
  readonly anchors: readonly AuditHead[]
  /** Lines that are no anchors: half of one that a crash left, say. Counted from 1. */
  readonly unreadable: readonly number[]
  /** Lines that the secret did not sign. Counted from 1; empty without a secret. */
  readonly unsigned: readonly number[]
}

const line = z.object({
  seq: z.number().int(),
  at: z.number().int(),
  hash: z.string(),
  mac: z.string().optional(),
})

export class AnchorFile {
  readonly file: string
  readonly #secret: string | undefined
  #isBegun = false

  constructor({ file, secret }: AnchorFileOptions) {
    this.file = file
    this.#secret = secret
  }

  /** Resolves when it would survive a power cut. */
  async append({ seq, at, hash }: AuditHead): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true })
    const isTorn = !this.#isBegun && (await this.#isTorn())
    const handle = await open(this.file, 'a', 0o600)
    try {
      const text = JSON.stringify({ seq, at, hash, mac: this.#mac({ seq, at, hash }) })
      await handle.write(`${isTorn ? '\n' : ''}${text}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (!this.#isBegun) await syncFolder(dirname(this.file))
    this.#isBegun = true
  }

  /** Undefined when there is no such file. */
  async read(): Promise<AnchorReading | undefined> {
    const text = await this.#text()
    if (text === undefined) return undefined
    const anchors: AuditHead[] = []
    const unreadable: number[] = []
    const unsigned: number[] = []
    for (const [index, one] of text.split('\n').entries()) {
      if (one === '') continue
      const parsed = line.safeParse(readJson(one))
      if (!parsed.success) {
        unreadable.push(index + 1)
        continue
      }
      const { mac, ...anchor } = parsed.data
      if (!this.#isSigned(anchor, mac)) unsigned.push(index + 1)
      anchors.push(anchor)
    }
    return { anchors, unreadable, unsigned }
  }

  async #isTorn(): Promise<boolean> {
    const text = (await this.#text()) ?? ''
    return text !== '' && !text.endsWith('\n')
  }

  async #text(): Promise<string | undefined> {
    try {
      return await readFile(this.file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #mac({ seq, at, hash }: AuditHead): string | undefined {
    if (this.#secret === undefined) return undefined
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([seq, at, hash]))
      .digest('hex')
  }

  #isSigned(anchor: AuditHead, mac: string | undefined): boolean {
    const wanted = this.#mac(anchor)
    if (wanted === undefined) return true
    const given = Buffer.from(mac ?? '')
    return given.length === wanted.length && timingSafeEqual(given, Buffer.from(wanted))
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No JSON: unreadable, like whatever else has not the right shape.
    return undefined
  }
}

/** Makes the name of a new file durable. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

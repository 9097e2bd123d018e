/** Decides what may enter a document: shape, size, whose hand it is in, and whether there is room. */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import type { WriteRule } from '../../shared/write-rules.ts'
import type { ClientIds, MayWrite } from './client-ids.ts'
import type { WriteOrigin } from './document-write.ts'
import { checkPaths } from './path-check.ts'
import type { Roots } from './roots-check.ts'
import type { UnsavedBudget } from './unsaved.ts'
import { checkUpdate, type PlacedUpdate, type UpdateFit } from './update-check.ts'

export type LiveDocumentLimits = {
  readonly updateBytesMax: number
  /** A client that was away says all it has at once: as much as a frame holds. */
  readonly stateBytesMax: number
  readonly documentBytesMax: number
  readonly notSavingAfterMs: number
}

export type UpdateGateOptions = {
  readonly name: DocumentName
  readonly doc: Y.Doc
  readonly budget: UnsavedBudget
  readonly limits: LiveDocumentLimits
  readonly clientIds: ClientIds
  /** The root types that the application has declared for this document. */
  readonly roots: Roots | undefined
  /** Encoded size of the document when it was opened. */
  readonly bytes: number
}

type Asked = Pick<WriteOrigin, 'kind' | 'author' | 'rule'>

export type Checked = {
  readonly fit: UpdateFit
  /** Client ids under which it writes something new. */
  readonly writers: readonly number[]
  /** Those of them that are others', who are to bring what is theirs. */
  readonly others: readonly number[]
  /** Those of them that are others', and are taken because somebody has to bring it. */
  readonly recovered: readonly number[]
}

export class UpdateGate {
  readonly #options: UpdateGateOptions
  /** An upper bound of the encoded size: every update counts, whatever it deleted. */
  #bytes: number

  constructor(options: UpdateGateOptions) {
    this.#options = options
    this.#bytes = options.bytes
  }

  /** Something was applied. */
  grew(bytes: number): void {
    this.#bytes += bytes
  }

  /** Throws UPDATE_INVALID, UPDATE_TOO_LARGE, CLIENT_ID_TAKEN or PATH_FORBIDDEN. */
  check(update: Uint8Array, asked: Asked): Checked {
    const { doc, limits, roots } = this.#options
    const { kind, rule } = asked
    const writers: number[] = []
    const others: number[] = []
    const recovered: number[] = []
    const fit = checkUpdate(doc, update, {
      kind,
      updateBytesMax: kind === 'state' ? limits.stateBytesMax : limits.updateBytesMax,
      roots,
      onWriter: id => {
        writers.push(id)
        const may = this.#mayWrite(id, asked)
        if (may === 'later') others.push(id)
        if (may === 'recovered') recovered.push(id)
        if (may !== 'no') return
        throw new WeftError('CLIENT_ID_TAKEN', `client ${id} is somebody else`)
      },
      inspect:
        rule === undefined
          ? undefined
          : placed => {
              // With others' in it, it is not taken as it is: its own part comes here again.
              if (others.length === 0) this.#checkPaths(placed, { ...asked, rule })
            },
    })
    return { fit, writers, others, recovered }
  }

  #checkPaths(placed: PlacedUpdate, { author, rule }: Asked & { readonly rule: WriteRule }): void {
    const { doc, clientIds } = this.#options
    checkPaths(doc, placed, { rule, isOwn: id => clientIds.ownerOf(id) === author })
  }

  #mayWrite(clientId: number, { kind, author, rule }: Asked): MayWrite {
    const { doc, clientIds } = this.#options
    const handsOver = kind === 'state'
    if (rule === undefined) return clientIds.mayWrite(clientId, { principalId: author, handsOver })
    // In his hands what others wrote could be a forgery outside of his paths: they are to bring it.
    const may = clientIds.mayWrite(clientId, { principalId: author, handsOver: false })
    if (may === 'no' && handsOver) return 'later'
    // Whoever takes an id that nobody is known to own would own what stands under it.
    const isUnclaimed = clientIds.ownerOf(clientId) === undefined
    return rule.own && isUnclaimed && Y.getState(doc.store, clientId) > 0 ? 'no' : may
  }

  /** The same for what another node has let in: whose the client ids are was decided there. */
  checkShape(update: Uint8Array): UpdateFit {
    const { doc, limits, roots } = this.#options
    const updateBytesMax = limits.stateBytesMax
    return checkUpdate(doc, update, { kind: 'state', updateBytesMax, roots })
  }

  /** Throws JOURNAL_FULL or DOCUMENT_TOO_LARGE. */
  requireRoom(bytes: number): void {
    const { name, doc, limits, budget } = this.#options
    if (budget.isSpent) {
      const sentence = `${budget.bytes} bytes of edits wait for the store already`
      throw new WeftError('JOURNAL_FULL', sentence, { retryAfterMs: 1_000 })
    }
    if (this.#bytes + bytes <= limits.documentBytesMax) return
    // The bound counts every update ever; what was deleted or merged since weighs less.
    this.#bytes = Y.encodeStateAsUpdate(doc).byteLength
    if (this.#bytes + bytes <= limits.documentBytesMax) return
    const sentence = `${quoteName(name)} has ${this.#bytes} bytes`
    const limit = `the limit is ${limits.documentBytesMax}`
    throw new WeftError('DOCUMENT_TOO_LARGE', `${sentence}; ${limit}`)
  }
}

/** Keeps one document in step with the same document in other tabs, without a server. */
import {
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
  type Awareness,
} from 'y-protocols/awareness'
import * as Y from 'yjs'
import { REMOTE } from '../awareness-link.ts'
import type { TabGroup } from './tab-group.ts'
import type { ReplacedBecause, TabMessage } from './tab-message.ts'

/** Origin of what another tab made: that tab stores it, and sends it to the server. */
export const OTHER_TAB = Symbol('weft: from another tab')

export type DocumentLinkOptions = {
  readonly name: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly tabs: TabGroup
  readonly incarnation: () => string | null
  /** An incarnation that is over: a tab that was asleep may still speak of it. */
  readonly avoid: string | null
  /** Another tab knows which incarnation this is. */
  readonly onIncarnation: (incarnation: string) => void
  /** Another tab found that the document is not this one any more. */
  readonly onReplaced: (because: ReplacedBecause) => void
}

type AwarenessChanges = Readonly<Record<'added' | 'updated' | 'removed', readonly number[]>>
type AboutDocument = Extract<TabMessage, { readonly name: string }>
type Content = Extract<AboutDocument, { readonly update: Uint8Array }>
type Opened = Extract<AboutDocument, { readonly type: 'opened' }>

export class DocumentLink {
  readonly #options: DocumentLinkOptions
  readonly #stops: (() => void)[] = []
  /** Which clients each tab has brought in, for taking them out with it. */
  readonly #clientsOf = new Map<string, Set<number>>()

  constructor(options: DocumentLinkOptions) {
    this.#options = options
  }

  /** Once the copy is read. `known` are the origins of changes that others need not be told. */
  start(known: ReadonlySet<unknown>): void {
    const { doc, awareness, tabs } = this.#options
    const onUpdate = (update: Uint8Array, origin: unknown) => {
      if (!known.has(origin) && origin !== OTHER_TAB) this.#post({ type: 'update', update })
    }
    const onAwareness = ({ added, updated, removed }: AwarenessChanges, origin: unknown) => {
      if (origin === REMOTE) return
      const update = encodeAwarenessUpdate(awareness, [...added, ...updated, ...removed])
      this.#post({ type: 'awareness', update })
    }
    doc.on('update', onUpdate)
    awareness.on('update', onAwareness)
    this.#stops.push(
      () => doc.off('update', onUpdate),
      () => awareness.off('update', onAwareness),
      tabs.listen({
        onMessage: (message, from) => {
          if ('name' in message && message.name === this.#options.name) this.#on(message, from)
        },
        onGone: tab => this.#removeClientsOf(tab),
      }),
    )
    this.refresh()
  }

  get #isStarted(): boolean {
    return this.#stops.length > 0
  }

  /** Says what is here, and is told what is there: after opening, and after losing the server. */
  refresh(): void {
    if (!this.#isStarted) return
    const stateVector = Y.encodeStateVector(this.#options.doc)
    this.#post({ type: 'opened', stateVector, answer: false })
    this.#postAwareness()
  }

  replaced(incarnation: string | null, because: ReplacedBecause): void {
    const { name, tabs } = this.#options
    tabs.post({ type: 'replaced', because, name, incarnation })
  }

  close(): void {
    if (!this.#isStarted) return
    removeAwarenessStates(this.#options.awareness, [this.#options.doc.clientID], 'closed')
    for (const stop of this.#stops.splice(0)) stop()
  }

  #on(message: AboutDocument, from: string): void {
    const { doc, awareness, incarnation, avoid, onIncarnation, onReplaced } = this.#options
    const ours = incarnation()
    if (avoid !== null && message.incarnation === avoid) return
    if (message.type === 'replaced') {
      if (message.incarnation === ours && ours !== null) onReplaced(message.because)
      return
    }
    if (ours !== null && message.incarnation !== null && ours !== message.incarnation) return
    if (ours === null && message.incarnation !== null) onIncarnation(message.incarnation)
    switch (message.type) {
      case 'opened':
        return this.#answer(message)
      case 'update':
        return Y.applyUpdate(doc, message.update, OTHER_TAB)
      case 'awareness': {
        const seen = this.#clientsOf.get(from) ?? new Set()
        this.#clientsOf.set(from, seen)
        const note = ({ added }: AwarenessChanges) => added.forEach(client => seen.add(client))
        awareness.on('change', note)
        // As if the server had said it: it is not ours to send on.
        applyAwarenessUpdate(awareness, message.update, REMOTE)
        awareness.off('change', note)
      }
    }
  }

  #answer({ stateVector, answer }: Opened): void {
    const { doc } = this.#options
    this.#post({ type: 'update', update: Y.encodeStateAsUpdate(doc, stateVector) })
    if (answer) return
    this.#post({ type: 'opened', stateVector: Y.encodeStateVector(doc), answer: true })
    this.#postAwareness()
  }

  #postAwareness(): void {
    const { awareness } = this.#options
    if (awareness.getLocalState() === null) return
    const update = encodeAwarenessUpdate(awareness, [awareness.clientID])
    this.#post({ type: 'awareness', update })
  }

  #removeClientsOf(tab: string): void {
    const clients = this.#clientsOf.get(tab)
    this.#clientsOf.delete(tab)
    if (clients === undefined) return
    removeAwarenessStates(this.#options.awareness, [...clients], REMOTE)
  }

  #post(content: Bare<Content> | Bare<Opened>): void {
    const { name, incarnation, tabs } = this.#options
    tabs.post({ ...content, name, incarnation: incarnation() })
  }
}

/** A message without what all of them carry; of each kind by itself. */
type Bare<T> = T extends AboutDocument ? Omit<T, 'name' | 'incarnation'> : never

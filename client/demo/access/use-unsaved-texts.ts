/** What this person wrote on a page and the server did not take. */
import { useEffect, useState } from 'react'
import * as Y from 'yjs'
import { useClient, type DocumentView } from '../../react/index.ts'
import type { Standing } from './standing.ts'
import { knownOf, textBeyond, type Known } from './unsaved-text.ts'

export type UnsavedText = {
  /** Of the copy that was set aside; null for what was on its way in this window. */
  readonly id: number | null
  /** Empty when formatting or deletions are all there is. */
  readonly text: string
  /** Ms since 1970. */
  readonly at: number
}

/**
 * Copies of the page that were set aside, and when the page is shut what was on its way, as text.
 * Only what is beyond the server's part: before that is known, all of a copy would look new.
 */
export function useUnsavedTexts(view: DocumentView, { kind }: Standing): readonly UnsavedText[] {
  const { offline } = useClient()
  const [lastSeen] = useState(() => new LastSeen())
  const [texts, setTexts] = useState<readonly UnsavedText[]>([])
  const { doc, handle, status } = view
  const { name } = handle
  const phase = kind === 'shut' ? 'shut' : status.kind === 'live' ? 'live' : 'unknown'
  const unsent = phase === 'shut' ? view.unsaved : 0

  useEffect(() => {
    if (phase === 'live') lastSeen.follow(view)
  }, [lastSeen, phase, view])

  useEffect(() => {
    const known = phase === 'live' ? knownOf(doc) : phase === 'shut' ? lastSeen.known : null
    if (known === null) return
    let isWatching = true
    const look = async () => {
      const asides = (await offline.setAside()).filter(
        aside => aside.name === name && aside.unsaved > 0,
      )
      const found = asides.map(({ id, at, state }) => ({ id, at, text: textBeyond(state, known) }))
      const onItsWay = unsent === 0 ? [] : textsOf(doc, known)
      if (isWatching) setTexts([...found, ...onItsWay])
    }
    void look()
    return () => {
      isWatching = false
    }
  }, [offline, lastSeen, name, doc, phase, unsent])
  return texts
}

function textsOf(doc: Y.Doc, known: Known): readonly UnsavedText[] {
  const text = textBeyond(Y.encodeStateAsUpdate(doc), known)
  return text === '' ? [] : [{ id: null, at: Date.now(), text }]
}

/** The page as it was when it could last be seen, and how much of it the server had. */
class LastSeen {
  #seen: { readonly doc: Y.Doc; readonly savedClock: number } | null = null

  follow({ doc, unsaved }: DocumentView): void {
    // Each window writes under a number of its own, so that at first nothing of it is saved.
    const before = this.#seen?.doc === doc ? this.#seen.savedClock : 0
    const savedClock = unsaved === 0 ? Y.getState(doc.store, doc.clientID) : before
    this.#seen = { doc, savedClock }
  }

  /** The server's part of it; null when the page was never seen. */
  get known(): Known | null {
    if (this.#seen === null) return null
    const { doc, savedClock } = this.#seen
    return new Map(knownOf(doc)).set(doc.clientID, savedClock)
  }
}

/** What this person wrote on a page and the server did not take. */
import { useEffect, useState } from 'react'
import * as Y from 'yjs'
import { useClient, type DocumentView } from '../../react/index.ts'
import type { AsideCopy } from '../../sdk/index.ts'
import { knownOf, textBeyond } from './unsaved-text.ts'

export type UnsavedText = {
  /** Of the copy that was set aside; null for what is still on its way in this window. */
  readonly id: number | null
  /** Empty when formatting or deletions are all there is. */
  readonly text: string
  /** Ms since 1970. */
  readonly at: number
}

/** Copies of the page that were set aside, as text. Looked at again with each new life of it. */
export function useAsideTexts(view: DocumentView | null): readonly UnsavedText[] {
  const { offline } = useClient()
  const [texts, setTexts] = useState<readonly UnsavedText[]>([])
  const doc = view?.doc ?? null
  const name = view?.handle.name
  // Before the server's part is here all of the copy would look like something new.
  const isKnown = view?.status.kind === 'live'
  useEffect(() => {
    if (doc === null || name === undefined || !isKnown) return
    let isWatching = true
    const look = async () => {
      const asides = await offline.setAside()
      const ofPage = asides.filter(one => one.name === name && one.unsaved > 0)
      if (isWatching) setTexts(ofPage.map(aside => toText(aside, doc)))
    }
    void look()
    return () => {
      isWatching = false
    }
  }, [offline, name, doc, isKnown])
  return texts
}

function toText({ id, at, state }: AsideCopy, doc: Y.Doc): UnsavedText {
  return { id, at, text: textBeyond(state, knownOf(doc)) }
}

/** Follows how much of what was written here the server has, for as long as it says so. */
export class UnsentText {
  #savedClock = 0

  watch({ doc, unsaved }: DocumentView): void {
    if (unsaved === 0) this.#savedClock = ownClock(doc)
  }

  /** What this window wrote and the server has not called saved. */
  read(doc: Y.Doc): string {
    const known = new Map(knownOf(doc)).set(doc.clientID, this.#savedClock)
    return textBeyond(Y.encodeStateAsUpdate(doc), known)
  }
}

function ownClock(doc: Y.Doc): number {
  return Y.getState(doc.store, doc.clientID)
}

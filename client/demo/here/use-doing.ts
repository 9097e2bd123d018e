/** Notices that somebody writes in this window, whatever they write with. */
import { useEffect, useState } from 'react'
import type * as Y from 'yjs'
import { usePresence } from '../../react/index.ts'
import type { Doing } from './use-space-people.ts'

/** Who pauses for longer is not writing any more. */
const PAUSE_MS = 4_000

/** Told on the nearest document too, for the faces beside its title. */
export function useDoing(doc: Y.Doc | null): Doing['kind'] {
  const [kind, setKind] = useState<Doing['kind']>('viewing')
  const [, tell] = usePresence()
  useEffect(() => {
    if (doc === null) return
    let pause: ReturnType<typeof setTimeout> | undefined
    const onChange = ({ local, changed }: Y.Transaction) => {
      if (!local || changed.size === 0) return
      clearTimeout(pause)
      pause = setTimeout(() => setKind('viewing'), PAUSE_MS)
      setKind('writing')
    }
    doc.on('afterTransaction', onChange)
    return () => {
      clearTimeout(pause)
      doc.off('afterTransaction', onChange)
      setKind('viewing')
    }
  }, [doc])
  useEffect(() => {
    tell(
      kind === 'writing'
        ? { typing: true, activity: { kind } }
        : { typing: undefined, activity: undefined },
    )
  }, [tell, kind])
  return kind
}

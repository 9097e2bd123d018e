/** The shapes of the nearest document, the pen of this window, and what others have marked. */
import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { useMap, useOthers, type Member } from '../../react/index.ts'
import { SHAPES, type BoardPen } from './board-pen.ts'
import { readShapes, type Shape } from './shape.ts'

export function useShapes(): readonly Shape[] {
  const { data } = useMap(SHAPES)
  return useMemo(() => readShapes(data as { readonly [id: string]: unknown }), [data])
}

export type Steps = { readonly back: boolean; readonly forward: boolean }

/** What there is to undo, and to do again. */
export function useSteps({ undo }: BoardPen): Steps {
  const subscribe = useCallback(
    (listener: () => void) => {
      undo.on('stack-item-added', listener)
      undo.on('stack-item-popped', listener)
      return () => {
        undo.off('stack-item-added', listener)
        undo.off('stack-item-popped', listener)
      }
    },
    [undo],
  )
  const back = useSyncExternalStore(subscribe, () => undo.canUndo())
  const forward = useSyncExternalStore(subscribe, () => undo.canRedo())
  return { back, forward }
}

/** A shape that somebody else has marked. */
export type Mark = { readonly shape: string; readonly name: string; readonly color: string }

/** The field of presence with the id of the shape that somebody has marked. */
export type BoardPresence = { readonly selected?: string | null }

export function useMarks(): readonly Mark[] {
  return useOthers(marksOf, isSameMarks)
}

function marksOf(others: readonly Member[]): readonly Mark[] {
  return others.flatMap(({ user, presence }) => {
    const { selected } = presence as { readonly selected?: unknown }
    if (user === null || typeof selected !== 'string') return []
    return [{ shape: selected, name: user.name, color: user.color }]
  })
}

function isSameMarks(a: readonly Mark[], b: readonly Mark[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

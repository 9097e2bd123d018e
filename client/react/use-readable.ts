/** From something that can be watched to something that renders: at most once for each change. */
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { Readable } from '../sdk/index.ts'

export type IsEqual<T> = (a: T, b: T) => boolean

/** `onServer` is what is shown before there is a browser, and while hydrating. */
export function useReadable<T>(source: Readable<T>, onServer: T): T {
  return useSyncExternalStore(source.subscribe, source.get, () => onServer)
}

export type Selecting<T, S> = {
  /** May be made anew for each render. */
  readonly select: (value: T) => S
  /** What counts as no change; the same object, unless said otherwise. */
  readonly isEqual?: IsEqual<S> | undefined
  readonly onServer: T
}

/** The part of a value that `select` takes: other changes render nothing. */
export function useSelected<T, S>(source: Readable<T>, selecting: Selecting<T, S>): S {
  const { select, isEqual = Object.is, onServer } = selecting
  // What was shown last: a selector made anew should not render what is equal to it.
  const shown = useRef<Shown<S> | null>(null)
  const read = useMemo(
    () => createReader({ select, isEqual, before: () => shown.current }),
    [select, isEqual],
  )
  const selection = useSyncExternalStore(
    source.subscribe,
    () => read(source.get()),
    () => read(onServer),
  )
  useEffect(() => {
    shown.current = { selection }
  }, [selection])
  return selection
}

type Shown<S> = { readonly selection: S }
type Reading<T, S> = {
  readonly select: (value: T) => S
  readonly isEqual: IsEqual<S>
  readonly before: () => Shown<S> | null
}

/** Answers with what was there before for as long as it is equal. */
function createReader<T, S>({ select, isEqual, before }: Reading<T, S>): (value: T) => S {
  let last: (Shown<S> & { readonly value: T }) | null = null
  return value => {
    if (last !== null && Object.is(last.value, value)) return last.selection
    const selection = select(value)
    const known = last ?? before()
    const isSame = known !== null && isEqual(known.selection, selection)
    last = { value, selection: isSame ? known.selection : selection }
    return last.selection
  }
}

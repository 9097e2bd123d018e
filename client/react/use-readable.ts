/** From something that can be watched to something that renders: at most once for each change. */
import { useSyncExternalStore } from 'react'
import { useSyncExternalStoreWithSelector } from 'use-sync-external-store/with-selector'
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
  return useSyncExternalStoreWithSelector(
    source.subscribe,
    source.get,
    () => onServer,
    select,
    isEqual,
  )
}

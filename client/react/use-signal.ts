import { useCallback, useEffect, useLayoutEffect, useRef } from 'react'
import {
  WeftError,
  type DocumentHandle,
  type SignalAudience,
  type SignalEnvelope,
  type SignalReceipt,
} from '../sdk/index.ts'
import { useDocumentStore } from './document-provider.tsx'

/** By type, what is in the signals of an application; without it, anything. */
export type SignalTypes = { readonly [type: string]: unknown }

/** The types that a pattern covers: one, those below a word (`chat.*`), or all (`*`). */
export type CoveredTypes<S, Pattern extends string> = Pattern extends '*'
  ? keyof S & string
  : Pattern extends `${infer Beginning}.*`
    ? Extract<keyof S, string> & `${Beginning}.${string}`
    : Extract<keyof S, string> & Pattern

/** `type` tells which `data` it has. */
export type Signal<S, Pattern extends string> = string extends keyof S
  ? SignalEnvelope
  : {
      readonly [Type in CoveredTypes<S, Pattern>]: Omit<SignalEnvelope, 'type' | 'data'> & {
        readonly type: Type
        readonly data: S[Type]
      }
    }[CoveredTypes<S, Pattern>]

/**
 * Sends one to the others on the document. Rejects with a WeftError; at once, with one that is
 * retryable, while there is no connection.
 */
export type SendSignal<S> = string extends keyof S
  ? (type: string, data?: unknown, to?: SignalAudience) => Promise<SignalReceipt>
  : <Type extends keyof S & string>(
      type: Type,
      data: S[Type],
      to?: SignalAudience,
    ) => Promise<SignalReceipt>

/** A type that the application has named, `*`, or a beginning (`chat.*`). */
export type SignalPattern<S> = string extends keyof S
  ? string
  : (keyof S & string) | '*' | `${string}.*`

export type UseSignal<S> = {
  <Pattern extends SignalPattern<S>>(
    typePattern: Pattern,
    listener: (signal: Signal<S, Pattern>) => void,
  ): SendSignal<S>
  <Pattern extends SignalPattern<S>>(
    name: string | undefined,
    typePattern: Pattern,
    listener: (signal: Signal<S, Pattern>) => void,
  ): SendSignal<S>
  /** To send alone. */
  (name?: string): SendSignal<S>
}

type Listener = (signal: SignalEnvelope) => void
type Arguments =
  | readonly [typePattern: string, listener: Listener]
  | readonly [name: string | undefined, typePattern: string, listener: Listener]
  | readonly [name?: string | undefined]

/**
 * Hears the signals of a type, or of a pattern of types, on the nearest document (or the one that is
 * named), once each, and sends some; nothing of it renders. The function that sends is the same one
 * for as long as the document is; the listener may be made anew in each render.
 *
 * @example
 * const send = useSignal('chat.*', ({ type, from, data }) => show(from.name, data))
 * return <button onClick={() => void send('chat.wave', null)}>Wave</button>
 */
export const useSignal: UseSignal<SignalTypes> = (...given: Arguments) => {
  const { name, typePattern, listener } = read(given)
  const store = useDocumentStore(name)
  const latest = useRef(listener)
  useLayoutEffect(() => {
    latest.current = listener
  })
  useEffect(() => {
    let handle: DocumentHandle | undefined
    let stop = () => {}
    // The document opens now or later, and one that was closed comes back with another handle.
    const listen = () => {
      const opened = store.get()?.handle
      if (opened === handle) return
      stop()
      handle = opened
      stop =
        opened === undefined || typePattern === undefined
          ? () => {}
          : opened.onSignal(typePattern, signal => latest.current?.(signal))
    }
    const unsubscribe = store.subscribe(listen)
    return () => {
      unsubscribe()
      stop()
    }
  }, [store, typePattern])
  return useCallback(
    async (type: string, data?: unknown, to?: SignalAudience) => {
      const handle = store.get()?.handle
      if (handle === undefined) throw new WeftError('DOCUMENT_UNAVAILABLE', 'not open yet')
      return handle.signal(type, data, to)
    },
    [store],
  )
}

function read(given: Arguments) {
  if (given.length === 3) {
    const [name, typePattern, listener] = given
    return { name, typePattern, listener }
  }
  if (given.length === 2) return { name: undefined, typePattern: given[0], listener: given[1] }
  return { name: given[0], typePattern: undefined, listener: undefined }
}

/** What tabs of one origin find each other with; any of it may be missing. */

export type ChannelLike = {
  onmessage: ((event: MessageEvent) => void) | null
  postMessage(message: unknown): void
  close(): void
}

export type LockOptions = { readonly signal: AbortSignal }

/** The part of `navigator.locks` that is used: a lock is held until the promise settles. */
export type LockManagerLike = {
  request(name: string, options: LockOptions, hold: () => Promise<void>): Promise<unknown>
}

export type TabsEnvironment = {
  readonly openChannel: (name: string) => ChannelLike
  readonly locks: LockManagerLike
}

/** Undefined where tabs cannot find each other: each is then alone, as if it were the only one. */
export function browserTabs(): TabsEnvironment | undefined {
  if (typeof BroadcastChannel === 'undefined' || typeof navigator === 'undefined') return undefined
  // The types promise it; pages without TLS, and older engines, do not have it.
  const locks = navigator.locks as LockManagerLike | undefined
  if (locks === undefined) return undefined
  return { openChannel: name => new BroadcastChannel(name), locks }
}

/** Waits for a lock and holds it until the signal aborts. Never rejects. */
export async function holdLock(
  locks: LockManagerLike,
  name: string,
  { signal, onHeld }: LockOptions & { readonly onHeld: () => void },
): Promise<void> {
  try {
    await locks.request(name, { signal }, async () => {
      if (signal.aborted) return
      onHeld()
      if (isAborted(signal)) return
      await new Promise<void>(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    })
  } catch {
    // Aborted while waiting, which is how waiting ends; or refused, and then there is no lock.
  }
}

/** A call, because the compiler believes that a signal stays as it was looked at. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}

/** One unbroken time with Redis. Whatever goes wrong in it ends it, and another one begins. */

export type Message = { readonly channel: string; readonly bytes: Uint8Array }

/** Every promise rejects when the session is at its end, or Redis refuses. */
export interface Session {
  /** Resolves once messages of all these channels arrive. */
  subscribe(channels: readonly string[]): Promise<void>
  unsubscribe(channels: readonly string[]): Promise<void>
  /** Written at once and in order; resolves once Redis has them. */
  publish(messages: readonly Message[]): Promise<void>
  /** Resolves when every server of the session answers, and is still what it was. */
  ping(): Promise<void>
}

export type SessionEvents = {
  readonly onMessage: (channel: string, bytes: Uint8Array) => void
  /** May be told more than once. */
  readonly onBroken: (reason: string) => void
}

/** What carries messages between nodes; all that is above it is the same on every bus. */

export interface Carrier {
  /** Begins to connect, and to tell. Called once. */
  start(events: CarrierEvents): void

  /** Asks for a channel's messages, now and after every reconnection, until `leave`. */
  join(channel: string): void
  leave(channel: string): void

  /** False when the message was not taken: the link is down, or too much waits. Never throws. */
  send(channel: string, message: Uint8Array): boolean

  /** Gives what was sent last a moment to leave, then lets go of everything. Never rejects. */
  close(): Promise<void>
}

/** None of them throws. */
export type CarrierEvents = {
  message(channel: string, bytes: Uint8Array): void
  /** Messages of this channel arrive from now on; said again after every reconnection. */
  joined(channel: string): void
  /** Connected, and every channel that was asked for is in place. */
  up(): void
  down(reason: string): void
}

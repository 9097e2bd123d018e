/** The contract of every fan-out: tells other nodes, at once and without a promise; the journal keeps. */

/**
 * Nothing here is on the path to durability. A message may be lost, doubled or late; whoever listens
 * finds out (updates are numbered) and repairs from the other nodes or from the journal.
 */
export interface Fanout {
  /** This node's id, new with every start. */
  readonly node: string

  /**
   * Hears what *other* nodes say on a channel, each message once for each subscription; its own
   * messages never come back. Joining again after `close` is a new subscription. Listeners that
   * throw are logged and hurt nobody else. The payload is a view of what was received: nobody
   * writes to it, and whoever keeps it for long copies it.
   */
  subscribe(channel: string, listener: FanoutListener): Subscription

  /**
   * Tells the other nodes on this channel; keeps the order of one node's messages on one channel.
   * Never throws and never waits. While the link is down, or when more than the limit waits to be
   * written, the message is dropped and counted: a repair will bring what it held.
   */
  publish(channel: string, payload: Uint8Array): void

  /** Told of every change of the link; `up` again means that messages were missed. */
  onLink(listener: (link: FanoutLink) => void): () => void

  /** Other nodes that were heard of lately. */
  nodes(): readonly string[]

  /** Told when a node is heard of that is not among {@link nodes}: a new one, or one that was gone. */
  onNodeHere(listener: (node: string) => void): () => void

  /** Told when a node said goodbye, or has not been heard of for {@link NODE_GONE_MS}. */
  onNodeGone(listener: (node: string) => void): () => void

  health(): FanoutHealth

  /** Says goodbye and lets go of the connections. */
  close(): Promise<void>
}

export type FanoutListener = (payload: Uint8Array, from: string) => void

export type Subscription = {
  /** Resolves once messages arrive; stays pending while the link is down. Never rejects. */
  readonly ready: Promise<void>
  close(): void
}

export type FanoutLink = 'up' | 'down'

export type FanoutHealth = {
  readonly link: FanoutLink
  /** Why it is down. */
  readonly reason?: string
  readonly published: number
  readonly received: number
  /** Not sent: the link was down, or too much waited. */
  readonly dropped: number
  /** Received and not understood: a wrong version, signature or shape. */
  readonly rejected: number
}

/** A node says that it lives this often. */
export const HEARTBEAT_MS = 2_000
/** A node that has been silent for so long is gone, and its people with it. */
export const NODE_GONE_MS = 7_000

/** A session with one server: a connection that publishes, and one that listens. */
import type { Redis } from 'ioredis'
import { connect, type ConnectionOptions } from './connection.ts'
import type { Message, Session, SessionEvents } from './session.ts'

export type LinkOptions = ConnectionOptions &
  SessionEvents & {
    /** On a cluster messages of a channel stay on the shard that its name belongs to. */
    readonly pubSub: 'plain' | 'sharded'
    /** A server that sentinels look after may be told to be somebody's replica. */
    readonly role: 'any' | 'master'
  }

export async function openLink(options: LinkOptions): Promise<Session> {
  const [publisher, listener] = await Promise.all([connect(options), connect(options)])
  const take = (channel: Buffer, bytes: Buffer) => options.onMessage(channel.toString(), bytes)
  listener.on('messageBuffer', take)
  listener.on('smessageBuffer', take)
  // Said when slots move to another shard: the subscription is gone, and others may follow.
  listener.on('moved', () => options.onBroken('the shards of the cluster have changed'))
  const link = new Link(publisher, listener, options)
  await link.ping()
  return link
}

class Link implements Session {
  readonly #publisher: Redis
  readonly #listener: Redis
  readonly #isSharded: boolean
  readonly #role: LinkOptions['role']

  constructor(publisher: Redis, listener: Redis, { pubSub, role }: LinkOptions) {
    this.#publisher = publisher
    this.#listener = listener
    this.#isSharded = pubSub === 'sharded'
    this.#role = role
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.#isSharded) await this.#listener.ssubscribe(...channels)
    else await this.#listener.subscribe(...channels)
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    if (this.#isSharded) await this.#listener.sunsubscribe(...channels)
    else await this.#listener.unsubscribe(...channels)
  }

  async publish(messages: readonly Message[]): Promise<void> {
    const pipeline = this.#publisher.pipeline()
    for (const { channel, bytes } of messages) {
      // The same memory under the name that the client library knows.
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      if (this.#isSharded) pipeline.spublish(channel, buffer)
      else pipeline.publish(channel, buffer)
    }
    const results = await pipeline.exec()
    for (const [error] of results ?? []) {
      if (error !== null) throw error
    }
  }

  async ping(): Promise<void> {
    await this.#listener.ping()
    if (this.#role === 'any') return void (await this.#publisher.ping())
    // A master that came back after a failover: its sentinels make a replica of it any moment.
    const [role] = (await this.#publisher.role()) as [string]
    if (role !== 'master') throw new Error(`this server is a ${role}, no master`)
  }
}

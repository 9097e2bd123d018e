/** The way from one node to its Redis: can be slow, cut, silent, or lose messages. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { integerBetween, type Random } from '../../shared/random.ts'
import { lateLine } from './late-line.ts'
import { isPubSubMessage, RespFrames } from './resp-frames.ts'

export type RedisProxy = {
  /** For WEFT_REDIS_URL of the one node whose way this is. */
  readonly url: string
  /** Messages that were lost on the way to the node. */
  readonly lost: number
  /** Bytes that the node has sent. */
  readonly bytesToBus: number
  /** Ends every connection, and each new one at once. */
  cut(): void
  /** Connections stay open and nothing passes, either way: a partition that nobody is told of. */
  silence(): void
  /** Everything is late by a time between the two, in its order. */
  delay(minMs: number, maxMs: number): void
  /** This share of messages never arrives; answers and heartbeats of the link do. */
  lose(rate: number): void
  /** As at the start. What was held back by a silence is gone, with its connections. */
  restore(): void
  close(): Promise<void>
}

type Way =
  | { readonly kind: 'open' }
  | { readonly kind: 'slow'; readonly minMs: number; readonly maxMs: number }
  | { readonly kind: 'silent' }
  | { readonly kind: 'cut' }

export async function redisProxy(target: { port: number }, random: Random): Promise<RedisProxy> {
  const sockets = new Set<Socket>()
  let way: Way = { kind: 'open' }
  let lossRate = 0
  let lost = 0
  let bytesToBus = 0

  const passTo = (to: Socket) => {
    const pass = lateLine(to)
    return (bytes: Buffer) => {
      if (way.kind === 'silent') return
      pass(bytes, way.kind === 'slow' ? integerBetween(random, way.minMs, way.maxMs) : 0)
    }
  }
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer(node => {
    if (way.kind === 'cut') return void node.destroy()
    const redis = connect(target.port, '127.0.0.1')
    for (const [one, other] of [
      [node, redis],
      [redis, node],
    ] as const) {
      sockets.add(one)
      // Broken connections are what this is made for; `close` follows.
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    const passToRedis = passTo(redis)
    node.on('data', chunk => {
      bytesToBus += chunk.byteLength
      passToRedis(chunk)
    })
    const frames = new RespFrames()
    const pass = passTo(node)
    redis.on('data', chunk => {
      for (const frame of frames.feed(chunk)) {
        if (lossRate > 0 && isPubSubMessage(frame) && random.next() < lossRate) lost++
        else pass(frame)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost
    },
    get bytesToBus() {
      return bytesToBus
    },
    cut() {
      way = { kind: 'cut' }
      drop()
    },
    silence: () => void (way = { kind: 'silent' }),
    delay: (minMs, maxMs) => void (way = { kind: 'slow', minMs, maxMs }),
    lose: rate => void (lossRate = rate),
    restore() {
      // The bytes that a silence swallowed are missing in these streams.
      if (way.kind === 'silent') drop()
      way = { kind: 'open' }
      lossRate = 0
    },
    async close() {
      drop()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

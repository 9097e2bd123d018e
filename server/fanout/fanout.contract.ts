/** What every fan-out must do; each implementation runs this suite. Ids are those of README.md. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import { systemClock } from '../../shared/clock.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { integerBetween, pick, seededRandom } from '../../shared/random.ts'
import { until } from '../testing/until.ts'
import { createEnvelopeCodec } from './envelope.ts'
import { HEARTBEAT_MS, NODE_GONE_MS, type Fanout } from './fanout.ts'
import { NODES_CHANNEL } from './node-fanout.ts'

export type FanoutHarness = {
  /** A node of its own; its link may not be up yet. */
  open(options?: { clock?: Clock; secret?: string }): Fanout
  /** Puts bytes on a channel, as anybody who can reach the bus may; resolves once it has them. */
  inject(channel: string, bytes: Uint8Array): Promise<void>
  /** The bus goes away for everybody, and comes back. */
  fail(): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

const bytes = (text: string) => new TextEncoder().encode(text)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)

export function fanoutContract(name: string, start: () => Promise<FanoutHarness>): void {
  describe(`the ${name} fan-out`, () => {
    let harness: FanoutHarness
    let opened: Fanout[] = []
    beforeEach(async () => {
      harness = await start()
    })
    afterEach(async () => {
      await Promise.all(opened.map(fanout => fanout.close()))
      opened = []
      await harness.close()
    })

    const open = async (options: { clock?: Clock; secret?: string } = {}) => {
      const fanout = harness.open(options)
      opened.push(fanout)
      await until(() => fanout.health().link === 'up', 'the link is up')
      return fanout
    }
    /** Listens, and keeps what it hears as text. */
    const hear = async (fanout: Fanout, channel: string) => {
      const heard: string[] = []
      const from: string[] = []
      const subscription = fanout.subscribe(channel, (payload, node) => {
        heard.push(new TextDecoder().decode(payload))
        from.push(node)
      })
      await subscription.ready
      return { heard, from, close: () => subscription.close() }
    }
    /** All that was on its way to a node has arrived. */
    const settle = async (from: Fanout, to: Fanout) => {
      const fence = await hear(to, 'fence')
      from.publish('fence', bytes('.'))
      await until(() => fence.heard.length > 0, 'the fence arrived')
      fence.close()
    }

    test('[F1] a message reaches every other node on the channel, and never its sender', async () => {
      const [a, b, c] = [await open(), await open(), await open()]
      const [atA, atB, atC] = [await hear(a, 'x'), await hear(b, 'x'), await hear(c, 'x')]
      const elsewhere = await hear(b, 'y')
      a.publish('x', bytes('hello'))
      await until(() => atB.heard.length + atC.heard.length === 2, 'both heard')
      await settle(b, a)
      expect(atB).toMatchObject({ heard: ['hello'], from: [a.node] })
      expect(atC).toMatchObject({ heard: ['hello'], from: [a.node] })
      expect(atA.heard).toEqual([])
      expect(elsewhere.heard).toEqual([])
      expect(a.health()).toMatchObject({ published: 1, dropped: 0, rejected: 0 })
      expect(b.health().received).toBeGreaterThanOrEqual(1)
      expect(new Set([a.node, b.node, c.node]).size).toBe(3)
    })

    test('[F2] messages of one node on one channel keep their order, whatever is in them', async () => {
      const [a, b] = [await open(), await open()]
      const heard: Uint8Array[] = []
      await b.subscribe('acme/plan', payload => void heard.push(Uint8Array.from(payload))).ready
      const random = seededRandom(seed)
      const sent = Array.from({ length: 500 }, (_, n) =>
        Uint8Array.from({ length: integerBetween(random, 0, 300) }, () => random.next() * 256 + n),
      )
      for (const payload of sent) a.publish('acme/plan', payload)
      await until(() => heard.length === sent.length, `all arrived (SEED=${seed})`)
      expect(heard, `SEED=${seed}`).toEqual(sent)
    })

    test('[F2] a large message arrives whole; one that is too large is dropped and counted', async () => {
      const [a, b] = [await open(), await open()]
      const lengths: number[] = []
      await b.subscribe('x', payload => void lengths.push(payload.byteLength)).ready
      a.publish('x', new Uint8Array(4 << 20))
      a.publish('x', new Uint8Array(9 << 20))
      a.publish('x', new Uint8Array(1))
      await until(() => lengths.length === 2, 'two arrived')
      expect(lengths).toEqual([4 << 20, 1])
      expect(a.health()).toMatchObject({ published: 2, dropped: 1 })
    })

    test('[F3] each subscription hears each message once, until it is closed', async () => {
      const [a, b] = [await open(), await open()]
      const heard: string[] = []
      const listener = (label: string) => () => void heard.push(label)
      const same = listener('same')
      const subscriptions = [same, same, listener('third')].map(each => b.subscribe('x', each))
      await Promise.all(subscriptions.map(({ ready }) => ready))
      a.publish('x', bytes('1'))
      await until(() => heard.length === 3, 'three heard')
      subscriptions[0]?.close()
      subscriptions[0]?.close()
      a.publish('x', bytes('2'))
      await until(() => heard.length === 5, 'two more heard')
      for (const subscription of subscriptions) subscription.close()
      a.publish('x', bytes('3'))
      await settle(a, b)
      expect(heard.toSorted()).toEqual(['same', 'same', 'same', 'third', 'third'])
    })

    test('[F3] a channel that was left can be joined again, at once', async () => {
      const [a, b] = [await open(), await open()]
      const before = await hear(b, 'x')
      before.close()
      for (let n = 0; n < 20; n++) b.subscribe('x', () => {}).close()
      const after = await hear(b, 'x')
      a.publish('x', bytes('hello'))
      await until(() => after.heard.length === 1, 'heard')
      expect(before.heard).toEqual([])
    })

    test('[F3] a listener that throws hurts nobody else', async () => {
      const [a, b] = [await open(), await open()]
      await b.subscribe('x', () => {
        throw new Error('a bug')
      }).ready
      const healthy = await hear(b, 'x')
      a.publish('x', bytes('1'))
      a.publish('x', bytes('2'))
      await until(() => healthy.heard.length === 2, 'both heard')
    })

    test('[F4] nodes know each other soon, and know who said goodbye', async () => {
      const [a, b] = [await open(), await open()]
      const c = await open()
      const gone: string[] = []
      const stop = a.onNodeGone(node => void gone.push(node))
      const here: string[] = []
      a.onNodeHere(node => void here.push(node))
      await until(() => a.nodes().length === 2 && c.nodes().length === 2, 'all know all', 1_500)
      expect([...a.nodes()].toSorted()).toEqual([b.node, c.node].toSorted())
      await b.close()
      await until(() => gone.length === 1, 'a knows that b is gone', 1_500)
      expect(gone).toEqual([b.node])
      expect(a.nodes()).toEqual([c.node])
      stop()
      await c.close()
      await until(() => a.nodes().length === 0, 'c is gone too', 1_500)
      expect(gone).toEqual([b.node])
      const d = await open()
      await until(() => here.includes(d.node), 'a newcomer is told')
    })

    test('[F4] a node that falls silent is gone, neither early nor late', async () => {
      const [clock, silent] = [new ManualClock(), new ManualClock()]
      const [a, b] = [await open({ clock }), await open({ clock: silent })]
      await until(() => a.nodes().length === 1, 'a knows b')
      const gone: string[] = []
      a.onNodeGone(node => void gone.push(node))
      clock.advance(NODE_GONE_MS - 1)
      expect(gone).toEqual([])
      silent.advance(HEARTBEAT_MS)
      await settle(b, a)
      clock.advance(NODE_GONE_MS - 1)
      expect(gone).toEqual([])
      clock.advance(1)
      expect(gone).toEqual([b.node])
      const here: string[] = []
      a.onNodeHere(node => void here.push(node))
      silent.advance(HEARTBEAT_MS)
      await until(() => here.length === 1, 'it speaks again')
      expect(a.nodes()).toEqual([b.node])
    })

    test('[F5] while the bus is away everything is dropped, and afterwards all is as before', async () => {
      const [a, b] = [await open(), await open()]
      const early = await hear(b, 'x')
      const links: string[] = []
      a.onLink(link => void links.push(`a ${link}`))
      b.onLink(link => void links.push(`b ${link}`))
      await harness.fail()
      await until(() => links.length === 2, 'both know that the link is down', 15_000)
      const dropped = a.health().dropped
      const { published } = a.health()
      a.publish('x', bytes('lost'))
      expect(a.health()).toMatchObject({ link: 'down', published, dropped: dropped + 1 })
      expect(a.health().reason).toBeTypeOf('string')
      let isReady = false
      const late: string[] = []
      const subscription = b.subscribe('y', payload => void late.push(String(payload[0])))
      const again = b.subscribe('x', () => {})
      const ready = Promise.all([
        subscription.ready.then(() => (isReady = true)),
        again.ready.then(() => (isReady = true)),
      ])
      await Promise.resolve()
      expect(isReady).toBe(false)
      await harness.restore()
      await until(() => links.length === 4, 'both links are up again', 15_000)
      await ready
      a.publish('x', bytes('after'))
      a.publish('y', Uint8Array.of(7))
      await until(() => early.heard.length === 1 && late.length === 1, 'both subscriptions live')
      expect(early.heard).toEqual(['after'])
      expect(late).toEqual(['7'])
      expect(links.slice(0, 2).toSorted()).toEqual(['a down', 'b down'])
      expect(links.slice(2).toSorted()).toEqual(['a up', 'b up'])
    })

    test('[F5] while the bus is away, the other nodes count as gone', async () => {
      const clock = new ManualClock()
      const [a, b] = [await open({ clock }), await open()]
      await until(() => a.nodes().length === 1, 'a knows b')
      const gone: string[] = []
      a.onNodeGone(node => void gone.push(node))
      await harness.fail()
      await until(() => b.health().link === 'down', 'the bus is away', 15_000)
      clock.advance(NODE_GONE_MS)
      expect(gone).toEqual([b.node])
      await harness.restore()
    })

    test('[F6] [F7] rubbish on every channel is counted, dropped, and heard by nobody', async () => {
      const [a, b] = [await open(), await open()]
      const heard: Uint8Array[] = []
      await b.subscribe('x', payload => void heard.push(Uint8Array.from(payload))).ready
      const random = seededRandom(seed)
      const codec = createEnvelopeCodec()
      let rubbish = 0
      let valid = 0
      const injecting: Promise<void>[] = []
      for (let n = 0; n < 10_000; n++) {
        const channel = pick(random, ['x', NODES_CHANNEL])
        const message = mutated(
          random,
          codec.encode({ node: 'm', channel, payload: bytes('evil') }),
        )
        const envelope = codec.decode(message)
        if (envelope?.channel !== channel) rubbish++
        else if (channel === 'x') valid++
        injecting.push(harness.inject(channel, message))
        if (n % 100 === 0) await Promise.all(injecting)
      }
      await Promise.all(injecting)
      expect(rubbish).toBeGreaterThan(5_000)
      await until(() => b.health().rejected >= rubbish, `rejected (SEED=${seed})`)
      await settle(a, b)
      expect(heard.length, `SEED=${seed}`).toBe(valid)
      a.publish('x', bytes('still here'))
      await until(() => heard.length === valid + 1, 'the process is up and listens')
    })

    test('[F6] what was published on another channel, or cut in any place, is rejected', async () => {
      const b = await open()
      const at = await hear(b, 'x')
      const whole = createEnvelopeCodec().encode({ node: 'm', channel: 'y', payload: bytes('z') })
      const right = createEnvelopeCodec().encode({ node: 'm', channel: 'x', payload: bytes('z') })
      await harness.inject('x', whole)
      for (let length = 0; length < right.byteLength; length++) {
        await harness.inject('x', right.subarray(0, length))
      }
      await harness.inject('x', Uint8Array.of(...right, 0))
      await harness.inject('x', right)
      await until(() => at.heard.length === 1, 'the right one arrived')
      expect(b.health().rejected).toBe(right.byteLength + 2)
    })

    test('[F8] with a secret, only those who know it are heard', async () => {
      const secret = 'a secret of nodes, at least 32 long'
      const [a, b] = [await open({ secret }), await open({ secret })]
      const [plain, other] = [await open(), await open({ secret: `${secret}er` })]
      const [atB, atPlain] = [await hear(b, 'x'), await hear(plain, 'x')]
      const before = b.health().rejected
      plain.publish('x', bytes('unsigned'))
      other.publish('x', bytes('wrongly signed'))
      a.publish('x', bytes('signed'))
      await until(() => atB.heard.length === 1, 'the signed one arrived')
      await until(() => b.health().rejected >= before + 2, 'two rejected')
      await until(() => atPlain.heard.length === 0 && plain.health().rejected >= 2, 'as here')
      expect(atB.heard).toEqual(['signed'])
      expect(b.nodes()).not.toContain(plain.node)
      expect(b.nodes()).not.toContain(other.node)
    })

    test('[F9] after close nothing is heard, sent or told, and closing again is nothing', async () => {
      const [a, b] = [await open({ clock: systemClock }), await open()]
      const at = await hear(b, 'x')
      await b.close()
      await b.close()
      b.publish('x', bytes('1'))
      let isReady = false
      void b.subscribe('x', () => {}).ready.then(() => (isReady = true))
      const atA = await hear(a, 'x')
      a.publish('x', bytes('2'))
      await until(() => a.nodes().length === 0, 'a was told goodbye', 1_500)
      expect(at.heard).toEqual([])
      expect(atA.heard).toEqual([])
      expect(isReady).toBe(false)
      expect(b.health()).toMatchObject({ link: 'down', reason: 'closed' })
    })
  })
}

type Random = ReturnType<typeof seededRandom>

/** A frame with bits flipped, cut, grown, its lengths blown up; or nothing but noise. */
function mutated(random: Random, frame: Uint8Array): Uint8Array {
  const noise = (length: number) => Uint8Array.from({ length }, () => random.next() * 256)
  const bent = Uint8Array.from(frame)
  const at = integerBetween(random, 0, frame.byteLength - 1)
  switch (integerBetween(random, 0, 5)) {
    case 0:
      return noise(integerBetween(random, 0, 64))
    case 1:
      return frame.subarray(0, at)
    case 2:
      return Uint8Array.of(...frame, ...noise(integerBetween(random, 1, 8)))
    case 3:
      bent[at] = 0xff
      return bent
    case 4:
      return Uint8Array.of(...frame.subarray(0, at), ...noise(4), ...frame.subarray(at))
    default:
      bent[at] = (bent[at] ?? 0) ^ (1 << integerBetween(random, 0, 7))
      return bent
  }
}

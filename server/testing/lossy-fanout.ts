/** A fan-out that loses some of what it hears, as a bus may. */
import type { Random } from '../../shared/random.ts'
import type { Fanout } from '../fanout/fanout.ts'

export type LossyFanout = Fanout & {
  /** Messages that its listeners never heard. */
  readonly lost: number
}

/** `rate` is the share that is lost, for each listener by itself; heartbeats always arrive. */
export function lossyFanout(inner: Fanout, random: Random, rate: number): LossyFanout {
  let lost = 0
  return {
    node: inner.node,
    subscribe: (channel, listener) =>
      inner.subscribe(channel, (payload, from) => {
        if (random.next() < rate) lost++
        else listener(payload, from)
      }),
    publish: (channel, payload) => inner.publish(channel, payload),
    onLink: listener => inner.onLink(listener),
    nodes: () => inner.nodes(),
    onNodeHere: listener => inner.onNodeHere(listener),
    onNodeGone: listener => inner.onNodeGone(listener),
    health: () => inner.health(),
    close: () => inner.close(),
    get lost() {
      return lost
    },
  }
}

/** What the fan-out counts by itself, read into the registry when somebody asks. */
import { Counter, Gauge, type Registry } from 'prom-client'

export type FanoutLevels = {
  readonly link: 'up' | 'down'
  readonly published: number
  readonly received: number
  readonly dropped: number
  readonly rejected: number
}

export const noFanout: FanoutLevels = {
  link: 'up',
  published: 0,
  received: 0,
  dropped: 0,
  rejected: 0,
}

export function collectFanout(read: () => FanoutLevels, registers: Registry[]): void {
  const counted = (name: string, help: string, field: Exclude<keyof FanoutLevels, 'link'>) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read()[field])
      },
    })
  counted('weft_fanout_published_total', 'Messages told to other nodes.', 'published')
  counted('weft_fanout_received_total', 'Messages of other nodes that were heard.', 'received')
  counted('weft_fanout_dropped_total', 'Messages not told: no link, or too many.', 'dropped')
  counted('weft_fanout_rejected_total', 'Messages that were not understood.', 'rejected')
  const help = '1 while this node hears the others, 0 while it does not.'
  const levelOf = { up: 1, down: 0 } as const
  void new Gauge({
    name: 'weft_fanout_link',
    help,
    registers,
    collect() {
      this.set(levelOf[read().link])
    },
  })
}

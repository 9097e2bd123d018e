/** A session with a cluster: one link to each master, and channels by their slots. */
import calculateSlot from 'cluster-key-slot'
import { z } from 'zod'
import type { Host } from './redis-address.ts'
import type { Message, Session } from './session.ts'

const SLOTS = 16_384

/** What `CLUSTER SLOTS` answers: ranges, each with its master first. */
const slotsAnswer = z.array(
  z
    .tuple([z.int(), z.int(), z.tuple([z.string().nullable(), z.int()]).rest(z.unknown())])
    .rest(z.unknown()),
)

/** The master of each slot. A node that does not know its own name is where `asked` found it. */
export function mastersBySlot(answer: unknown, asked: Host): readonly Host[] {
  const masters = new Map<string, Host>()
  const bySlot = Array.from<Host | undefined>({ length: SLOTS })
  for (const [first, last, [name, port]] of slotsAnswer.parse(answer)) {
    const host = name === null || name === '' || name === '?' ? asked.host : name
    const key = `${host}:${port}`
    const master = masters.get(key) ?? { host, port }
    masters.set(key, master)
    bySlot.fill(master, first, last + 1)
  }
  const whole = bySlot.filter(master => master !== undefined)
  if (whole.length === SLOTS) return whole
  throw new Error(`the cluster serves ${whole.length} of its ${SLOTS} slots`)
}

export class ClusterSession implements Session {
  readonly #bySlot: readonly Session[]
  readonly #links: readonly Session[]

  constructor(bySlot: readonly Session[]) {
    this.#bySlot = bySlot
    this.#links = [...new Set(bySlot)]
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#bySlots(channels, (link, group) => link.subscribe(group))
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#bySlots(channels, (link, group) => link.unsubscribe(group))
  }

  async publish(messages: readonly Message[]): Promise<void> {
    const byLink = Map.groupBy(messages, ({ channel }) => this.#linkOf(calculateSlot(channel)))
    await Promise.all([...byLink].map(([link, group]) => link.publish(group)))
  }

  async ping(): Promise<void> {
    await Promise.all(this.#links.map(link => link.ping()))
  }

  /** One command names channels of one slot only. */
  async #bySlots(
    channels: readonly string[],
    act: (link: Session, group: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const groups = Map.groupBy(channels, channel => calculateSlot(channel))
    await Promise.all([...groups].map(([slot, group]) => act(this.#linkOf(slot), group)))
  }

  #linkOf(slot: number): Session {
    const link = this.#bySlot[slot]
    if (link === undefined) throw new Error(`nobody serves slot ${slot}`)
    return link
  }
}

/** Presence: its rounds, who is where on all nodes, programs, when people were last seen; and signals. */
import type { Clock } from '../shared/clock.ts'
import type { Random } from '../shared/random.ts'
import { createSignals, type AppHooks } from './app-signals.ts'
import type { Gatekeeper } from './access/gatekeeper.ts'
import type { StopReport } from './base/life-cycle.ts'
import type { Logger } from './base/log.ts'
import type { Metrics } from './base/metrics.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import type { Openings } from './documents/openings.ts'
import type { Fanout } from './fanout/fanout.ts'
import type { Signals } from './features/signals/signals.ts'
import { LastSeen } from './presence/last-seen.ts'
import { People } from './presence/people.ts'
import { Agents } from './transport/agents.ts'
import { createRooms, type Rooms } from './transport/rooms.ts'

export type PresenceParts = {
  readonly database: Pick<Database, 'db'>
  readonly gatekeeper: Gatekeeper
  readonly openings: Openings
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
  readonly hooks: AppHooks
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
}

export type OpenedPresence = {
  readonly rooms: Rooms
  readonly people: People
  readonly agents: Agents
  readonly lastSeen: LastSeen
  readonly signals: Signals
  /** When nobody comes any more; before the documents and the database. */
  stop(): Promise<StopReport>
}

export function openPresence(config: Config, parts: PresenceParts): OpenedPresence {
  const { database, gatekeeper, openings, clock, log } = parts
  const rooms = createRooms({
    ...parts,
    limits: { stateBytesMax: config.WEFT_MAX_AWARENESS_BYTES },
    presenceIntervalMs: config.WEFT_PRESENCE_INTERVAL_MS,
    onLeft: sighting => lastSeen.left(sighting),
  })
  const present = () =>
    rooms.present().map(({ principalId, document }) => ({ userId: principalId, document }))
  const lastSeen = new LastSeen({ database, present, clock, log })
  const people = new People({
    ...parts,
    here: query => ('devicesOf' in query ? rooms.origins(query.devicesOf) : rooms.present(query)),
    onAgentLeft: agent => agents.left(agent),
  })
  const tellLeft = people.tellLeft.bind(people)
  const agents = new Agents({ gatekeeper, openings, rooms, clock, tellLeft })
  const signals = createSignals(config, { ...parts, rooms })
  return {
    rooms,
    signals,
    people,
    agents,
    lastSeen,
    async stop() {
      const left = agents.stop()
      await people.close()
      await signals.close()
      await lastSeen.close()
      return left
    },
  }
}

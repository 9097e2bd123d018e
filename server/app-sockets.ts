/** The sockets, with the limits that the settings give them. */
import type { Clock } from '../shared/clock.ts'
import type { Random } from '../shared/random.ts'
import type { Gatekeeper } from './access/gatekeeper.ts'
import type { Logger } from './base/log.ts'
import type { Metrics } from './base/metrics.ts'
import type { Config } from './config.ts'
import type { Documents } from './documents/documents.ts'
import type { Edge } from './edge/edge.ts'
import type { Fanout } from './fanout/fanout.ts'
import type { Signals } from './features/signals/signals.ts'
import type { Openings } from './documents/openings.ts'
import { DocumentDoor } from './transport/document-door.ts'
import type { Rooms } from './transport/rooms.ts'
import { Sockets } from './transport/sockets.ts'

type SocketParts = {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly rooms: Rooms
  readonly signals: Signals
  readonly random: Random
  readonly documents: Documents
  readonly openings: Openings
  readonly gatekeeper: Gatekeeper
  readonly edge: Edge
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
}

export function createSockets(config: Config, parts: SocketParts): Sockets {
  const { clock, random, log, metrics } = parts
  const pingIntervalMs = config.WEFT_PING_INTERVAL_MS
  const door = new DocumentDoor({
    ...parts,
    terms: {
      limits: {
        updateBytes: config.WEFT_MAX_UPDATE_BYTES,
        frameBytes: config.WEFT_MAX_FRAME_BYTES,
      },
      pingIntervalMs,
    },
  })
  return new Sockets({
    door,
    edge: parts.edge,
    clock,
    random,
    log,
    metrics,
    devices: {
      perUserMax: config.WEFT_MAX_DEVICES_PER_USER,
      whenFull: config.WEFT_DEVICES_WHEN_FULL,
      fanout: parts.fanout,
    },
    limits: {
      frameBytesMax: config.WEFT_MAX_FRAME_BYTES,
      lagBytes: config.WEFT_LAG_BYTES,
      sendBytesMax: config.WEFT_MAX_SEND_BYTES,
      connectionsMax: config.WEFT_MAX_CONNECTIONS,
      unknownMax: config.WEFT_MAX_UNAUTHENTICATED,
      unknownPerAddressMax: config.WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS,
      documentsMax: config.WEFT_MAX_DOCUMENTS_PER_CONNECTION,
      queueBytesMax: config.WEFT_MAX_QUEUE_BYTES,
      messageBytesMax: messageBytesMax(config),
      authTimeoutMs: config.WEFT_AUTH_TIMEOUT_MS,
      pingIntervalMs,
    },
  })
}

/** Room for a signal whose text is written with escapes, and for what stands around it. */
function messageBytesMax({ WEFT_MAX_SIGNAL_BYTES: signalBytes }: Config): number {
  return Math.max(8 << 10, signalBytes * 2)
}

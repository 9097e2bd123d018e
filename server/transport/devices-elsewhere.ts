/**
 * The limit of devices over all nodes. A device that has come is counted with those that other nodes
 * know: of two that come at once each node learns of the other's, and both name the same one to go.
 */
import { z } from 'zod'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Fanout } from '../fanout/fanout.ts'
import { NodeQuestions } from '../fanout/node-questions.ts'
import type { Devices, DevicesOptions, KnownDevice } from './devices.ts'

export type DevicesElsewhereOptions = DevicesOptions & {
  readonly devices: Pick<Devices, 'of' | 'end'>
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
  readonly log: Logger
  readonly metrics: Metrics
}

export const DEVICES_CHANNEL = 'devices'

/** Questions under way at once; beyond, this node alone counts. */
const QUESTIONS_MAX = 500

const known = z.array(z.object({ device: z.string(), since: z.number() })).max(1_000)
const deviceMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ask'), question: z.string(), user: z.string() }),
  z.object({ kind: z.literal('answer'), question: z.string(), devices: known }),
  z.object({ kind: z.literal('end'), user: z.string(), device: z.string() }),
])
type DeviceMessage = z.infer<typeof deviceMessage>

export class DevicesElsewhere {
  readonly #options: DevicesElsewhereOptions
  readonly #questions: NodeQuestions<readonly KnownDevice[]>
  readonly #stop: () => void

  constructor(options: DevicesElsewhereOptions) {
    this.#options = options
    this.#questions = new NodeQuestions({ ...options, about: 'devices', most: QUESTIONS_MAX })
    const subscription = options.fanout?.subscribe(DEVICES_CHANNEL, (payload, from) =>
      this.#onMessage(payload, from),
    )
    this.#stop = () => subscription?.close()
  }

  /** A socket of this user has come; ends what is one too many, wherever it is. Never rejects. */
  async check(user: string): Promise<void> {
    const { devices, perUserMax, fanout, log } = this.#options
    if (perUserMax === 0 || fanout === undefined) return
    try {
      const others = await this.#questions.ask(question =>
        this.#say({ kind: 'ask', question, user }),
      )
      // What is here as it is by now: somebody may have left while others were asked.
      for (const device of this.#surplus([devices.of(user), ...others].flat())) {
        devices.end(user, device)
        this.#say({ kind: 'end', user, device })
      }
    } catch (error) {
      log.warn({ err: error }, 'the devices of a user were counted on this node alone')
    }
  }

  close(): void {
    this.#stop()
    this.#questions.close()
  }

  #surplus(all: readonly KnownDevice[]): readonly string[] {
    const { perUserMax, whenFull } = this.#options
    const since = new Map<string, number>()
    for (const one of all) {
      since.set(one.device, Math.min(one.since, since.get(one.device) ?? Infinity))
    }
    // The same order on every node, also for two that came in the same millisecond.
    const oldestFirst = [...since]
      .toSorted(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : 1))
      .map(([device]) => device)
    if (whenFull === 'reject') return oldestFirst.slice(perUserMax)
    return oldestFirst.slice(0, Math.max(0, oldestFirst.length - perUserMax))
  }

  #say(message: DeviceMessage): void {
    const bytes = new TextEncoder().encode(JSON.stringify(message))
    this.#options.fanout?.publish(DEVICES_CHANNEL, bytes)
  }

  #onMessage(payload: Uint8Array, from: string): void {
    try {
      this.#take(decode(payload), from)
    } catch (error) {
      this.#options.metrics.nodeMessagesRefused.inc({ code: toWeftError(error).code })
    }
  }

  #take(message: DeviceMessage, from: string): void {
    const { devices } = this.#options
    switch (message.kind) {
      case 'ask':
        return this.#say({
          kind: 'answer',
          question: message.question,
          devices: [...devices.of(message.user)],
        })
      case 'answer':
        return this.#questions.answered(message.question, from, message.devices)
      case 'end':
        return devices.end(message.user, message.device)
    }
  }
}

function decode(payload: Uint8Array): DeviceMessage {
  try {
    return deviceMessage.parse(JSON.parse(new TextDecoder().decode(payload)))
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'no message about devices', { cause: error })
  }
}

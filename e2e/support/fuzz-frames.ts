/** Frames as clients send them, and what becomes of them when bytes are flipped, cut and spliced. */
import * as encoding from 'lib0/encoding'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import {
  awarenessFrame,
  messageType,
  numberedFrame,
  statelessFrame,
  syncFrame,
  syncStep,
  tokenFrame,
} from '../../shared/frames.ts'
import { integerBetween, pick, type Random } from '../../shared/random.ts'
import { editAtRandom } from '../../server/testing/random-edits.ts'

export type Door = 'sync' | 'y'

/** Real frames about the document; its edits are real too, and go on as the fuzzing does. */
export class FrameSource {
  readonly #address: string
  readonly #door: Door
  readonly #random: Random
  readonly #token: string
  readonly #doc = new Y.Doc()
  #last: Uint8Array = Uint8Array.of(0, 0)

  constructor(address: string, door: Door, { random, token }: { random: Random; token: string }) {
    this.#address = address
    this.#door = door
    this.#random = random
    this.#token = token
    this.#doc.clientID = integerBetween(random, 1, 2 ** 31)
    this.#doc.on('update', (update: Uint8Array) => (this.#last = update))
  }

  /** Lets whoever connects in, and asks for the document. */
  greeting(): readonly Uint8Array[] {
    const token = tokenFrame(this.#address, { token: this.#token, version: '4.8.0', hello: '' })
    const question = this.#sync(syncStep.step1, Uint8Array.of(0))
    return this.#door === 'sync' ? [token, question] : [question]
  }

  next(): Uint8Array {
    const random = this.#random
    const kind = integerBetween(random, 0, 9)
    if (kind <= 3) {
      editAtRandom(this.#doc, random)
      return this.#sync(syncStep.update, this.#last)
    }
    if (kind === 4) return this.#sync(syncStep.step2, Y.encodeStateAsUpdate(this.#doc))
    if (kind === 5) return this.#sync(syncStep.step1, Y.encodeStateVector(this.#doc))
    if (kind === 6) return this.#awareness()
    if (this.#door === 'y') return this.#sync(syncStep.update, this.#last)
    if (kind === 7) {
      return statelessFrame(this.#address, '{"type":"weft.check","id":1,"digest":"x","attempt":1}')
    }
    if (kind === 8) return this.#plain(messageType.queryAwareness)
    return random.next() < 0.9
      ? numberedFrame(this.#address, {
          step: syncStep.update,
          update: this.#last,
          number: integerBetween(random, 1, 9),
        })
      : tokenFrame(this.#address, { token: this.#token, version: '4.8.0', hello: '{}' })
  }

  #sync(step: 0 | 1 | 2, payload: Uint8Array): Uint8Array {
    const frame = syncFrame(this.#address, step, payload)
    return this.#door === 'sync' ? frame : withoutAddress(frame, this.#address)
  }

  #awareness(): Uint8Array {
    const awareness = new Awareness(this.#doc)
    awareness.setLocalState({ user: { name: 'fuzz' }, cursor: this.#random.next() })
    const update = encodeAwarenessUpdate(awareness, [this.#doc.clientID])
    awareness.destroy()
    const frame = awarenessFrame(this.#address, update)
    return this.#door === 'sync' ? frame : withoutAddress(frame, this.#address)
  }

  #plain(type: number): Uint8Array {
    const encoder = encoding.createEncoder()
    encoding.writeVarString(encoder, this.#address)
    encoding.writeVarUint(encoder, type)
    return encoding.toUint8Array(encoder)
  }
}

/** The y-websocket protocol has the same frames without the address. */
function withoutAddress(frame: Uint8Array, address: string): Uint8Array {
  return frame.subarray(1 + address.length)
}

type Mutation = (frame: Uint8Array, random: Random, from: number) => Uint8Array

const somewhere = (frame: Uint8Array, random: Random, from: number) =>
  integerBetween(random, Math.min(from, frame.byteLength - 1), frame.byteLength - 1)

const mutations: readonly Mutation[] = [
  (frame, random, from) => {
    const at = somewhere(frame, random, from)
    frame[at] = (frame[at] ?? 0) ^ (1 << integerBetween(random, 0, 7))
    return frame
  },
  (frame, random, from) => {
    frame[somewhere(frame, random, from)] = pick(random, [0, 1, 127, 128, 255])
    return frame
  },
  (frame, random, from) => frame.subarray(0, somewhere(frame, random, from)),
  (frame, random, from) => {
    const at = somewhere(frame, random, from)
    frame.fill(255, at, at + integerBetween(random, 1, 9))
    return frame
  },
  (frame, random, from) => {
    const at = somewhere(frame, random, from)
    const noise = Array.from({ length: integerBetween(random, 1, 8) }, () =>
      integerBetween(random, 0, 255),
    )
    return Uint8Array.from([...frame.subarray(0, at), ...noise, ...frame.subarray(at)])
  },
  (frame, random, from) => {
    const [a, b] = [somewhere(frame, random, from), somewhere(frame, random, from)]
    return Buffer.concat([frame.subarray(0, Math.max(a, b)), frame.subarray(Math.min(a, b))])
  },
]

/** One to three mutations; most of them leave the first `head` bytes alone, to get deeper. */
export function mutate(frame: Uint8Array, random: Random, head: number): Uint8Array {
  let mutated: Uint8Array = Uint8Array.from(frame)
  const from = random.next() < 0.98 ? head : 0
  const count = integerBetween(random, 1, 3)
  for (let i = 0; i < count && mutated.byteLength > 0; i++) {
    mutated = Uint8Array.from(pick(random, mutations)(mutated, random, from))
  }
  return mutated
}

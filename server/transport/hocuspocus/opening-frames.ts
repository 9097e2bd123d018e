/** What one client sends before its document is open, and how many of its updates were not kept. */
import * as decoding from 'lib0/decoding'
import { messageType, syncStep, type Frame } from '../../../shared/frames.ts'
import { readStateVector } from '../../documents/state-vector.ts'
import { reachesBeyond } from '../../documents/update-check.ts'
import type { EarlyFrames } from '../early-frames.ts'

export type OpeningFramesOptions = {
  readonly early: EarlyFrames<Frame>
  /** Does the client expect an answer to each update, whatever it was counting before? */
  readonly countsAll: boolean
}

export class OpeningFrames {
  readonly #options: OpeningFramesOptions
  #stateVector: Uint8Array | undefined
  #dropped = 0

  constructor(options: OpeningFramesOptions) {
    this.#options = options
  }

  /** Updates that were not kept and are waited for; the handshake brings them again. */
  get dropped(): number {
    return this.#dropped
  }

  add(frame: Frame): void {
    if (stepOf(frame) === syncStep.step1) this.#stateVector = payloadOf(frame)
    if (!this.#options.early.add(frame, sizeOf(frame))) this.drop(frame)
  }

  /** It is not kept, and not forgotten either. */
  drop(frame: Frame): void {
    if (stepOf(frame) === syncStep.update && this.#isCounted(frame)) this.#dropped += 1
  }

  /** Lets go of all but a greeting. */
  shed(): void {
    const lost = this.#options.early.shed(frame => stepOf(frame) !== syncStep.update)
    for (const frame of lost) this.drop(frame)
  }

  take(): readonly Frame[] {
    return this.#options.early.take()
  }

  /**
   * A stock provider counts anew with its state vector, and then sends what it had queued before:
   * see `SyncSession`.
   */
  #isCounted(frame: Frame): boolean {
    if (this.#options.countsAll) return true
    const update = payloadOf(frame)
    if (this.#stateVector === undefined || update === undefined) return false
    try {
      return reachesBeyond(readStateVector(this.#stateVector), update)
    } catch {
      return false
    }
  }
}

export function sizeOf({ decoder }: Frame): number {
  return decoder.arr.byteLength
}

function stepOf({ type, decoder }: Frame): number | undefined {
  return type === messageType.sync ? decoder.arr[decoder.pos] : undefined
}

function payloadOf({ decoder }: Frame): Uint8Array | undefined {
  try {
    const reader = decoding.clone(decoder)
    decoding.readVarUint(reader)
    return decoding.readVarUint8Array(reader)
  } catch {
    // Too short: whoever reads it when the document is open says so.
    return undefined
  }
}

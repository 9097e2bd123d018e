/** How often what goes wrong: weights of the actions, and faults of single frames. */
import type { ActionName } from './actions.ts'
import { fairFrames, type FrameFaults } from './wire.ts'

export type Profile = {
  readonly weights: Readonly<Record<ActionName, number>>
  /** Inside live connections, where TCP would let nothing get lost. */
  readonly frames: FrameFaults
}

const weights: Profile['weights'] = {
  write: 60,
  burst: 8,
  presence: 3,
  drop: 5,
  silence: 2,
  pause: 4,
  unreachable: 3,
  slowLink: 3,
  serverCrash: 3,
  appendsFail: 4,
  answersLost: 4,
  slowDisk: 3,
  opensFail: 3,
  clientCrash: 4,
  reopen: 3,
  kick: 3,
  retry: 3,
  replace: 2,
  everybodyLeaves: 1,
}

export const profiles = {
  /** Everything that happens to programs, disks and connections. */
  default: { weights, frames: fairFrames },
  /** Frames of live connections are lost, doubled, cut short and overtaken. */
  lossy: { weights, frames: { drop: 0.02, twice: 0.02, cut: 0.01, late: 0.02 } },
  /** The document is deleted and made anew again and again. */
  lives: { weights: { ...weights, replace: 20, clientCrash: 12, pause: 12 }, frames: fairFrames },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles

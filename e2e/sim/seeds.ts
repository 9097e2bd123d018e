/** Runs that once went wrong. They stay, each with what it found. */
import type { SimulationOptions } from './simulation.ts'

export type PinnedRun = SimulationOptions & { readonly found: string }

export const pinnedRuns: readonly PinnedRun[] = [
  {
    seed: 194,
    steps: 120,
    profile: 'default',
    found:
      'asked again behind a goodbye that was on its way: an answer was counted for another edit',
  },
  { seed: 61, steps: 120, profile: 'default', found: 'saved before the copy was read (a new tab)' },
  { seed: 63, steps: 120, profile: 'default', found: 'saved before the copy was read (reopened)' },
  { seed: 6, steps: 120, profile: 'default', found: 'the timer of a replaced document went on' },
  { seed: 2, steps: 120, profile: 'default', found: 'an edit crossed from one life to the next' },
  { seed: 145, steps: 120, profile: 'default', found: 'an edit crossed from one life to the next' },
  {
    seed: 1012,
    steps: 120,
    profile: 'default',
    found: 'a refused document was opened behind its back',
  },
  {
    seed: 4507,
    steps: 120,
    profile: 'default',
    found: 'a refused document was opened behind its back',
  },
  { seed: 60, steps: 120, profile: 'lossy', found: 'without a hello a copy joined the next life' },
  { seed: 11, steps: 120, profile: 'lossy', found: 'a server that fell silent was waited for' },
  { seed: 61, steps: 120, profile: 'lossy', found: 'half a handshake was waited for' },
  { seed: 78, steps: 120, profile: 'lossy', found: 'without a hello it loaded for ever' },
  { seed: 275, steps: 120, profile: 'lossy', found: 'a late frame was taken for the next one' },
]

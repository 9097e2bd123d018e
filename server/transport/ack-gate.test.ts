import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SyncStatus } from '../../shared/frames.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { AckGate } from './ack-gate.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

function harness(countsAcknowledgements: boolean, durable = { version: 0, seq: 0 }) {
  const frames: SyncStatus[] = []
  const waits: number[] = []
  const clock = new ManualClock()
  const gate = new AckGate(
    {
      acknowledge: status => void frames.push(status),
      countsAcknowledgements,
      onAcknowledged: waitedMs => void waits.push(waitedMs),
      now: () => clock.monotonic(),
    },
    durable,
  )
  /** What was sent since the last look: `+` saved, `-` refused, each with its count. */
  const sent = () =>
    frames
      .splice(0)
      .map(({ saved, count }) => `${saved ? '+' : '-'}${count}`)
      .join(' ')
  return { gate, frames, waits, clock, sent }
}

const counting = () => harness(true)
const stock = () => harness(false)

describe('[T1] acknowledgements wait for the disk', () => {
  test('nothing is answered before its version is durable', () => {
    const { gate, sent } = counting()
    gate.applied(1)
    gate.applied(2)
    expect(sent()).toBe('')
    gate.durable(1, 1)
    expect(sent()).toBe('+1')
    gate.durable(1, 1)
    expect(sent()).toBe('')
    gate.durable(2, 2)
    expect(sent()).toBe('+1')
    expect(gate.size).toBe(0)
  })

  test('what is durable already is answered at once', () => {
    const { gate, sent } = harness(true, { version: 5, seq: 9 })
    gate.applied(5)
    expect(sent()).toBe('+1')
    gate.applied(6)
    expect(sent()).toBe('')
  })

  test('an answer carries the seq of the journal', () => {
    const { gate, frames } = harness(true, { version: 0, seq: 40 })
    gate.refused()
    gate.applied(1)
    gate.durable(1, 41)
    expect(frames).toEqual([
      { saved: false, count: 1, seq: 40, total: 1 },
      { saved: true, count: 1, seq: 41, total: 2 },
    ])
  })
})

describe('[T2] acknowledgements keep the order of the updates', () => {
  test('a refused one waits for those before it', () => {
    const { gate, sent } = counting()
    gate.applied(1)
    gate.refused()
    expect(sent()).toBe('')
    gate.durable(1, 1)
    expect(sent()).toBe('+1 -1')
  })

  test('refused ones between applied ones stand where they stood', () => {
    const { gate, sent } = counting()
    gate.applied(1)
    gate.applied(2)
    gate.refused()
    gate.refused()
    gate.applied(3)
    gate.applied(4)
    gate.durable(3, 3)
    expect(sent()).toBe('+2 -2 +1')
    gate.durable(4, 4)
    expect(sent()).toBe('+1')
  })

  test('a refused one with nothing before it is answered at once', () => {
    const { gate, sent } = counting()
    gate.refused()
    expect(sent()).toBe('-1')
    expect(gate.size).toBe(0)
  })

  test('one that waits for a repair holds those behind it back, durable or not', () => {
    const { gate, sent } = counting()
    gate.applied(1)
    gate.awaitsRepair(null)
    gate.refused()
    gate.applied(2)
    gate.durable(2, 2)
    expect(sent()).toBe('+1')
    expect(gate.size).toBe(3)
    gate.repaired(3, () => 3)
    expect(sent()).toBe('')
    gate.durable(3, 3)
    expect(sent()).toBe('+1 -1 +1')
  })

  test('one repair is for all that waited for one, and for none that comes later', () => {
    const { gate, sent } = counting()
    gate.awaitsRepair(null)
    gate.awaitsRepair(null)
    gate.repaired(1, () => 1)
    gate.awaitsRepair(null)
    gate.durable(1, 1)
    expect(sent()).toBe('+2')
    gate.durable(2, 2)
    expect(sent()).toBe('')
    gate.repaired(2, () => 2)
    expect(sent()).toBe('+1')
  })

  test('a repair that brought what was durable already answers at once', () => {
    const { gate, sent } = counting()
    gate.durable(7, 7)
    gate.awaitsRepair(null)
    gate.repaired(7, () => 7)
    expect(sent()).toBe('+1')
  })

  test('a repair that nobody waits for answers nothing', () => {
    const { gate, sent } = counting()
    gate.repaired(0, () => 0)
    gate.applied(1)
    gate.repaired(1, () => 1)
    expect(sent()).toBe('')
  })
})

describe('[T2] clients that count, and clients that do not', () => {
  const burst = (gate: AckGate) => {
    for (let version = 1; version <= 3; version++) gate.applied(version)
    gate.refused()
    gate.refused()
    gate.applied(4)
    gate.durable(4, 4)
  }

  test('one frame for neighbours with the same answer', () => {
    const { gate, sent } = counting()
    burst(gate)
    expect(sent()).toBe('+3 -2 +1')
  })

  test('one frame for each update of a stock client', () => {
    const { gate, sent } = stock()
    burst(gate)
    expect(sent()).toBe('+1 +1 +1 -1 -1 +1')
  })
})

describe('how long an update waited', () => {
  test('the oldest of an answer speaks for it; refused ones do not count', () => {
    const { gate, waits, clock } = counting()
    gate.applied(1)
    clock.advance(10)
    gate.applied(2)
    gate.refused()
    clock.advance(5)
    gate.applied(3)
    clock.advance(1)
    gate.durable(3, 3)
    expect(waits).toEqual([16, 1])
  })

  test('an update that needed a repair waited from the beginning', () => {
    const { gate, waits, clock } = counting()
    gate.awaitsRepair(null)
    clock.advance(100)
    gate.repaired(1, () => 1)
    clock.advance(10)
    gate.durable(1, 1)
    expect(waits).toEqual([110])
  })
})

type Step =
  | { readonly kind: 'applied' | 'awaits' | 'refused' | 'repaired' }
  /** So many of the changes that are not durable yet become durable. */
  | { readonly kind: 'durable'; readonly changes: number }

/** The same in the plainest way: a list of updates, looked through from the start each time. */
class NaiveGate {
  readonly updates: { version: number | 'refused' | 'unknown'; answer?: '+' | '-' }[] = []
  durableVersion = 0

  settle(): string {
    let answers = ''
    for (const update of this.updates) {
      if (update.answer !== undefined) continue
      if (update.version === 'unknown') break
      if (update.version !== 'refused' && update.version > this.durableVersion) break
      update.answer = update.version === 'refused' ? '-' : '+'
      answers += update.answer
    }
    return answers
  }

  repair(version: number): void {
    for (const update of this.updates) {
      if (update.version === 'unknown') update.version = version
    }
  }
}

describe(`any course of events, SEED=${seed}`, () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.constant<Step>({ kind: 'applied' }) },
    fc.constant<Step>({ kind: 'awaits' }),
    fc.constant<Step>({ kind: 'refused' }),
    fc.constant<Step>({ kind: 'repaired' }),
    fc.record({ kind: fc.constant('durable' as const), changes: fc.nat(5) }),
  )

  test.each([true, false])(
    'one answer for each update, in order, never before the disk; counting: %s',
    counts => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), steps => {
          const { gate, frames } = harness(counts)
          const model = new NaiveGate()
          let version = 0
          let seq = 0
          const run = (one: Step) => {
            if (one.kind === 'applied') {
              version += 1
              model.updates.push({ version })
              gate.applied(version)
            } else if (one.kind === 'awaits') {
              model.updates.push({ version: 'unknown' })
              gate.awaitsRepair(null)
            } else if (one.kind === 'refused') {
              model.updates.push({ version: 'refused' })
              gate.refused()
            } else if (one.kind === 'repaired') {
              version += 1
              model.repair(version)
              gate.repaired(version, () => version)
            } else if (one.kind === 'durable') {
              model.durableVersion = Math.min(version, model.durableVersion + one.changes)
              seq += one.changes
              gate.durable(model.durableVersion, seq)
            }
            const told = frames.splice(0)
            const answers = told.map(({ saved, count }) => (saved ? '+' : '-').repeat(count))
            expect(answers.join('')).toBe(model.settle())
            if (counts) {
              for (const [i, { saved }] of told.entries())
                expect(told[i + 1]?.saved).not.toBe(saved)
            } else {
              for (const { count } of told) expect(count).toBe(1)
            }
            for (const status of told) expect(status.seq).toBe(seq)
            expect(gate.size).toBe(model.updates.filter(update => !update.answer).length)
          }
          for (const one of steps) run(one)
          run({ kind: 'repaired' })
          run({ kind: 'durable', changes: Number.MAX_SAFE_INTEGER })
          expect(gate.size).toBe(0)
          expect(model.updates.every(({ answer }) => answer !== undefined)).toBe(true)
        }),
        { seed, numRuns: 500 },
      )
    },
  )
})

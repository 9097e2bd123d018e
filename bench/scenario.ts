/** What a measurement is, and how its figures are summed up. */
import type { SubjectName } from './subject.ts'

export type Figures = Readonly<Record<string, number>>

export type Scenario = {
  readonly name: string
  /** Starts the subject, loads it, and lets go of it. */
  readonly measure: (subject: SubjectName) => Promise<Figures>
  /** Left out: weft and its peer, taking turns. */
  readonly subjects?: readonly SubjectName[]
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN
}

/** Replays a concurrent trace with two authors: its forks, its merges, offline parts, and kills. */
import type { Author } from './trace-author.ts'
import type { ConcurrentTrace } from './traces.ts'

/** For each transaction: the last one of each author that it has seen; -1 for none. */
type Knowledge = readonly (readonly [number, number])[]

export type ReplayOptions = {
  readonly trace: ConcurrentTrace
  readonly authors: readonly [Author, Author]
  readonly clientIds: readonly [number, number]
  /** How many stretches one author spends offline, and how many times the server is killed. */
  readonly offlineParts: number
  readonly kills: number
  /** Kills the server and starts another one at the same address. */
  readonly killServer: () => Promise<void>
}

export type ReplayReport = {
  readonly offlineParts: number
  /** Transactions that were typed while their author was offline. */
  readonly typedOffline: number
  readonly kills: number
  readonly merges: number
}

export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const { trace, authors, clientIds, killServer } = options
  const { txns } = trace
  const knowledge = knowledgeOf(trace)
  const offline = spread(apart(offlineParts(trace, knowledge)), options.offlineParts)
  const offlineFrom = new Map(offline.map(part => [part.from, part]))
  const offlineUntil = new Map(offline.map(part => [part.until, part]))
  const killAt = new Set(spread(meetingPoints(trace, knowledge, offline), options.kills))
  const clocks = txns.map(() => 0)
  const clockOf = (txn: number) => clocks[txn] ?? 0
  const last = lastBefore(trace)
  const stops = new Set([...killAt, ...offlineFrom.keys(), ...offlineUntil.keys()])
  let typedOffline = 0
  let kills = 0

  for (let i = 0; i < txns.length;) {
    const agent = agentAt(trace, i)
    const author = authors[agent]
    const other = agent === 1 ? 0 : 1
    const ending = offlineUntil.get(i)
    if (ending !== undefined) await authors[ending.agent].goOnline()
    if (killAt.has(i)) {
      // Not waited for: whatever is on its way to the server, or back, is lost with it.
      await killServer()
      kills += 1
      // Both at once: each waits for what the other hands back.
      await Promise.all(
        authors.map((one, which) => {
          const theirs = which === 1 ? 0 : 1
          return one.recover(clientIds[theirs], clockOf(last[i]?.[theirs] ?? -1))
        }),
      )
    }
    const starting = offlineFrom.get(i)
    if (starting !== undefined) await authors[starting.agent].goOffline()

    const seen = knowledge[i]?.[other] ?? -1
    if (seen >= 0) await author.see(clientIds[other], clockOf(seen))
    const end = runEnd(trace, knowledge, i, stops)
    const made = await author.type(txns.slice(i, end).map(({ patches }) => patches))
    made.forEach((clock, offset) => (clocks[i + offset] = clock))
    if (offline.some(part => part.agent === agent && i >= part.from && i < part.until)) {
      typedOffline += end - i
    }
    i = end
  }
  const merges = txns.filter(({ parents }) => parents.length > 1).length
  return { offlineParts: offline.length, typedOffline, kills, merges }
}

function agentAt({ txns }: ConcurrentTrace, i: number): 0 | 1 {
  return txns[i]?.agent === 1 ? 1 : 0
}

function knowledgeOf({ txns }: ConcurrentTrace): Knowledge {
  const own: [number, number][] = []
  const before: [number, number][] = []
  for (const [i, { parents, agent }] of txns.entries()) {
    const known: [number, number] = [-1, -1]
    for (const parent of parents) {
      known[0] = Math.max(known[0], own[parent]?.[0] ?? -1)
      known[1] = Math.max(known[1], own[parent]?.[1] ?? -1)
    }
    before.push([known[0], known[1]])
    known[agent === 1 ? 1 : 0] = i
    own.push(known)
  }
  return before
}

/** Transactions of one author that follow each other with nothing new seen in between. */
function runEnd(
  ...[trace, knowledge, start, stops]: [ConcurrentTrace, Knowledge, number, ReadonlySet<number>]
): number {
  const agent = agentAt(trace, start)
  const other = 1 - agent
  let end = start + 1
  while (
    end < trace.txns.length &&
    agentAt(trace, end) === agent &&
    knowledge[end]?.[other] === knowledge[start]?.[other] &&
    !stops.has(end)
  ) {
    end += 1
  }
  return end
}

type OfflinePart = { readonly agent: 0 | 1; readonly from: number; readonly until: number }

/**
 * Stretches in which one author sees nothing of the other and the other nothing of it, and after
 * which it sees everything: it may as well have been offline.
 */
function offlineParts(trace: ConcurrentTrace, knowledge: Knowledge): readonly OfflinePart[] {
  const last = lastBefore(trace)
  return trace.txns.flatMap((_, until) => {
    const part = longestPart(trace, knowledge, until)
    const agent = agentAt(trace, until)
    const other = agent === 1 ? 0 : 1
    // At its end the author knows all that the other has typed, and at its start no more than before.
    if (part === undefined || knowledge[until]?.[other] !== last[until]?.[other]) return []
    const previous = last[part.from]?.[agent] ?? -1
    if (previous < 0 || knowledge[previous]?.[other] !== part.known) return []
    if (part.typed < 2 || part.missed < 1) return []
    // What was typed offline arrives in one piece: nobody may have seen only a part of it.
    const lastTyped = last[until]?.[agent] ?? -1
    const firstSight = knowledge.findIndex(
      (known, i) => i >= until && agentAt(trace, i) === other && known[agent] >= part.from,
    )
    if (firstSight >= 0 && (knowledge[firstSight]?.[agent] ?? -1) < lastTyped) return []
    return [{ agent, from: part.from, until }]
  })
}

/** Goes back from `until` for as long as neither sees of the other what lies in the stretch. */
function longestPart(trace: ConcurrentTrace, knowledge: Knowledge, until: number) {
  const agent = agentAt(trace, until)
  const other = 1 - agent
  let known: number | undefined
  let seenByOther = -1
  let from = until
  let typed = 0
  while (from > 0) {
    const i = from - 1
    const isOwn = agentAt(trace, i) === agent
    const seen = knowledge[i]?.[isOwn ? other : agent] ?? -1
    if (isOwn ? seen !== (known ?? seen) || seen >= i : seen >= i) break
    if (isOwn) known = seen
    else seenByOther = Math.max(seenByOther, seen)
    if (seenByOther >= i) break
    typed += isOwn ? 1 : 0
    from = i
  }
  return known === undefined ? undefined : { from, known, typed, missed: until - from - typed }
}

/** Where both authors are about to know everything that was typed before. */
function meetingPoints(
  trace: ConcurrentTrace,
  knowledge: Knowledge,
  offline: readonly OfflinePart[],
): readonly number[] {
  const last = lastBefore(trace)
  const points: number[] = []
  const next: [number, number] = [-1, -1]
  for (let i = trace.txns.length - 1; i > 0; i--) {
    next[agentAt(trace, i)] = i
    const meets = ([0, 1] as const).every(agent => {
      const other = agent === 1 ? 0 : 1
      const first = next[agent]
      return first >= 0 && (knowledge[first]?.[other] ?? -1) >= (last[i]?.[other] ?? -1)
    })
    const isOffline = offline.some(({ from, until }) => i > from && i <= until)
    if (meets && !isOffline) points.push(i)
  }
  return points.toReversed()
}

/** For each transaction, the last one of each author before it; -1 for none. */
function lastBefore(trace: ConcurrentTrace): readonly (readonly [number, number])[] {
  const last: [number, number] = [-1, -1]
  return trace.txns.map((_, i) => {
    const before = [last[0], last[1]] as const
    last[agentAt(trace, i)] = i
    return before
  })
}

/** The longest parts that do not overlap. */
function apart(parts: readonly OfflinePart[]): readonly OfflinePart[] {
  const chosen: OfflinePart[] = []
  for (const part of parts.toSorted((a, b) => b.until - b.from - (a.until - a.from))) {
    if (chosen.every(({ from, until }) => part.until < from || part.from > until)) chosen.push(part)
  }
  return chosen.toSorted((a, b) => a.from - b.from)
}

/** At most `count` of the items, from all parts of the list. */
function spread<Item>(items: readonly Item[], count: number): Item[] {
  const step = Math.max(1, items.length / Math.max(1, count))
  return Array.from(
    { length: Math.min(count, items.length) },
    (_, i) => items[Math.floor(i * step)],
  ).filter(item => item !== undefined)
}

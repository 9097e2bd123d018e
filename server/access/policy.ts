/** The rules of the store, kept for as long as they have not changed: one look-up for many openings. */
import { ruledAs } from '../../shared/decide-system.ts'
import type { Rule } from '../../shared/decide.ts'
import { matches, type Principal } from '../../shared/permissions.ts'
import type { AccessChange } from './grants/grant-store.ts'
import { subjectsOf } from './grants/grant.ts'

type Who = Pick<Principal, 'id' | 'groups'>

/** Where rules come from; the store of grants is one. */
export type RuleSource = {
  rulesFor(principal: Who, resource: string): Promise<readonly Rule[]>
  /** The same for many names at once, for lists. */
  rulesForAll(principal: Who, names: readonly string[]): Promise<readonly Rule[]>
  /** About names and patterns below this one; `all`: too many to look through. */
  rulesBelow(principal: Who, pattern: string): Promise<readonly Rule[] | 'all'>
}

/** Without a store only tokens say who may do what. */
export const noRules: RuleSource = {
  rulesFor: () => Promise.resolve([]),
  rulesForAll: () => Promise.resolve([]),
  rulesBelow: () => Promise.resolve([]),
}

export type ChangeSet = readonly AccessChange[] | 'all'

type Entry = {
  readonly who: Who
  readonly resource: string
  readonly rules: Promise<readonly Rule[]>
}

const ENTRIES_MAX = 10_000

export class Policy implements RuleSource {
  readonly #source: RuleSource
  readonly #entries = new Map<string, Entry>()

  constructor(source: RuleSource = noRules) {
    this.#source = source
  }

  /** Rejects when the store cannot be read; that is not kept. */
  async rulesFor(who: Who, name: string): Promise<readonly Rule[]> {
    const resource = ruledAs(name)
    const key = JSON.stringify([resource, who.id, ...who.groups])
    for (;;) {
      const found = this.#entries.get(key) ?? this.#load(key, who, resource)
      const rules = await found.rules
      // A change that came while this was read: whoever asks after it must not get what was before.
      if (this.#entries.get(key) === found || !this.#forgotten.has(found)) return rules
    }
  }

  rulesForAll(who: Who, names: readonly string[]): Promise<readonly Rule[]> {
    return this.#source.rulesForAll(who, names.map(ruledAs))
  }

  rulesBelow(who: Who, pattern: string): Promise<readonly Rule[] | 'all'> {
    return this.#source.rulesBelow(who, pattern)
  }

  /** Forgets what these changes concern. */
  changed(changes: ChangeSet): void {
    for (const [key, entry] of this.#entries) {
      if (!concerns(changes, entry.who, entry.resource)) continue
      this.#forgotten.add(entry)
      this.#entries.delete(key)
    }
  }

  /** Entries that a change has overtaken; whoever still waits for one reads again. */
  readonly #forgotten = new WeakSet<Entry>()

  #load(key: string, who: Who, resource: string): Entry {
    const entry: Entry = { who, resource, rules: this.#source.rulesFor(who, resource) }
    if (this.#entries.size >= ENTRIES_MAX) this.#dropOldest()
    this.#entries.set(key, entry)
    entry.rules.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    })
    return entry
  }

  #dropOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key)
      return
    }
  }
}

/** Do any of the changes concern this principal on this name? */
export function concerns(changes: ChangeSet, who: Who, name: string): boolean {
  if (changes === 'all') return true
  const resource = ruledAs(name)
  const subjects = subjectsOf(who)
  return changes.some(
    change =>
      (change.subject === '*' || subjects.includes(change.subject)) &&
      (matches(change.resource, resource) || change.resource === resource),
  )
}

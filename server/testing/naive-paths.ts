/**
 * Did an update keep to the rule? Told the slow way, after it was applied to a copy: every unit of
 * content that the document holds, where it stands and whether it lives, before and after.
 */
import * as Y from 'yjs'

export type NaiveRule = {
  /** Segments; null is any one. */
  readonly paths: readonly (readonly (string | null)[])[]
  /** Client ids that are the writer's; undefined: he may touch what others wrote. */
  readonly own: ReadonlySet<number> | undefined
}

type Unit = {
  readonly client: number
  readonly path: readonly string[]
  readonly key: string | null
  /** Of the item that holds its parent; null under a root type. */
  readonly holder: string | null
  readonly isAlive: boolean
  readonly isMark: boolean
}

/** A copy that forgets nothing, so that nothing can happen unseen. */
export function rememberingCopy(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc({ gc: false })
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

/** Why the update breaks the rule; undefined when it does not. Applies it to the document. */
export function breach(doc: Y.Doc, update: Uint8Array, rule: NaiveRule): string | undefined {
  const before = unitsOf(doc)
  const current = currentOwners(doc)
  Y.applyUpdate(doc, update)
  const { ds } = Y.decodeUpdate(update)
  for (const [id, unit] of unitsOf(doc)) {
    const was = before.get(id)
    const isChanged = was === undefined || was.isAlive !== unit.isAlive
    if (!isChanged) continue
    if (!covers(rule, unit.path)) return `outside: ${id} at ${unit.path.join('.')}`
    if (rule.own === undefined) continue
    const isOwn = (client: number) => rule.own?.has(client) === true
    if (was === undefined) {
      const holder = unit.holder
      if (holder !== null && before.has(holder) && !isOwn(Number(holder.split(' ')[0]))) {
        return `${id} under ${holder}, which is another's`
      }
      if (holder === null && unit.isMark) return `${id} marks a root`
      const owner = current.get(`${unit.holder ?? 'root'} ${JSON.stringify(unit.path)}`)
      if (unit.key !== null && owner !== undefined && !isOwn(owner)) return `${id} over another's`
      continue
    }
    // Yjs tidies marks up that mean nothing any more.
    const clock = Number(id.split(' ')[1])
    const isListed = ds.clients
      .get(unit.client)
      ?.some(range => range.clock <= clock && clock < range.clock + range.len)
    if (unit.isMark && isListed !== true) continue
    if (!isOwn(unit.client)) return `${id} is another's`
  }
  return undefined
}

function covers({ paths }: NaiveRule, path: readonly string[]): boolean {
  return paths.some(
    pattern =>
      pattern.length <= path.length && pattern.every((one, i) => one === null || one === path[i]),
  )
}

function unitsOf(doc: Y.Doc): Map<string, Unit> {
  const roots = new Map([...doc.share].map(([name, type]) => [type as unknown, name]))
  const units = new Map<string, Unit>()
  for (const struct of [...doc.store.clients.values()].flat()) {
    if (!(struct instanceof Y.Item)) continue
    const { client, clock } = struct.id
    const { _item: holder } = parentOf(struct)
    for (let i = 0; i < struct.length; i++) {
      units.set(`${client} ${clock + i}`, {
        client,
        path: pathOf(struct, roots),
        key: struct.parentSub,
        holder: holder === null ? null : `${holder.id.client} ${holder.id.clock}`,
        isAlive: !struct.deleted,
        isMark: struct.content instanceof Y.ContentFormat,
      })
    }
  }
  return units
}

/** The client that wrote what each key of a map has for its value now. */
function currentOwners(doc: Y.Doc): Map<string, number> {
  const owners = new Map<string, number>()
  for (const unit of unitsOf(doc).values()) {
    if (!unit.isAlive || unit.key === null) continue
    owners.set(`${unit.holder ?? 'root'} ${JSON.stringify(unit.path)}`, unit.client)
  }
  return owners
}

function pathOf(item: Y.Item, roots: ReadonlyMap<unknown, string>): string[] {
  const parent = parentOf(item)
  const { _item: holder } = parent
  const above = holder === null ? [roots.get(parent) ?? '?'] : pathOf(holder, roots)
  return item.parentSub === null ? above : [...above, item.parentSub]
}

function parentOf({ parent }: Y.Item): Y.AbstractType<never> {
  return parent as unknown as Y.AbstractType<never>
}

/** How somebody is shown to the others: all of it from the token. */
import { colorOf, safeName, type Person } from '../../shared/person.ts'
import type { Principal } from '../../shared/permissions.ts'

/** Bindings lay it over the text that is selected. */
const LIGHT = '33'

export function personOf(principal: Principal): Person {
  const { id, name, kind, avatar } = principal
  const color = principal.color ?? colorOf(id)
  return {
    id,
    // A name of invisible signs is none.
    name: safeName(name) || safeName(id) || '?',
    color,
    colorLight: color + LIGHT,
    kind,
    ...(avatar === null ? {} : { avatar }),
  }
}

export function isSamePerson(a: Person, b: Person): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

/** Who this browser's person is: a name and a colour, kept in the browser. */
import { personColors } from '../../shared/person.ts'
import { systemRandom } from '../../shared/random.ts'

export type Profile = {
  /** The principal's id: stable for this browser. */
  readonly id: string
  readonly name: string
  readonly color: string
  /** A guest has nothing but what others grant. */
  readonly kind: 'member' | 'guest'
}

/** A guest link makes a guest even of a browser whose member looks at it: one may play both. */
const kindHere = (): Profile['kind'] =>
  new URLSearchParams(location.search).has('guest') ? 'guest' : 'member'

const keys = { member: 'weft profile', guest: 'weft guest' } as const
export const NAME_LENGTH_MAX = 32

/** Does the address make a guest of whoever opens it? */
export function isGuestHere(): boolean {
  return kindHere() === 'guest'
}

export function loadProfile(): Profile | null {
  const kind = kindHere()
  const text = localStorage.getItem(keys[kind])
  if (text === null) return null
  try {
    return { ...(JSON.parse(text) as Profile), kind }
  } catch {
    // Not ours, or of another time: ask again.
    return null
  }
}

export function createProfile(name: string): Profile {
  const id = `guest-${systemRandom.id().toLowerCase()}`
  const color = personColors[Math.floor(systemRandom.next() * personColors.length)] ?? '#1d4ed8'
  const kind = kindHere()
  const profile: Profile = { id, name: name.trim().slice(0, NAME_LENGTH_MAX), color, kind }
  localStorage.setItem(keys[kind], JSON.stringify(profile))
  return profile
}

export function forgetProfile(): void {
  localStorage.removeItem(keys[kindHere()])
}

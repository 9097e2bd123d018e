/**
 * What a presence state says beside who it is: documented fields that people's lists, carets and
 * agents share. Applications add fields of their own; bindings keep their carets under `cursor`.
 */
import * as z from 'zod/mini'
import type { Person } from './person.ts'

/** `away`: nobody has touched the device for a while. `offline`: here, and not to be shown as such. */
export const presenceStatuses = ['online', 'away', 'busy', 'offline'] as const
export type PresenceStatus = (typeof presenceStatuses)[number]

const place = z.string().check(z.maxLength(500))

/** What somebody does, such as `{ kind: 'reviewing', target: 'chapter-3' }`. */
const activity = z.object({
  kind: z.string().check(z.minLength(1), z.maxLength(64)),
  target: z.optional(place),
})

/** All of them may be left out; a status that is left out is `online`. */
export const presenceFields = z.object({
  status: z.optional(z.enum(presenceStatuses)),
  activity: z.optional(activity),
  typing: z.optional(z.boolean()),
  /** The part of the document, or of the page, that is on the screen. */
  viewing: z.optional(place),
})
export type PresenceFields = z.infer<typeof presenceFields>
export type Activity = NonNullable<PresenceFields['activity']>

/**
 * A state as others get it. `Doing` narrows the application's kinds of activity, `Own` are its own
 * fields: `PresenceState<{ kind: 'reviewing'; target: string }, { color: string }>`.
 */
export type PresenceState<Doing extends Activity = Activity, Own extends object = object> = Own &
  Omit<PresenceFields, 'activity'> & {
    readonly activity?: Doing
    /** The server's: what a client says here is dropped. */
    readonly user: Person
  }

/** Somebody with all of their devices. */
export type PresentPerson = Person & {
  readonly status: PresenceStatus
  readonly devices: number
  readonly typing: boolean
  readonly activity?: Activity
  /** What their devices have on the screen. */
  readonly viewing: readonly string[]
}

/** A field that is not as documented is one that was left out. */
export function readPresenceFields(state: unknown): PresenceFields {
  if (typeof state !== 'object' || state === null) return {}
  const { shape } = presenceFields
  const given = state as Readonly<Record<string, unknown>>
  const sound = Object.entries(shape).flatMap(([field, schema]) => {
    const parsed = schema.safeParse(given[field])
    return parsed.success && parsed.data !== undefined ? [[field, parsed.data] as const] : []
  })
  return Object.fromEntries(sound) as PresenceFields
}

/** Of a {@link Person}. */
export const personFields = z.object({
  id: z.string(),
  name: z.string(),
  color: z.string(),
  colorLight: z.string(),
  kind: z.enum(['user', 'agent', 'service']),
  avatar: z.optional(z.string()),
})

/** The person of a stamped state; undefined when it is none. */
export function readPerson(state: unknown): Person | undefined {
  if (typeof state !== 'object' || state === null) return undefined
  const parsed = personFields.safeParse((state as { readonly user?: unknown }).user)
  return parsed.success ? (parsed.data as Person) : undefined
}

/** Of several devices the one that says most: who is busy on one of them is busy. */
const LOUDEST: readonly PresenceStatus[] = ['busy', 'online', 'away', 'offline']

/** Joins the states of each person's devices, in order of their names. */
export function joinPeople(states: Iterable<unknown>): readonly PresentPerson[] {
  const devices = [...states].flatMap(state => {
    const user = readPerson(state)
    return user === undefined ? [] : [{ user, ...readPresenceFields(state) }]
  })
  return [...Map.groupBy(devices, ({ user }) => user.id).values()]
    .map(joinDevices)
    .filter(person => person !== undefined)
    .toSorted((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id))
}

type Device = PresenceFields & { readonly user: Person }

function joinDevices(devices: readonly Device[]): PresentPerson | undefined {
  const loudness = ({ status = 'online' }: Device) => LOUDEST.indexOf(status)
  const [first, ...others] = devices.toSorted((a, b) => loudness(a) - loudness(b))
  if (first === undefined) return undefined
  const status = first.status ?? 'online'
  // Who is not to be shown as here does nothing that others see.
  const shown = [first, ...others].filter(device => device.status !== 'offline')
  const doing = shown.find(device => device.activity !== undefined)?.activity
  const viewing = new Set(shown.flatMap(device => device.viewing ?? []))
  return {
    ...first.user,
    status,
    devices: devices.length,
    typing: shown.some(({ typing }) => typing === true),
    ...(doing === undefined ? {} : { activity: doing }),
    viewing: [...viewing],
  }
}

/**
 * Documents of the system: `~space/<space>`, in which people are present without opening one of its
 * documents, and `~user/<id>`, which all devices of one user share. Who may open them follows from
 * their names; see decide-system.ts.
 */
import { WeftError } from './errors.ts'
import {
  NAME_BYTES_MAX,
  documentName,
  quoteName,
  type DocumentName,
  type SpaceName,
} from './names.ts'

const SPACE_PREFIX = '~space/'
const USER_PREFIX = '~user/'

export type SystemName =
  | { readonly kind: 'space'; readonly space: SpaceName }
  /** `owner` as {@link ownerOf} gives it. */
  | { readonly kind: 'user'; readonly owner: string }

/** Reads the name of a space: a document name, shorter by what its own document needs. Throws NAME_.... */
export function spaceName(text: string): SpaceName {
  const name = documentName(text)
  if (SPACE_PREFIX.length + name.length > NAME_BYTES_MAX) {
    throw new WeftError('NAME_INVALID', `the name of the space ${quoteName(text)} is too long`)
  }
  return name as string as SpaceName
}

export function spaceDocument(space: SpaceName): DocumentName {
  return `${SPACE_PREFIX}${space}` as DocumentName
}

/** Whose a `~user/` document is. Throws NAME_INVALID for an id too long to be a name. */
export function userDocument(user: UserKey): DocumentName {
  const name = userResource(user)
  if (name.length > NAME_BYTES_MAX) {
    throw new WeftError(
      'NAME_INVALID',
      'the id of this user is too long for a document of their own',
    )
  }
  return name as DocumentName
}

/** Of what rules speak, also where the id is too long for a document. */
export function userResource(user: UserKey): string {
  return `${USER_PREFIX}${ownerOf(user)}`
}

/** Of two tenants, two with one id are two people. */
export type UserKey = { readonly id: string; readonly tenant: string | null }

/** `<id>`, or `<tenant>/<id>`: what names do not take is written `~` and two hex digits a byte. */
export function ownerOf({ id, tenant }: UserKey): string {
  return tenant === null ? escaped(id) : `${escaped(tenant)}/${escaped(id)}`
}

/** What a name says, when it is one of the system's; undefined for all others. */
export function systemName(name: string): SystemName | undefined {
  if (name.startsWith(SPACE_PREFIX)) {
    return { kind: 'space', space: name.slice(SPACE_PREFIX.length) as SpaceName }
  }
  if (name.startsWith(USER_PREFIX)) return { kind: 'user', owner: name.slice(USER_PREFIX.length) }
  return undefined
}

/**
 * Reads the name of a document that clients may open: their own, or one of the system's. Throws
 * NAME_INVALID, or NAME_RESERVED for other names that begin with `~`.
 */
export function openableName(text: string): DocumentName {
  const system = systemName(text)
  if (system === undefined) return documentName(text)
  if (system.kind === 'space') return spaceDocument(spaceName(system.space))
  // One owner has one name: `~61` for `a` would be another document of the same user.
  const isCanonical = /^([A-Za-z0-9._-]|~[0-9A-F]{2})+(\/([A-Za-z0-9._-]|~[0-9A-F]{2})+)?$/.test(
    system.owner,
  )
  const [first = '', second] = system.owner.split('/')
  const isOwner =
    isCanonical &&
    text.length <= NAME_BYTES_MAX &&
    (second === undefined
      ? escaped(unescaped(first)) === first
      : ownerOf({ tenant: unescaped(first), id: unescaped(second) }) === system.owner)
  if (!isOwner) throw new WeftError('NAME_INVALID', `${quoteName(text)} is nobody's document`)
  return text as DocumentName
}

/** `.` and `..` are no segments of a name; any other text of those characters is. */
function escaped(text: string): string {
  const bytes = new TextEncoder().encode(text)
  const isDots = text === '.' || text === '..'
  return [...bytes]
    .map(byte => {
      const character = String.fromCharCode(byte)
      const isPlain = !isDots && /[A-Za-z0-9._-]/.test(character)
      return isPlain ? character : `~${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

function unescaped(text: string): string {
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    const isEscape = text[i] === '~'
    bytes.push(isEscape ? Number.parseInt(text.slice(i + 1, i + 3), 16) : text.charCodeAt(i))
    if (isEscape) i += 2
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

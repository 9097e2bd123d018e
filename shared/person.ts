/** What people are shown of each other: names and colours, made harmless wherever they come from. */

/** Longer ones would push everything else off the page. */
export const PERSON_NAME_MAX = 64
export const NO_COLOR = '#64748b'

/** Control characters, and those that turn the direction of the text that follows them. */
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}]/gu

/** One that a style attribute can hold without becoming another style. */
const COLOR = /^(?:#[0-9a-f]{3,8}|[a-z]{1,24}|(?:rgb|hsl)a?\([0-9a-z.,%/ -]{1,48}\))$/i

export function safeName(name: string): string {
  // Cut first: a regular expression must not walk megabytes of somebody's joke.
  const visible = name
    .slice(0, PERSON_NAME_MAX * 16)
    .replace(INVISIBLE, '')
    .trim()
  return Array.from(visible).slice(0, PERSON_NAME_MAX).join('').trim()
}

export function safeColor(color: unknown): string {
  return typeof color === 'string' && COLOR.test(color) ? color : NO_COLOR
}

/** How the server shows somebody to the others: from the token, whatever a client says. */
export type Person = {
  readonly id: string
  readonly name: string
  /** `#rrggbb`. */
  readonly color: string
  /** The same, for what is selected: `#rrggbbaa`. */
  readonly colorLight: string
  readonly kind: 'user' | 'agent' | 'service'
  /** Address of a picture, https. */
  readonly avatar?: string
}

/** Dark enough for white text on them, and far enough apart to tell people by. */
export const personColors = [
  '#c2410c',
  '#a16207',
  '#4d7c0f',
  '#047857',
  '#0e7490',
  '#1d4ed8',
  '#6d28d9',
  '#a21caf',
  '#be185d',
] as const

/** The same for an id everywhere and always. */
export function colorOf(id: string): string {
  // FNV-1a: neighbours such as `user-1` and `user-2` fall far apart.
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return personColors[(hash >>> 0) % personColors.length] ?? NO_COLOR
}

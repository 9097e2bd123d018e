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

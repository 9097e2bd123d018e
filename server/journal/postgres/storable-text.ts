/** Text as Postgres can hold it: everything but the character 0, which takes another's place. */

const REPLACEMENT = '\u{fffd}'

export function storableText(text: string): string {
  return text.replaceAll('\0', REPLACEMENT)
}

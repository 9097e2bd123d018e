/** Texts that are kept as they are by whatever keeps them. */

/** Postgres takes no NUL; and of half a surrogate pair UTF-8 makes the same as of any other. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

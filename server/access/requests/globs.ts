/** Subjects by pattern: `*` stands for any characters, everything else for itself. */

/** In time that grows with the text alone: patterns come from people, subjects from anybody. */
export function matchesGlob(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*')
  if (rest.length === 0) return glob === text
  const last = rest.at(-1) ?? ''
  if (text.length < first.length + last.length) return false
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  const middle = text.slice(first.length, text.length - last.length)
  let from = 0
  for (const part of rest.slice(0, -1)) {
    const found = middle.indexOf(part, from)
    if (found === -1) return false
    from = found + part.length
  }
  return true
}

/** Joins class names, of which some may be missing. */
export function classNames(...names: readonly (string | undefined)[]): string {
  return names.filter(name => name !== undefined && name !== '').join(' ')
}

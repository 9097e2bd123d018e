/** How often each component rendered, for the tests to read. */
export const renders: Record<string, number> = {}

export function countRender(name: string): void {
  renders[name] = (renders[name] ?? 0) + 1
}

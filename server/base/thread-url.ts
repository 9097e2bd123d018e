/** Where a thread's file is: `.ts` in the repository, `.js` in the built package. */
export function threadUrl(importMetaUrl: string, name: string): URL {
  return new URL(`${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl)
}

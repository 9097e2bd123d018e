/** What the test wants of the page, from its address. */
const wanted = new URLSearchParams(location.search)

export const value = (name: string): string => wanted.get(name) ?? ''

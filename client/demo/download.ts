/** Hands bytes to the user as a file. */

export function download(bytes: Uint8Array, fileName: string): void {
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** `acme/notes` as `acme-notes.yjs`: one Yjs update, which any Yjs library reads. */
export function exportName(documentName: string): string {
  return `${documentName.replaceAll('/', '-')}.yjs`
}

/** The public list of `weft/react`. */
export { WeftProvider, useClient, type WeftProviderProps } from './provider.tsx'
export type { DocumentView } from './document-store.ts'
export { useConnection, useDocument, useSaved } from './use-document.ts'
export { useClientLife, usePersistence } from './use-offline.ts'

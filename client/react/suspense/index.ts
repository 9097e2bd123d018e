/** The public list of `weft/react/suspense`: the same names, and what loads suspends. */
export * from '../index.ts'
export { useDocument } from './use-document.ts'
export { useSpace } from './use-space.ts'
export { useArray, useMap, useText, type ReadyData } from './use-shared.ts'

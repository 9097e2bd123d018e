import type * as Y from 'yjs'
import { useSharedType, type SharedData } from './use-shared-type.ts'

const find = (doc: Y.Doc, key: string) => doc.getText(key)
const whole = (data: string) => data

/**
 * A text of the nearest document, as a string without its marks; write through `type`. Editors
 * bind to the text itself, see the README.
 */
export function useText(key: string): SharedData<string, Y.Text> {
  return useSharedType({ find, key, empty: '', select: whole })
}

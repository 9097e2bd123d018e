/** Does an update keep to the root types that the application has declared? */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'

/** What a root type is opened as. `xml`: rich text of ProseMirror, Tiptap and BlockNote. */
export type RootKind = 'text' | 'array' | 'map' | 'xml'
export type Roots = Readonly<Record<string, RootKind>>

/** Throws UPDATE_INVALID: an editor that opens a text and finds a map in it may never start again. */
export function checkRootItem(
  { content }: Y.Item,
  {
    root,
    key,
    roots,
  }: { readonly root: string; readonly key: string | null; readonly roots: Roots },
): void {
  // The server's own, such as the version of the schema.
  if (root.startsWith('~')) throw invalid(root, 'belongs to the system')
  const kind = Object.hasOwn(roots, root) ? roots[root] : undefined
  if (kind === undefined) throw invalid(root, 'is no root of this application')
  if ((key !== null) !== (kind === 'map')) throw invalid(root, `is ${named[kind]}`)
  if (content instanceof Y.ContentDeleted || kind === 'map') return
  if (!fits(content, kind)) throw invalid(root, `is ${named[kind]}`)
}

const named: Readonly<Record<RootKind, string>> = {
  text: 'a text',
  array: 'a list',
  map: 'a map',
  xml: 'rich text',
}

function fits(content: Y.Item['content'], kind: RootKind): boolean {
  const isText =
    content instanceof Y.ContentString ||
    content instanceof Y.ContentFormat ||
    content instanceof Y.ContentEmbed
  if (kind === 'text') return isText
  if (kind === 'array') return !isText
  return (
    content instanceof Y.ContentType &&
    (content.type instanceof Y.XmlElement || content.type instanceof Y.XmlText)
  )
}

function invalid(root: string, sentence: string): WeftError {
  return new WeftError('UPDATE_INVALID', `${JSON.stringify(root.slice(0, 100))} ${sentence}`)
}

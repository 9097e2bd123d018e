/** One editor on one document: `#<source>/<editor>`, with the address and token of the test. */
import { bindBlockNote } from './blocknote.ts'
import { bindCodeMirror } from './codemirror.ts'
import { openWithHocuspocus } from './from-hocuspocus.ts'
import { openWithSdk } from './from-sdk.ts'
import { openWithYWebsocket } from './from-y-websocket.ts'
import { bindTiptap } from './tiptap.ts'

const sources = {
  sdk: openWithSdk,
  hocuspocus: openWithHocuspocus,
  'y-websocket': openWithYWebsocket,
} as const
const editors = {
  tiptap: bindTiptap,
  blocknote: bindBlockNote,
  codemirror: bindCodeMirror,
} as const

const wanted = new URLSearchParams(location.search)
const value = (name: string) => wanted.get(name) ?? ''
const open = sources[value('source') as keyof typeof sources]
const bind = editors[value('editor') as keyof typeof editors]
const element = document.querySelector<HTMLElement>('#editor')
if (element === null) throw new Error('the page has no place for the editor')
const token = () => Promise.resolve(value('token'))
const { document: doc, awareness } = await open(value('url'), value('name'), token)
if (awareness === null) throw new Error('the provider has no awareness')
// A colour of one's own: CodeMirror's binding tells carets apart by it.
bind(element, { document: doc, awareness }, { name: value('user'), color: value('color') })

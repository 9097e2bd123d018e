import { BlockNoteEditor } from '@blocknote/core'
import { withCollaboration } from '@blocknote/core/yjs'
import type { Provider, User } from './provider.ts'

export function bindBlockNote(element: HTMLElement, provider: Provider, user: User) {
  const fragment = provider.document.getXmlFragment('blocknote')
  const collaboration = { provider, fragment, user }
  const editor = BlockNoteEditor.create(withCollaboration({ collaboration, animations: false }))
  editor.mount(element)
  return editor
}

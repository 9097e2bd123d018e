import { Editor } from '@tiptap/core'
import Collaboration from '@tiptap/extension-collaboration'
import CollaborationCaret from '@tiptap/extension-collaboration-caret'
import StarterKit from '@tiptap/starter-kit'
import type { Provider, User } from './provider.ts'

export function bindTiptap(element: HTMLElement, provider: Provider, user: User) {
  return new Editor({
    element,
    extensions: [
      // Undo is the collaboration's: it must not take back what others wrote.
      StarterKit.configure({ undoRedo: false }),
      Collaboration.configure({ document: provider.document, field: 'tiptap' }),
      CollaborationCaret.configure({ provider, user }),
    ],
  })
}

import { basicSetup, EditorView } from 'codemirror'
import { yCollab } from 'y-codemirror.next'
import { UndoManager } from 'yjs'
import type { Provider, User } from './provider.ts'

export function bindCodeMirror(parent: HTMLElement, { document, awareness }: Provider, user: User) {
  const text = document.getText('codemirror')
  awareness.setLocalStateField('user', { ...user, colorLight: `${user.color}33` })
  return new EditorView({
    parent,
    doc: text.toString(),
    extensions: [basicSetup, yCollab(text, awareness, { undoManager: new UndoManager(text) })],
  })
}

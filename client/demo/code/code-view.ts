/** A CodeMirror on the shared text of a page, with everybody's carets. */
import { defaultKeymap } from '@codemirror/commands'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view'
import type { Awareness } from 'y-protocols/awareness'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import * as Y from 'yjs'
import { editorAwareness } from '../../sdk/index.ts'
import { CODE } from '../space-index.ts'
import { codeTheme } from './code-theme.ts'

export type CodeViewOptions = {
  /** Styles of the editor are adopted there: a page's policy forbids it to make style elements. */
  readonly root: ShadowRoot
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly onRefusedKey: () => void
}

export class CodeView {
  readonly #view: EditorView
  readonly #undo: Y.UndoManager
  readonly #language = new Compartment()
  readonly #access = new Compartment()
  #editable = true

  constructor({ root, doc, awareness, onRefusedKey }: CodeViewOptions) {
    const text = doc.getText(CODE)
    this.#undo = new Y.UndoManager(text)
    const refuse = () => {
      if (!this.#editable) onRefusedKey()
    }
    const extensions: Extension[] = [
      lineNumbers(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      drawSelection(),
      bracketMatching(),
      indentOnInput(),
      EditorView.lineWrapping,
      // Tab goes on to what is next on the page: the keyboard is not caught here.
      keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
      placeholder('Write code or notes…'),
      EditorView.contentAttributes.of({ 'aria-label': 'Page code', spellcheck: 'false' }),
      EditorView.domEventHandlers({
        keydown: event => {
          if (isWriting(event)) refuse()
        },
        paste: refuse,
      }),
      codeTheme,
      this.#language.of([]),
      this.#access.of([]),
      yCollab(text, editorAwareness(awareness), { undoManager: this.#undo }),
    ]
    const state = EditorState.create({ doc: text.toString(), extensions })
    this.#view = new EditorView({ state, parent: root, root })
  }

  /** In place: the text stays where it is, with the focus and what is marked. */
  setEditable(editable: boolean): void {
    this.#editable = editable
    const readOnly = [
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ 'aria-readonly': 'true' }),
    ]
    this.#view.dispatch({ effects: this.#access.reconfigure(editable ? [] : readOnly) })
  }

  setLanguage(language: Extension): void {
    this.#view.dispatch({ effects: this.#language.reconfigure(language) })
  }

  end(): void {
    this.#view.destroy()
    this.#undo.destroy()
  }
}

function isWriting({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  const isText = Array.from(key).length === 1 || ['Enter', 'Backspace', 'Delete'].includes(key)
  return isText && !ctrlKey && !metaKey && !altKey
}

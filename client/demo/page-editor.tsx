/** The rich text of a page: Tiptap on the document's own fragment, with everybody's carets. */
import Collaboration from '@tiptap/extension-collaboration'
import CollaborationCaret from '@tiptap/extension-collaboration-caret'
import { Placeholder } from '@tiptap/extensions'
import { EditorContent, useEditor, useEditorState, type Editor } from '@tiptap/react'
import { BubbleMenu } from '@tiptap/react/menus'
import StarterKit from '@tiptap/starter-kit'
import { useEffect, useRef, type ReactNode } from 'react'
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { editorAwareness } from '../sdk/index.ts'
import { BoldIcon, CodeIcon, ItalicIcon, ListIcon, QuoteIcon, StrikeIcon } from './icons.tsx'

export type PageEditorProps = {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly person: { readonly id: string; readonly name: string; readonly color: string }
  readonly editable: boolean
  /** Somebody typed or pasted where they may not. */
  readonly onRefusedKey: () => void
}

/** Keys that write: letters and what else is one character, and those that break or delete. */
const isWritingKey = ({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean =>
  !ctrlKey && !metaKey && !altKey && (Array.from(key).length === 1 || writingKeys.has(key))
const writingKeys: ReadonlySet<string> = new Set(['Enter', 'Backspace', 'Delete'])

export function PageEditor(props: PageEditorProps) {
  const { doc, awareness, person, editable, onRefusedKey } = props
  // The editor is made once for a document, and asks for what holds now.
  const refuse = useRef(onRefusedKey)
  useEffect(() => {
    refuse.current = onRefusedKey
  }, [onRefusedKey])
  const editor = useEditor(
    {
      editable,
      // It would be a style element, which the page's policy forbids: it is in editor.css.
      injectCSS: false,
      extensions: [
        // Undo belongs to the collaboration extension: it must not take back what others wrote.
        StarterKit.configure({ undoRedo: false, link: { openOnClick: false } }),
        Placeholder.configure({
          placeholder: 'Write something, and watch it appear in the other window…',
        }),
        Collaboration.configure({ document: doc, field: 'body' }),
        CollaborationCaret.configure({
          provider: { awareness: editorAwareness(awareness) },
          user: { id: person.id, name: person.name, color: person.color },
        }),
      ],
      editorProps: {
        // Readers can be in the text too: to mark it, and to be told when they type.
        attributes: {
          class: 'prose',
          role: 'textbox',
          'aria-label': 'Page text',
          'aria-multiline': 'true',
          spellcheck: 'false',
          tabindex: '0',
        },
        handleDOMEvents: {
          keydown: (view, event) => {
            if (!view.editable && isWritingKey(event)) refuse.current()
          },
          paste: view => {
            if (!view.editable) refuse.current()
          },
        },
      },
    },
    [doc, awareness],
  )
  // In place: the text stays where it is, with the focus and what is marked.
  useEffect(() => {
    editor.setEditable(editable, false)
    editor.view.dom.setAttribute('aria-readonly', String(!editable))
  }, [editor, editable])
  return (
    <>
      <BubbleMenu editor={editor} className="bubble">
        <Marks editor={editor} />
      </BubbleMenu>
      <EditorContent editor={editor} />
    </>
  )
}

function Marks({ editor }: { readonly editor: Editor }) {
  const active = useEditorState({
    editor,
    selector: ({ editor: current }) => ({
      bold: current.isActive('bold'),
      italic: current.isActive('italic'),
      strike: current.isActive('strike'),
      code: current.isActive('code'),
      heading: current.isActive('heading', { level: 2 }),
      list: current.isActive('bulletList'),
      quote: current.isActive('blockquote'),
    }),
  })
  const focus = () => editor.chain().focus()
  const actions: readonly Action[] = [
    { name: 'Bold', on: active.bold, run: () => focus().toggleBold().run(), icon: <BoldIcon /> },
    {
      name: 'Italic',
      on: active.italic,
      run: () => focus().toggleItalic().run(),
      icon: <ItalicIcon />,
    },
    {
      name: 'Strike',
      on: active.strike,
      run: () => focus().toggleStrike().run(),
      icon: <StrikeIcon />,
    },
    { name: 'Code', on: active.code, run: () => focus().toggleCode().run(), icon: <CodeIcon /> },
    {
      name: 'Heading',
      on: active.heading,
      run: () => focus().toggleHeading({ level: 2 }).run(),
      icon: <span className="letter">H</span>,
    },
    {
      name: 'List',
      on: active.list,
      run: () => focus().toggleBulletList().run(),
      icon: <ListIcon />,
    },
    {
      name: 'Quote',
      on: active.quote,
      run: () => focus().toggleBlockquote().run(),
      icon: <QuoteIcon />,
    },
  ]
  return actions.map(({ name, on, run, icon }) => (
    <button key={name} type="button" aria-label={name} aria-pressed={on} title={name} onClick={run}>
      {icon}
    </button>
  ))
}

type Action = {
  readonly name: string
  readonly on: boolean
  readonly run: () => void
  readonly icon: ReactNode
}

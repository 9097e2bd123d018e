/** The rich text of a page: Tiptap on the document's own fragment, with everybody's carets. */
import Collaboration from '@tiptap/extension-collaboration'
import CollaborationCaret from '@tiptap/extension-collaboration-caret'
import { Placeholder } from '@tiptap/extensions'
import { EditorContent, useEditor, useEditorState, type Editor } from '@tiptap/react'
import { BubbleMenu } from '@tiptap/react/menus'
import StarterKit from '@tiptap/starter-kit'
import type { ReactNode } from 'react'
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { editorAwareness } from '../sdk/index.ts'
import { BoldIcon, CodeIcon, ItalicIcon, ListIcon, QuoteIcon, StrikeIcon } from './icons.tsx'
import type { Person } from './people.tsx'

export type PageEditorProps = {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly person: Person
  readonly editable: boolean
}

export function PageEditor({ doc, awareness, person, editable }: PageEditorProps) {
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
          user: { name: person.name, color: person.color },
        }),
      ],
      editorProps: {
        attributes: { class: 'prose', 'aria-label': 'Page text', spellcheck: 'false' },
      },
    },
    [doc, awareness],
  )
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

/** The code of a page: its language, and the editor. */
import './code.css'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { useMap } from '../../react/index.ts'
import { CodeView } from './code-view.ts'
import {
  SETTINGS,
  languageNames,
  languages,
  loadLanguage,
  readLanguage,
  writeLanguage,
} from './languages.ts'

export type CodeEditorProps = {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly editable: boolean
  /** Somebody typed or pasted where they may not. */
  readonly onRefusedKey: () => void
}

export function CodeEditor({ doc, awareness, editable, onRefusedKey }: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null)
  const [view, setView] = useState<CodeView | null>(null)
  const refuse = useEffectEvent(onRefusedKey)
  const { data: language } = useMap(SETTINGS, readLanguage)
  useEffect(() => {
    const host = place.current
    if (host === null) return
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
    const made = new CodeView({ root, doc, awareness, onRefusedKey: () => refuse() })
    setView(made)
    return () => made.end()
  }, [doc, awareness])
  useEffect(() => view?.setEditable(editable), [view, editable])
  useEffect(() => {
    let isWanted = true
    const show = async () => {
      // Without the network it may not be there: then it is plain text.
      const extension = await loadLanguage(language).catch(() => [])
      if (isWanted) view?.setLanguage(extension)
    }
    void show()
    return () => {
      isWanted = false
    }
  }, [view, language])
  return (
    <section className="code-room" aria-label="Code">
      <label className="code-language">
        <span>Language</span>
        <select
          className="select"
          value={language}
          disabled={!editable}
          onChange={({ target }) => writeLanguage(doc, readLanguage({ language: target.value }))}
        >
          {languages.map(one => (
            <option key={one} value={one}>
              {languageNames[one]}
            </option>
          ))}
        </select>
      </label>
      <div ref={place} className="code-editor" />
    </section>
  )
}

/** How code looks: the workspace's own colours, which come in through variables. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const theme = EditorView.theme({
  '&': { fontSize: '14px', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.65' },
  '.cm-content': { padding: '14px 0', minHeight: '46vh', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 18px 0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': {
    border: 'none',
    backgroundColor: 'transparent',
    color: 'var(--ink-faint)',
    paddingLeft: '8px',
  },
  '.cm-activeLine': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'var(--code-line)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    background: 'var(--code-marked)',
  },
  '.cm-selectionBackground': { background: 'var(--code-marked)' },
  '.cm-placeholder': { color: 'var(--ink-faint)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--code-marked)' },
  // Whose caret it is can be read without pointing at it.
  '.cm-ySelectionInfo': {
    top: '-1.25em',
    padding: '0 5px',
    borderRadius: '4px 4px 4px 0',
    fontFamily: 'var(--sans)',
    fontSize: '11px',
    fontWeight: '600',
    lineHeight: '1.5',
    opacity: '1',
  },
  '.cm-line:first-child .cm-ySelectionInfo': { top: '1.35em', borderRadius: '0 4px 4px 4px' },
  '.cm-ySelectionCaretDot': { display: 'none' },
})

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.regexp, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--code-number)' },
  { tag: [tags.comment, tags.meta], color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.typeName], color: 'var(--code-name)' },
  { tag: [tags.propertyName, tags.attributeName, tags.tagName], color: 'var(--code-name)' },
  { tag: tags.heading, color: 'var(--code-keyword)', fontWeight: '650' },
  { tag: tags.strong, fontWeight: '650' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: [tags.link, tags.url], color: 'var(--code-name)', textDecoration: 'underline' },
])

export const codeTheme: Extension = [theme, syntaxHighlighting(highlight)]

/** Languages of a code page. Which one it is belongs to the page: everybody sees the same colours. */
import type { Extension } from '@codemirror/state'
import type * as Y from 'yjs'

export const languages = ['plain', 'javascript', 'markdown'] as const
export type Language = (typeof languages)[number]

export const languageNames: Readonly<Record<Language, string>> = {
  plain: 'Plain text',
  javascript: 'JavaScript',
  markdown: 'Markdown',
}

export const SETTINGS = 'settings'

/** Anybody may write anything there. */
export function readLanguage(settings: { readonly [key: string]: unknown }): Language {
  const given = settings['language']
  return languages.find(language => language === given) ?? 'plain'
}

export function writeLanguage(doc: Y.Doc, language: Language): void {
  doc.getMap(SETTINGS).set('language', language)
}

/** Fetched when it is first needed. */
export async function loadLanguage(language: Language): Promise<Extension> {
  switch (language) {
    case 'javascript':
      return (await import('@codemirror/lang-javascript')).javascript({
        jsx: true,
        typescript: true,
      })
    case 'markdown':
      return (await import('@codemirror/lang-markdown')).markdown()
    case 'plain':
      return []
  }
}

/** What the assistant finds on a page. No language model: it counts, and copies what is there. */
import * as Y from 'yjs'
import { SHAPES } from '../board/board-pen.ts'
import { readShapes } from '../board/shape.ts'
import { CODE, type PageEntry } from '../space-index.ts'

/** Heading of what it writes, and below it one line for each item. */
export type Report = { readonly title: string; readonly lines: readonly string[] }

const LINES_MAX = 40
const LINE_LENGTH_MAX = 200
export const SUMMARY = 'Summary by the assistant'

export function reportOn(doc: Y.Doc, { kind, title }: Pick<PageEntry, 'kind' | 'title'>): Report {
  const name = title === '' ? 'an untitled page' : `“${title}”`
  switch (kind) {
    case 'text':
      return { title: SUMMARY, lines: cut(summaryOf(doc.getXmlFragment('body'))) }
    case 'board':
      return { title: `Notes of ${name}`, lines: cut(notesOf(doc)) }
    case 'code':
      return { title: `Marks in ${name}`, lines: cut(marksIn(doc.getText(CODE).toJSON())) }
  }
}

function cut(lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, LINES_MAX).map(line => line.slice(0, LINE_LENGTH_MAX))
  const more = lines.length - shown.length
  return more > 0 ? [...shown, `and ${more} more`] : shown
}

type Block = { readonly name: string; readonly text: string }

function summaryOf(body: Y.XmlFragment): readonly string[] {
  const blocks = blocksOf(body)
  const words = blocks.flatMap(({ text }) =>
    text.split(/\s+/).filter(word => /[\p{L}\p{N}]/u.test(word)),
  ).length
  const headings = blocks.filter(({ name, text }) => name === 'heading' && text !== '')
  const open = blocks.filter(({ text }) => /^(\[ ?\]|todo\b)/i.test(text))
  const done = blocks.filter(({ text }) => /^\[x\]/i.test(text))
  return [
    `${count(words, 'word')} in ${count(blocks.filter(({ text }) => text !== '').length, 'block')}`,
    ...(headings.length === 0
      ? ['No headings']
      : [`${count(headings.length, 'heading')}: ${headings.map(({ text }) => text).join(' · ')}`]),
    `${count(open.length, 'open task')}, ${done.length} done`,
    ...open.map(({ text }) => text),
  ]
}

/** Blocks of text, without what the assistant wrote before. */
function blocksOf(body: Y.XmlFragment): readonly Block[] {
  const own = ownPart(body)
  const blocks: Block[] = []
  const visit = (node: unknown) => {
    if (!(node instanceof Y.XmlElement)) return
    const children = node.toArray()
    const texts = children.filter(child => child instanceof Y.XmlText)
    if (texts.length > 0) {
      blocks.push({ name: node.nodeName, text: texts.map(plainText).join('').trim() })
    }
    for (const child of children) visit(child)
  }
  body.toArray().forEach((node, at) => {
    if (own === null || at < own.at || at >= own.at + own.length) visit(node)
  })
  return blocks
}

/** Where the assistant wrote before: its heading, and the list after it. */
export function ownPart(
  body: Y.XmlFragment,
): { readonly at: number; readonly length: number } | null {
  const nodes = body.toArray()
  const at = nodes.findIndex(node => node instanceof Y.XmlElement && textIn(node) === SUMMARY)
  if (at < 0) return null
  const next = nodes[at + 1]
  return { at, length: next instanceof Y.XmlElement && next.nodeName === 'bulletList' ? 2 : 1 }
}

function textIn(element: Y.XmlElement): string {
  return element
    .toArray()
    .filter(child => child instanceof Y.XmlText)
    .map(plainText)
    .join('')
}

function plainText(text: Y.XmlText): string {
  const pieces = text.toDelta() as readonly { readonly insert?: unknown }[]
  return pieces.map(({ insert }) => (typeof insert === 'string' ? insert : ' ')).join('')
}

function notesOf(doc: Y.Doc): readonly string[] {
  const shapes = readShapes(Object.fromEntries(doc.getMap(SHAPES).entries()))
  // As one reads them: from the top, and from the left.
  const notes = shapes
    .toSorted((a, b) => a.y - b.y || a.x - b.x)
    .map(({ text }) => text.replace(/\s+/g, ' ').trim())
    .filter(text => text !== '')
  return notes.length === 0 ? ['There is nothing written on this board.'] : notes
}

function marksIn(code: string): readonly string[] {
  const lines = code.split('\n')
  const marks = lines.flatMap((line, at) => {
    const mark = /\b(?:TODO|FIXME)\b.*/.exec(line)?.[0]
    return mark === undefined ? [] : [`Line ${at + 1}: ${mark.trim()}`]
  })
  return [`${count(lines.length, 'line')}, ${count(marks.length, 'mark')} (TODO, FIXME)`, ...marks]
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`
}

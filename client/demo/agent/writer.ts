/** Writes a report into a page as somebody types: others see where, and can go on meanwhile. */
import * as Y from 'yjs'
import type { Awareness } from 'y-protocols/awareness'
import { sleep, type Clock } from '../../../shared/clock.ts'
import { ownPart, type Report } from './report.ts'

const STEP_MS = 30
/** However long it is, it takes at most so many steps. */
const STEPS_MAX = 200
const STEP_LENGTH_MIN = 2

export type Pen = {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  /** Of its changes, so that they can be taken back. */
  readonly origin: object
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** A report that it wrote on this page before gives way to this one. Ends early when told to stop. */
export async function writeReport({ title, lines }: Report, pen: Pen): Promise<void> {
  const { doc, origin } = pen
  const body = doc.getXmlFragment('body')
  const length = [title, ...lines].join('').length
  const step = Math.max(STEP_LENGTH_MIN, Math.ceil(length / STEPS_MAX))
  const heading = new Y.XmlText()
  const list = new Y.XmlElement('bulletList')
  doc.transact(() => {
    const own = ownPart(body)
    if (own !== null) body.delete(own.at, own.length)
    const element = new Y.XmlElement<{ level: number }>('heading')
    element.setAttribute('level', 2)
    element.insert(0, [heading])
    body.insert(endOf(body), [element as Y.XmlElement])
  }, origin)
  await type(heading, title, { ...pen, step })
  for (const [at, line] of lines.entries()) {
    if (pen.signal.aborted) return
    const text = new Y.XmlText()
    doc.transact(() => {
      if (at === 0) body.insert(indexAfter(body, heading), [list])
      const paragraph = new Y.XmlElement('paragraph')
      const item = new Y.XmlElement('listItem')
      paragraph.insert(0, [text])
      item.insert(0, [paragraph])
      list.insert(list.length, [item])
    }, origin)
    // One line after the other.
    // oxlint-disable-next-line no-await-in-loop
    await type(text, line, { ...pen, step })
  }
}

/** Before the empty line that editors keep at the end. */
function endOf(body: Y.XmlFragment): number {
  const last = body.length === 0 ? undefined : body.get(body.length - 1)
  const isBlank =
    last instanceof Y.XmlElement &&
    last.nodeName === 'paragraph' &&
    last.toArray().every(child => child instanceof Y.XmlText && child.length === 0)
  return isBlank ? body.length - 1 : body.length
}

/** Others may have written around it. */
function indexAfter(body: Y.XmlFragment, heading: Y.XmlText): number {
  const at = body.toArray().findIndex(node => node === heading.parent)
  return at < 0 ? body.length : at + 1
}

async function type(text: Y.XmlText, words: string, pen: Pen & { step: number }): Promise<void> {
  const { doc, awareness, origin, clock, signal, step } = pen
  const letters = Array.from(words)
  for (let at = 0; at < letters.length && !signal.aborted; at += step) {
    doc.transact(() => text.insert(text.length, letters.slice(at, at + step).join('')), origin)
    const caret: unknown = Y.relativePositionToJSON(
      Y.createRelativePositionFromTypeIndex(text, text.length),
    )
    awareness.setLocalStateField('cursor', { anchor: caret, head: caret })
    // As somebody types.
    // oxlint-disable-next-line no-await-in-loop
    await sleep(clock, STEP_MS, signal)
  }
}

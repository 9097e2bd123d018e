/** Edits of every kind that Yjs knows, chosen by a seed; and whether two documents are the same. */
import * as Y from 'yjs'
import { integerBetween, pick, type Random } from '../../shared/random.ts'

type Edit = (doc: Y.Doc, random: Random) => void

const edits: readonly Edit[] = [
  (doc, random) => {
    const text = doc.getText('text')
    text.insert(integerBetween(random, 0, text.length), pick(random, ['a', 'hello ', 'é']))
  },
  (doc, random) => {
    const text = doc.getText('text')
    const at = integerBetween(random, 0, text.length)
    text.delete(at, Math.min(integerBetween(random, 0, 4), text.length - at))
  },
  (doc, random) => {
    const text = doc.getText('text')
    const at = integerBetween(random, 0, text.length)
    text.format(at, text.length - at, { bold: random.next() < 0.5 ? true : null })
  },
  (doc, random) => {
    const map = doc.getMap('map')
    map.set(pick(random, ['a', 'b', 'constructor']), integerBetween(random, 0, 9))
  },
  (doc, random) => {
    const inner = new Y.Map<unknown>()
    inner.set('list', Y.Array.from([1, 'two', null, { three: [3] }]))
    doc.getMap('map').set(pick(random, ['a', 'b']), inner)
  },
  (doc, random) => doc.getMap('map').delete(pick(random, ['a', 'b', 'constructor'])),
  (doc, random) => {
    const list = doc.getArray('list')
    list.insert(integerBetween(random, 0, list.length), [random.next(), Uint8Array.of(1, 2)])
  },
  (doc, random) => {
    const list = doc.getArray('list')
    if (list.length > 0) list.delete(integerBetween(random, 0, list.length - 1), 1)
  },
  (doc, random) => {
    const page = doc.getXmlFragment('page')
    const paragraph = new Y.XmlElement('p')
    paragraph.insert(0, [new Y.XmlText(pick(random, ['one', 'two']))])
    page.insert(integerBetween(random, 0, page.length), [paragraph])
  },
  (doc, random) => {
    const page = doc.getXmlFragment('page')
    if (page.length > 0) page.delete(integerBetween(random, 0, page.length - 1), 1)
  },
]

/** One to three edits in one transaction: one update, or none when nothing changed. */
export function editAtRandom(doc: Y.Doc, random: Random): void {
  doc.transact(() => {
    const count = integerBetween(random, 1, 3)
    for (let i = 0; i < count; i++) pick(random, edits)(doc, random)
  })
}

/** What is in a document, for comparing: its content, and how much of each client it has. */
export function contentOf(doc: Y.Doc) {
  const vector = Y.decodeStateVector(Y.encodeStateVector(doc))
  return {
    text: doc.getText('text').toDelta() as unknown,
    map: doc.getMap('map').toJSON(),
    list: doc.getArray('list').toJSON(),
    page: doc.getXmlFragment('page').toJSON(),
    vector: [...vector].toSorted(([a], [b]) => a - b),
    isWhole: doc.store.pendingStructs === null && doc.store.pendingDs === null,
  }
}

/** A document whose client id comes from the seed too: it decides who of two writers goes first. */
export function docOf(random: Random): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = integerBetween(random, 1, 2 ** 31)
  return doc
}

/** A document of its own with the same content. */
export function copyOf(doc: Y.Doc, random: Random): Y.Doc {
  const copy = docOf(random)
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { docToJson } from './doc-json.ts'

/** As the server sees it: loaded from bytes, with no root type ever asked for. */
const seen = (make: (doc: Y.Doc) => void) => {
  const doc = new Y.Doc()
  make(doc)
  const loaded = new Y.Doc()
  Y.applyUpdate(loaded, Y.encodeStateAsUpdate(doc))
  return JSON.parse(JSON.stringify(docToJson(loaded))) as unknown
}

describe('a document as JSON', () => {
  test('maps, lists, text', () => {
    const json = seen(doc => {
      doc.getText('text').insert(0, 'Hello')
      doc.getText('text').format(0, 2, { bold: true })
      doc.getText('text').delete(4, 1)
      doc.getArray('list').push([1, 'two', { three: 3 }, null])
      doc.getMap('map').set('a', 1)
      doc.getMap('map').set('b', new Y.Array())
      doc.getMap('map').set('gone', 1)
      doc.getMap('map').delete('gone')
      doc.getMap('map').set('nested', new Y.Map([['deep', new Y.Text('text')]]))
    })
    expect(json).toEqual({
      text: 'Hell',
      list: [1, 'two', { three: 3 }, null],
      map: { a: 1, b: [], nested: { deep: 'text' } },
    })
  })

  test('a rich text as ProseMirror writes it', () => {
    const json = seen(doc => {
      const heading = new Y.XmlElement('heading')
      heading.setAttribute('level', 1 as never)
      heading.insert(0, [new Y.XmlText('Plan')])
      const text = new Y.XmlText()
      text.insert(0, 'plain ')
      text.insert(6, 'bold', { bold: {} })
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [text])
      doc.getXmlFragment('default').insert(0, [heading, paragraph, new Y.XmlElement('hr')])
    })
    expect(json).toEqual({
      default: [
        { type: 'heading', attrs: { level: 1 }, content: [{ type: 'text', text: 'Plan' }] },
        {
          type: 'paragraph',
          content: [
            { type: 'text', text: 'plain ' },
            { type: 'text', text: 'bold', marks: [{ type: 'bold' }] },
          ],
        },
        { type: 'hr' },
      ],
    })
  })

  test('keys of the object prototype are keys like any other', () => {
    const doc = new Y.Doc()
    doc.getMap('constructor').set('__proto__', { isAdmin: true })
    doc.getMap('__proto__').set('x', 1)
    const json = docToJson(doc)
    expect(Object.keys(json).sort()).toEqual(['__proto__', 'constructor'])
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    expect((json['constructor'] as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test('an empty document is an empty object', () => {
    expect(seen(() => {})).toEqual({})
  })
})

/** What was refused is found again, and nothing of what others wrote with it. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { knownOf, textBeyond } from './unsaved-text.ts'

function write(doc: Y.Doc, paragraph: number, at: number, words: string): void {
  const body = doc.getXmlFragment('body')
  while (body.length <= paragraph) {
    const element = new Y.XmlElement('paragraph')
    element.insert(0, [new Y.XmlText()])
    body.insert(body.length, [element])
  }
  const element = body.get(paragraph) as Y.XmlElement
  ;(element.get(0) as Y.XmlText).insert(at, words)
}

function shared(): { readonly server: Y.Doc; readonly mine: Y.Doc } {
  const server = new Y.Doc()
  write(server, 0, 0, 'The loom weaves.')
  const mine = new Y.Doc()
  Y.applyUpdate(mine, Y.encodeStateAsUpdate(server))
  return { server, mine }
}

test('[G12] the half of a sentence that the server did not take, in the middle of another one', () => {
  const { server, mine } = shared()
  write(mine, 0, 8, ' slowly and with ca')
  write(server, 0, 16, ' Others went on.')
  expect(textBeyond(Y.encodeStateAsUpdate(mine), knownOf(server))).toBe(' slowly and with ca')
})

test('of a sentence that was saved in part only the rest', () => {
  const { server, mine } = shared()
  write(mine, 0, 16, ' It was')
  Y.applyUpdate(server, Y.encodeStateAsUpdate(mine))
  write(mine, 0, 23, ' late')
  expect(textBeyond(Y.encodeStateAsUpdate(mine), knownOf(server))).toBe(' late')
})

test('new blocks are lines; what was written and deleted again is not shown', () => {
  const { server, mine } = shared()
  write(mine, 1, 0, 'One.')
  write(mine, 2, 0, 'Two. Never mind.')
  const last = mine.getXmlFragment('body').get(2) as Y.XmlElement
  ;(last.get(0) as Y.XmlText).delete(4, 12)
  expect(textBeyond(Y.encodeStateAsUpdate(mine), knownOf(server))).toBe('One.\nTwo.')
})

test('nothing new is no text', () => {
  const { server, mine } = shared()
  expect(textBeyond(Y.encodeStateAsUpdate(mine), knownOf(server))).toBe('')
  expect(textBeyond(Y.encodeStateAsUpdate(new Y.Doc()), knownOf(server))).toBe('')
})

test('of a page of code, and of the notes of a board', () => {
  const server = new Y.Doc()
  server.getText('code').insert(0, 'const a = 1\n')
  server.getMap('shapes').set('a', note('known'))
  const mine = new Y.Doc()
  Y.applyUpdate(mine, Y.encodeStateAsUpdate(server))
  mine.getText('code').insert(12, 'const b = 2')
  mine.getMap('shapes').set('b', note('mine'))
  mine.getMap('shapes').set('c', note('mine, and deleted'))
  mine.getMap('shapes').delete('c')
  mine.getMap('shapes').set('d', 'no shape')
  expect(textBeyond(Y.encodeStateAsUpdate(mine), knownOf(server))).toBe('const b = 2\nmine')
})

const note = (text: string) => ({ kind: 'note', x: 0, y: 0, width: 100, height: 100, text })

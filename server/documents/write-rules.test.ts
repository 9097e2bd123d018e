/** Who may write some of a document, on a live document of a whole server with a real store. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { documentName, type DocumentName } from '../../shared/names.ts'
import { writeRuleOf, type WriteRule } from '../../shared/write-rules.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import type { UpdateKind } from './update-check.ts'
import type { LiveDocument } from './live-document.ts'

const commenting = writeRuleOf('comment', null)
const only = (...paths: string[]): WriteRule => ({ paths, own: false })

/** A copy of the document, and what its user does to it. */
class Member {
  doc = new Y.Doc()
  readonly #document: LiveDocument
  readonly #who: string

  constructor(document: LiveDocument, who: string) {
    this.#document = document
    this.#who = who
    this.pull()
  }

  pull(): this {
    for (const update of this.#document.state()) Y.applyUpdate(this.doc, update)
    return this
  }

  /** Changes the copy, and offers what was changed: `applied`, `gap`, or the sentence of a refusal. */
  edit(rule: WriteRule | undefined, change: (doc: Y.Doc) => void): string {
    const updates: Uint8Array[] = []
    const listen = (update: Uint8Array) => void updates.push(update)
    this.doc.on('update', listen)
    this.doc.transact(() => change(this.doc))
    this.doc.off('update', listen)
    return this.offer(rule, Y.mergeUpdates(updates), 'edit')
  }

  /** As after a time offline: all that the copy has. */
  handOver(rule: WriteRule | undefined): string {
    const has = this.#document.stateVector()
    return this.offer(rule, Y.encodeStateAsUpdate(this.doc, has), 'state')
  }

  offer(rule: WriteRule | undefined, update: Uint8Array, kind: UpdateKind): string {
    const before = this.#document.stateVector()
    try {
      return this.#document.write(update, { author: this.#who, source: this, kind, rule }).kind
    } catch (error) {
      expect(this.#document.stateVector()).toEqual(before)
      const { code, message } = error as { code: string; message: string }
      return `${code}: ${message}`
    }
  }
}

describe('[write rules] a live document', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let server: TestApp
  let document: LiveDocument
  let name: DocumentName
  let documents = 0
  const enter = (who: string) => new Member(document, who)
  const open = async () => {
    const hold = await server.app.documents.open(name, { by: 'editor', create: true })
    document = hold.document
  }
  beforeAll(async () => {
    folder = temporaryFolder()
    server = await startTestApp({ dataDir: folder.path })
  })
  beforeEach(async () => {
    documents += 1
    name = documentName(`acme/${documents}`)
    await open()
    const editor = enter('editor')
    editor.edit(undefined, doc => {
      doc.getText('body').insert(0, 'plan')
      doc.getMap('fields').set('title', new Y.Text('Title'))
      doc.getMap('fields').set('due', 1)
      doc.getMap('comments').set('e1', new Y.Map([['text', 'by the editor']]))
      doc.getArray('notes').push(['of the editor'])
    })
  })
  afterAll(async () => {
    await server.stop()
    folder.remove()
  })
  const restart = async () => {
    await document.settle()
    await server.stop()
    server = await startTestApp({ dataDir: folder.path })
    await open()
  }

  test('fields may be written, and nothing else; the refusal says what and what not', () => {
    const rule = only('fields.*')
    const member = enter('ada')
    const inside = (doc: Y.Doc) => {
      const fields = doc.getMap<unknown>('fields')
      fields.set('due', 2)
      fields.set('new', new Y.Map([['deep', [1]]]))
      ;(fields.get('title') as Y.Text).insert(0, 'A ')
    }
    expect(member.edit(rule, inside)).toBe('applied')
    expect(document.doc.getMap('fields').toJSON()).toMatchObject({ title: 'A Title', due: 2 })
    expect(member.edit(rule, doc => doc.getMap('fields').delete('due'))).toBe('applied')
    expect(member.edit(rule, doc => doc.getText('body').insert(1, 'x'))).toBe(
      'PATH_FORBIDDEN: the update touches "body"; allowed is "fields.*"',
    )
  })

  test.each<[string, string, (doc: Y.Doc) => void]>([
    ['a deletion', 'body', doc => doc.getText('body').delete(1, 2)],
    ['a mark', 'body', doc => doc.getText('body').format(0, 2, { bold: true })],
    ['an attribute', 'body.a.b', doc => doc.getText('body').setAttribute('a.b', 1)],
    ['a new root', 'other', doc => doc.getArray('other').push([1])],
    ['a sub-document', 'notes', doc => doc.getArray('notes').push([new Y.Doc()])],
    [
      'a list in a root that is to have keys alone',
      'fields',
      doc => doc.getArray('fields').push([1]),
    ],
    ['a deeper one than is allowed', 'fields.title', doc => doc.getMap('fields').delete('title')],
    [
      'a deletion beside something allowed',
      'body',
      doc => {
        doc.getMap('fields').set('due', 3)
        doc.getText('body').delete(0, 1)
      },
    ],
  ])('%s outside is refused, and nothing of the update is taken', (_what, where, change) => {
    const before = document.doc.getMap('fields').toJSON()
    const refusal = enter('ada').edit(only('fields.due', 'fields.title.x'), change)
    const quoted = JSON.stringify(where.replace('a.b', 'a\\.b'))
    expect(refusal).toContain(`PATH_FORBIDDEN: the update touches ${quoted}; allowed is`)
    expect(document.doc.getMap('fields').toJSON()).toEqual(before)
  })

  test('what is inside a new type is known by where that was put, also in a later update', () => {
    const member = enter('ada')
    const list = new Y.Array<unknown>()
    expect(member.edit(undefined, doc => doc.getMap('fields').set('list', list))).toBe('applied')
    const push = () => list.push([new Y.Map([['x', 1]])])
    expect(member.edit(only('fields.list'), push)).toBe('applied')
    expect(member.edit(only('fields.due'), push)).toContain('touches "fields.list"')
    // What was refused is missing to what comes after it, so he begins again from what is there.
    const keep = (paths: string) => {
      const fresh = enter('ada')
      const found = fresh.doc.getMap('fields').get('list') as Y.Array<Y.Map<unknown>>
      return fresh.edit(only(paths), () => void found.get(0).set('x', 2))
    }
    expect(keep('fields.list.y')).toContain('touches "fields.list.x"')
    expect(keep('fields.*.x')).toBe('applied')
  })

  test('a state is held to the rule in all that is new in it, and in nothing else', () => {
    const rule = only('notes')
    const member = enter('ada')
    member.doc.getArray('notes').push(['mine'])
    expect(member.handOver(rule)).toBe('applied')
    expect(member.offer(rule, Y.encodeStateAsUpdate(member.doc), 'state')).toBe('applied')
    member.doc.getText('body').delete(0, 1)
    expect(member.handOver(rule)).toContain('touches "body"')
    member.doc = new Y.Doc()
    member.pull().doc.getText('body').insert(0, 'x')
    expect(member.handOver(rule)).toContain('touches "body"')
  })

  test('what came and went while he was offline is taken without its content', () => {
    const member = enter('ada')
    const notes = member.doc.getArray<unknown>('notes')
    notes.push([new Y.Map([['x', new Y.Text('long gone')]])])
    notes.delete(1)
    notes.push(['stays'])
    expect(member.handOver(commentRule('notes'))).toBe('applied')
    expect(document.doc.getArray('notes').toJSON()).toEqual(['of the editor', 'stays'])
  })

  test('a reply to what was deleted meanwhile is taken, and is nowhere', () => {
    const [editor, member] = [enter('editor'), enter('ada')]
    editor.edit(undefined, doc => doc.getMap('fields').delete('title'))
    const late = (doc: Y.Doc) => (doc.getMap('fields').get('title') as Y.Text).insert(2, 'x')
    expect(member.edit(only('fields.*'), late)).toBe('applied')
    expect(document.doc.getMap('fields').toJSON()).toEqual({ due: 1 })
  })

  test('[T10] nothing of others is taken from him, also where it would be from an editor', () => {
    const rule = only('notes')
    const victim = enter('victim')
    document.showClientId(victim.doc.clientID, { principalId: 'victim' })
    const thief = enter('ada')
    thief.doc.clientID = victim.doc.clientID
    thief.doc.getArray('notes').push(['in the name of the victim'])
    expect(thief.handOver(rule)).toBe('gap')
    expect(victim.edit(undefined, doc => doc.getText('body').insert(0, 'v'))).toBe('applied')
    expect(document.doc.getText('body').toString()).toBe('vplan')
  })

  test('a commenter adds, changes and deletes what is his', () => {
    const member = enter('ada')
    const comments = (doc: Y.Doc) => doc.getMap<Y.Map<unknown>>('comments')
    const add = (doc: Y.Doc) => comments(doc).set('a1', new Y.Map([['text', 'mine']]))
    expect(member.edit(commenting, doc => add(doc))).toBe('applied')
    expect(member.edit(commenting, doc => void comments(doc).get('a1')?.set('text', 'x'))).toBe(
      'applied',
    )
    expect(member.edit(commenting, doc => add(doc))).toBe('applied')
    expect(member.edit(commenting, doc => comments(doc).delete('a1'))).toBe('applied')
    expect(comments(document.doc).toJSON()).toEqual({ e1: { text: 'by the editor' } })
    expect(member.edit(commenting, doc => doc.getText('body').insert(0, 'x'))).toBe(
      'PATH_FORBIDDEN: the update touches "body"; allowed is "comments"',
    )
  })

  test.each<[string, (doc: Y.Doc) => void]>([
    ['overwrite', doc => void doc.getMap('comments').set('e1', 'mine now')],
    ['delete', doc => doc.getMap('comments').delete('e1')],
    [
      'edit inside',
      doc => void (doc.getMap('comments').get('e1') as Y.Map<string>).set('text', 'x'),
    ],
    ['add inside', doc => void (doc.getMap('comments').get('e1') as Y.Map<string>).set('new', 'x')],
  ])('a commenter does not %s what is another’s', (_what, change) => {
    expect(enter('ada').edit(commenting, change)).toMatch(
      /^PATH_FORBIDDEN: the update changes what others wrote in "comments\.e1/,
    )
  })

  test('nor does he delete or mark text of others, or what others put into his', () => {
    const rule = commentRule('body', 'notes')
    expect(enter('ada').edit(rule, doc => doc.getText('body').delete(0, 1))).toContain('others')
    expect(enter('ada').edit(rule, doc => doc.getText('body').format(0, 2, { b: 1 }))).toContain(
      'others',
    )
    const member = enter('ada')
    const thread = new Y.Map<unknown>([['text', 'mine']])
    expect(member.edit(rule, doc => doc.getArray('notes').insert(0, [thread]))).toBe('applied')
    const answer = (doc: Y.Doc) => doc.getArray<Y.Map<unknown>>('notes').get(0).set('answer', 'e')
    expect(enter('editor').edit(undefined, doc => void answer(doc))).toBe('applied')
    // He has not seen it, so his update does not name it; the server looks for itself.
    const remove = (doc: Y.Doc) => doc.getArray('notes').delete(0, 1)
    const refusal = 'changes what others wrote in "notes.answer"'
    const unseen = new Member(document, 'ada')
    expect(member.edit(rule, remove)).toContain(refusal)
    expect(unseen.edit(rule, remove)).toContain(refusal)
  })

  test('an origin that hides the value it replaces does not help', () => {
    const early = new Y.Doc()
    early.clientID = 2 ** 31
    early.getMap('comments').set('e1', 'wins by its number')
    expect(enter('ada').offer(commenting, Y.encodeStateAsUpdate(early), 'edit')).toContain('others')
  })

  test('what is his stays his over a restart, also what he made offline', async () => {
    const member = enter('ada')
    member.doc.getArray('comments').push(['offline'])
    expect(member.handOver(commenting)).toBe('applied')
    await restart()
    const again = new Member(document, 'ada')
    expect(again.edit(commenting, doc => doc.getArray('comments').delete(0, 1))).toBe('applied')
    expect(document.doc.getArray('comments').toJSON()).toEqual([])
  })

  test('nor does it matter through which node he wrote it, before the journal tells', () => {
    const elsewhere = new Y.Doc()
    elsewhere.getArray('comments').push(['through another node'])
    const update = Y.encodeStateAsUpdate(elsewhere)
    const told = { author: 'ada', at: 1, handsOver: false, update, node: 'other', count: 1 }
    expect(document.nodes.receive(told)).toBe('applied')
    const remove = (doc: Y.Doc) => doc.getArray('comments').delete(0, 1)
    expect(enter('bob').edit(commenting, remove)).toContain('others')
    expect(enter('ada').edit(commenting, remove)).toBe('applied')
  })

  test('he cannot make an id his that nobody is known to own, and with it what stands under it', () => {
    const offline = enter('editor')
    offline.doc.getArray('comments').push(['of the editor, made offline'])
    expect(offline.handOver(undefined)).toBe('applied')
    const thief = enter('ada')
    thief.doc.clientID = offline.doc.clientID
    expect(thief.edit(commenting, doc => doc.getArray('comments').push(['x']))).toMatch(
      /^CLIENT_ID_TAKEN/,
    )
    const plain = enter('ada').edit(commenting, doc => doc.getArray('comments').delete(0, 1))
    expect(plain).toContain('others')
  })

  test('[F21] an edit that waits for its turn is asked then, not when it came', async () => {
    let mayWrite = true
    const rule = () => {
      if (mayWrite) return undefined
      throw new WeftError('FORBIDDEN', 'taken back')
    }
    const edit = (text: string) =>
      server.app.documents.edit(name, {
        author: 'ada',
        rule,
        change: doc => doc.getArray('late').push([text]),
      })
    const done = edit('first')
    const late = edit('second')
    const refused = expect(late).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await done
    mayWrite = false
    await refused
  })

  test('programs are held to the rule, too; what a commenter made there is his', async () => {
    const run = (author: string, rule: WriteRule | undefined, change: (doc: Y.Doc) => void) =>
      server.app.documents.edit(name, { author, rule: () => rule, change }).then(
        ({ outcome }) => outcome,
        (error: { code: string }) => error.code,
      )
    const push = (doc: Y.Doc) => doc.getArray('comments').push(['by REST'])
    const clear = (doc: Y.Doc) => doc.getArray('comments').delete(0, 1)
    expect(await run('ada', only('notes'), push)).toBe('PATH_FORBIDDEN')
    expect(await run('ada', only('comments'), push)).toBe('changed')
    expect(await run('ada', commenting, clear)).toBe('PATH_FORBIDDEN')
    expect(await run('eve', undefined, clear)).toBe('changed')
    expect(await run('ada', commenting, push)).toBe('changed')
    expect(await run('bob', commenting, clear)).toBe('PATH_FORBIDDEN')
    expect(await run('bob', commenting, push)).toBe('changed')
    expect(await run('ada', commenting, clear)).toBe('changed')
    expect(await run('ada', commenting, push)).toBe('changed')
    expect(await run('ada', commenting, clear)).toBe('PATH_FORBIDDEN')
    await restart()
    expect(document.doc.getArray('comments').length).toBe(2)
  })
})

function commentRule(...paths: string[]): WriteRule {
  return { paths, own: true }
}

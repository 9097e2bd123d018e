import { describe, expect, test } from 'vitest'
import { Outbox } from './outbox.ts'

const update = Uint8Array.of(0, 0)

describe('the outbox', () => {
  test('a change counts until the frame that carries it is called durable', () => {
    const outbox = new Outbox()
    outbox.add(update)
    outbox.add(update)
    outbox.sent(2)
    outbox.add(update)
    outbox.sent(3)
    expect(outbox.count).toBe(3)
    expect(outbox.acknowledge(1)).toBe(2)
    expect(outbox.count).toBe(1)
    expect(outbox.changes.map(({ change }) => change)).toEqual([3])
    outbox.acknowledge(1)
    expect(outbox.count).toBe(0)
  })

  test('numbers of frames are not used again after a lost connection', () => {
    const outbox = new Outbox({ firstFrame: 5 })
    expect(outbox.lastFrame).toBe(4)
    expect([outbox.sent(0), outbox.sent(0)]).toEqual([5, 6])
    outbox.disconnected()
    expect(outbox.lastFrame).toBe(6)
    expect(outbox.sent(0)).toBe(7)
    // Answers count from the beginning of the attachment.
    expect(outbox.freshly({ total: 1, count: 1 })).toBe(1)
  })

  test('one answer for several frames', () => {
    const outbox = new Outbox()
    for (let i = 1; i <= 3; i++) outbox.sent(outbox.add(update))
    expect(outbox.acknowledge(2)).toBe(2)
    expect(outbox.count).toBe(1)
  })

  test('a lost connection forgets the frames, not the changes', () => {
    const outbox = new Outbox()
    outbox.sent(outbox.add(update))
    outbox.disconnected()
    expect(outbox.count).toBe(1)
    outbox.sent(outbox.made)
    outbox.acknowledge(1)
    expect(outbox.count).toBe(0)
  })

  test('what was refused stays unsaved, and later frames are still told apart', () => {
    const outbox = new Outbox()
    outbox.sent(outbox.add(update))
    outbox.sent(outbox.add(update))
    outbox.sent(outbox.add(update))
    outbox.acknowledge(1)
    outbox.reject(1)
    expect(outbox.count).toBe(2)
    // An answer to a later change is none to the refused one.
    expect(outbox.acknowledge(1)).toBe(1)
    expect(outbox.count).toBe(2)
    outbox.sent(outbox.made, { restart: true })
    outbox.acknowledge(1)
    expect(outbox.count).toBe(0)
  })

  test('changes of an earlier session count one by one', () => {
    const outbox = new Outbox()
    outbox.add(update, 5)
    expect(outbox.count).toBe(5)
    expect(outbox.made).toBe(5)
    outbox.sent(5)
    outbox.acknowledge(1)
    expect(outbox.count).toBe(0)
  })
})

import { describe, expect, test } from 'vitest'
import { syncStep } from '../../shared/frames.ts'
import type { ServerHello } from '../../shared/protocol.ts'
import { ServerGreeting } from './server-greeting.ts'

const { step1, step2, update } = syncStep

const hello = (incarnation: string, protocol = 3): ServerHello => ({
  type: 'weft.hello',
  protocol,
  incarnation,
  seq: 0,
  access: 'write',
  limits: { updateBytes: 1, frameBytes: 1 },
  pingIntervalMs: 1,
})

describe('[C23] what a channel takes in', () => {
  test('of a server of ours nothing before its hello', () => {
    const greeting = new ServerGreeting()
    expect(greeting.accepts(step2, 'life-1')).toBe(false)
    expect(greeting.accepts(step1, 'life-1')).toBe(false)
    expect(greeting.accepts(update, undefined)).toBe(false)
    greeting.heard(hello('life-1'))
    expect(greeting.accepts(step2, 'life-1')).toBe(true)
    expect(greeting.accepts(step1, 'life-1')).toBe(true)
    expect(greeting.accepts(update, undefined)).toBe(true)
  })

  test('no update before the state that it leans on', () => {
    const greeting = new ServerGreeting()
    greeting.heard(hello('life-1'))
    expect(greeting.accepts(update, undefined)).toBe(false)
  })

  test('nothing of another document than the one that the hello named', () => {
    const greeting = new ServerGreeting()
    greeting.heard(hello('life-2'))
    expect(greeting.accepts(step2, 'life-1')).toBe(false)
    expect(greeting.accepts(update, undefined)).toBe(false)
  })

  test('nothing between a goodbye and the next hello, on the same socket', () => {
    const greeting = new ServerGreeting()
    greeting.heard(hello('life-1'))
    greeting.left({ isSocketNew: false })
    expect(greeting.isDeaf).toBe(true)
    expect(greeting.accepts(step2, 'life-1')).toBe(false)
    greeting.heard(hello('life-1'))
    expect(greeting.accepts(step2, 'life-1')).toBe(true)
  })

  test('a hello that comes twice changes nothing', () => {
    const greeting = new ServerGreeting()
    greeting.heard(hello('life-1'))
    greeting.accepts(step2, 'life-1')
    greeting.heard(hello('life-1'))
    expect(greeting.accepts(update, undefined)).toBe(true)
  })

  test('a stock server is believed without a hello, on every attachment', () => {
    const greeting = new ServerGreeting()
    for (const isSocketNew of [true, false]) {
      greeting.left({ isSocketNew })
      expect(greeting.accepts(step2, undefined)).toBe(true)
      expect(greeting.accepts(update, undefined)).toBe(true)
    }
    expect(greeting.isAnswering).toBe(false)
  })

  test('a server of version 2 is believed after its hello', () => {
    const greeting = new ServerGreeting()
    greeting.heard(hello('life-1', 2))
    expect(greeting.accepts(step2, undefined)).toBe(true)
    expect(greeting.isAnswering).toBe(false)
  })
})

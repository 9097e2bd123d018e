/** Rules that change while they are read for somebody who is just coming. */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import type { Rule } from '../../shared/decide.ts'
import { documentName } from '../../shared/names.ts'
import { testPrincipal } from '../../shared/test-principal.ts'
import { noNote } from './note.ts'
import { Pass } from './pass.ts'

const viewer: Rule = {
  id: 'g1',
  subject: { kind: 'self' },
  resource: 'acme/plan',
  effect: 'allow',
  role: 'viewer',
  capabilities: ['read'],
  paths: null,
  expiresAt: Infinity,
  condition: null,
}

/** A pass whose readings of the rules are answered by hand, in whatever order. */
function heldPass() {
  const readings: PromiseWithResolvers<readonly Rule[]>[] = []
  const rulesFor = () => {
    const reading = Promise.withResolvers<readonly Rule[]>()
    readings.push(reading)
    return reading.promise
  }
  const pass = new Pass({
    principal: testPrincipal(),
    name: documentName('acme/plan'),
    situation: { address: null },
    rules: { rulesFor, rulesForAll: rulesFor, rulesBelow: rulesFor },
    clock: systemClock,
    isRevoked: () => false,
    onClose: () => {},
    note: noNote,
    onError: () => {},
  })
  const answer = (n: number, rules: readonly Rule[]) => readings[n]?.resolve(rules)
  const fail = (n: number) => readings[n]?.reject(new Error('the store is away'))
  return { pass, answer, fail }
}

describe('[F21] a pass whose rules change while they are read', () => {
  test('answers by the later ones, and whoever waits for the first reading gets them too', async () => {
    const { pass, answer } = heldPass()
    const coming = pass.refresh()
    const changed = pass.refresh()
    answer(0, [])
    setImmediate(() => answer(1, [viewer]))
    await coming
    expect(pass.decide('read').allowed).toBe(true)
    await changed
  })

  test('an answer that comes late changes nothing', async () => {
    const { pass, answer } = heldPass()
    const coming = pass.refresh()
    const changed = pass.refresh()
    answer(1, [])
    await changed
    answer(0, [viewer])
    await coming
    expect(pass.decide('read').allowed).toBe(false)
  })

  test('a fresh token that could not be looked up leaves the later one in place', async () => {
    const { pass, answer, fail } = heldPass()
    const later = testPrincipal({ name: 'later' })
    const first = pass.renew(testPrincipal({ name: 'first' })).catch(() => 'failed')
    const second = pass.renew(later)
    answer(1, [viewer])
    await second
    fail(0)
    expect(await first).toBe('failed')
    expect(pass.principal).toBe(later)
  })
})

/** What the Share dialog says, and what it offers to whom. */
import { expect, test } from 'vitest'
import { WeftError } from '../../sdk/index.ts'
import {
  rolesWithin,
  sayDuration,
  sayEnd,
  sayOrigin,
  sayProblem,
  subjectOf,
} from './share-words.ts'

test('nobody is offered a role with more rights than they have themselves', () => {
  expect(rolesWithin(new Set(['read', 'comment', 'write', 'create', 'share']))).toEqual([
    'viewer',
    'commenter',
    'editor',
  ])
  const all = ['read', 'comment', 'write', 'create', 'delete', 'share']
  expect(rolesWithin(new Set(all))).toContain('owner')
  expect(rolesWithin(new Set())).toEqual([])
})

test('a grant of a space says where it comes from', () => {
  expect(sayOrigin('acme/pages/plan', 'acme/pages/plan')).toBe('')
  expect(sayOrigin('acme/**', 'acme/pages/plan')).toBe('from acme, with all that is in it')
  expect(sayOrigin('**', 'acme/pages/plan')).toBe('from everything on this server')
})

test('an id is a person’s unless it says otherwise', () => {
  expect(subjectOf(' ada ')).toBe('user:ada')
  expect(subjectOf('group:legal')).toBe('group:legal')
})

test('an end of today is a time, another one has its date', () => {
  const noon = new Date(2027, 0, 31, 12).getTime()
  expect(sayEnd(noon + 3_600_000, noon)).not.toContain('31')
  expect(sayEnd(noon + 86_400_000, noon)).toMatch(/until .*1/)
  expect(sayEnd(noon + 400 * 86_400_000, noon)).toContain('2028')
  expect(sayEnd(noon + 86_400_000, noon)).not.toContain('2027')
  expect(sayDuration(3_600_000)).toBe('1 hour')
  expect(sayDuration(30 * 86_400_000)).toBe('30 days')
})

test('refusals are sentences that say what to do', () => {
  const refusal = new WeftError('FORBIDDEN', 'bob may not give write of acme/plan')
  expect(sayProblem(refusal)).toBe('You may not do that: bob may not give write of acme/plan.')
  const away = new WeftError('DEPENDENCY_UNAVAILABLE', 'the server cannot be reached')
  expect(sayProblem(away)).toMatch(/cannot be reached just now. Try again/)
  expect(sayProblem(new Error('bug'))).toMatch(/did not work/)
})

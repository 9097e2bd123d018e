import { describe, expect, test } from 'vitest'
import {
  openableName,
  ownerOf,
  spaceDocument,
  spaceName,
  systemName,
  userDocument,
} from './system-names.ts'

describe('names of the system', () => {
  test('a space has a document of its own', () => {
    expect(spaceDocument(spaceName('acme/plan'))).toBe('~space/acme/plan')
    expect(openableName('~space/acme/plan')).toBe('~space/acme/plan')
    expect(systemName('~space/acme/plan')).toEqual({ kind: 'space', space: 'acme/plan' })
  })

  test.each([
    ['ada', null, '~user/ada'],
    ['ada@example.org', null, '~user/ada~40example.org'],
    ['a~b', null, '~user/a~7Eb'],
    ['auth0|7', 'acme', '~user/acme/auth0~7C7'],
    ['a/b', null, '~user/a~2Fb'],
    ['..', null, '~user/~2E~2E'],
    ['é', null, '~user/~C3~A9'],
  ])('%s of tenant %s', (id, tenant, name) => {
    expect(userDocument({ id, tenant })).toBe(name)
    expect(openableName(name)).toBe(name)
    expect(systemName(name)).toEqual({ kind: 'user', owner: ownerOf({ id, tenant }) })
  })

  test.each([
    '~user/',
    '~user/a~',
    '~user/a~4',
    '~user/~61da',
    '~user/a~7eb',
    '~user/a/b/c',
    '~user/a/',
    '~user/..',
    '~user/~FF',
    '~space/',
    '~space/~user/ada',
    '~space/a//b',
    `~space/${'x'.repeat(250)}`,
    `~user/${'x'.repeat(250)}`,
  ])('%s is no name', text => {
    expect(() => openableName(text)).toThrow(/NAME|name|nobody|belongs/)
  })

  test('other names of the system are not opened, and ids may be too long', () => {
    expect(() => openableName('~else/x')).toThrow('belongs to the system')
    expect(openableName('acme/notes')).toBe('acme/notes')
    expect(() => userDocument({ id: '@'.repeat(100), tenant: null })).toThrow('too long')
  })
})

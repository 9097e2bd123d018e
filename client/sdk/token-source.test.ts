import { describe, expect, test } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import { TokenSource } from './token-source.ts'

/** Each answer is one asking of the application. */
function sourceOf(...answers: readonly (string | Error)[]) {
  const left = [...answers]
  let asked = 0
  const source = new TokenSource(() => {
    asked += 1
    const answer = left.shift() ?? 'none is left'
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  })
  return { source, asked: () => asked }
}

describe('a source of tokens', () => {
  test('is asked once for all who need it, and again when told to forget', async () => {
    const { source, asked } = sourceOf('a', 'b')
    expect(await Promise.all([source.get(), source.get()])).toEqual(['a', 'a'])
    source.forget()
    expect(await source.get()).toBe('b')
    expect(asked()).toBe(2)
  })

  test('several who renew one token share the answer', async () => {
    const { source, asked } = sourceOf('a', 'b')
    await source.get()
    expect(await Promise.all([source.renew('a'), source.renew('a')])).toEqual(['b', 'b'])
    expect(await source.renew('a')).toBe('b')
    expect(asked()).toBe(2)
  })

  test('one bad day is over: the next renewal asks the application again', async () => {
    const { source, asked } = sourceOf('a', new Error('down'), 'c')
    await source.get()
    await expect(source.renew('a')).rejects.toMatchObject({
      code: 'TOKEN_MISSING',
      message: 'no token: down',
    })
    expect(await source.renew('a')).toBe('c')
    expect(await source.get()).toBe('c')
    expect(asked()).toBe(3)
  })

  test('what the application throws at once is told in the same way', async () => {
    const source = new TokenSource(() => {
      throw new TypeError('no session')
    })
    await expect(source.get()).rejects.toBeInstanceOf(WeftError)
  })
})

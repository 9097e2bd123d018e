import { expect, test } from 'vitest'
import { writeRuleOf } from './write-rules.ts'

test('[write rules] what a decision leaves of a document', () => {
  expect(writeRuleOf('write', null)).toBeUndefined()
  expect(writeRuleOf('write', ['fields.*'])).toEqual({ paths: ['fields.*'], own: false })
  expect(writeRuleOf('comment', null)).toEqual({ paths: ['comments'], own: true })
  expect(writeRuleOf('comment', ['notes'])).toEqual({ paths: ['notes'], own: true })
})

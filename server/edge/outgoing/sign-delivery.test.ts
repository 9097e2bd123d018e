/** [T25] Signatures of what is delivered. */
import { expect, test } from 'vitest'
import { signDelivery } from './sign-delivery.ts'

const secret = 'a secret of tests, at least 32 long'
const delivery = { at: 1_750_000_000_999, body: '{"ä":1}' }

test('[T25] a signature is the one that openssl makes', () => {
  const signature =
    't=1750000000,v1=ea98070de61f758ee2e95fb24a0a4dcaa0ae93eac6deb9ee7a3248082a432dd6'
  expect(signDelivery(secret, delivery)).toBe(signature)
  const bytes = new TextEncoder().encode(delivery.body)
  expect(signDelivery(secret, { ...delivery, body: bytes })).toBe(signature)
})

test('[T25] another time, body or secret is another signature', () => {
  const signatures = [
    signDelivery(secret, delivery),
    signDelivery(secret, { ...delivery, at: delivery.at + 1 }),
    signDelivery(secret, { ...delivery, body: '{"ä":2}' }),
    signDelivery(`${secret}!`, delivery),
  ].map(signature => signature.split(',v1=')[1])
  expect(new Set(signatures).size).toBe(4)
})

test.each(['', 'secret', 'x'.repeat(31)])('[T25] %j signs nothing', short => {
  expect(() => signDelivery(short, delivery)).toThrow(TypeError)
})

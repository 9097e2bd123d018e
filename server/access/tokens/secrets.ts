/** Secrets that others hold: how they are made, written and told apart from anything else. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** That many bytes nobody can guess; the machine's, except in tests. */
export type Entropy = (bytes: number) => Buffer

export const systemEntropy: Entropy = bytes => randomBytes(bytes)

export type SecretKind = 'key' | 'refresh'

export type SecretText = { readonly id: string; readonly secret: string }

const ID_BYTES = 10
const SECRET_BYTES = 32
const shape = /^weft_(key|refresh)_([0-9a-f]{20})_([A-Za-z0-9_-]{43})$/

/** 80 bits, in hexadecimal: no character of it is one that separates. */
export const newId = (entropy: Entropy): string => entropy(ID_BYTES).toString('hex')

/** 256 bits in 43 characters. */
export const newSecret = (entropy: Entropy): string => entropy(SECRET_BYTES).toString('base64url')

/** `weft_key_<id>_<secret>`: whoever finds one in a log or a commit knows what it is. */
export const writeSecret = (kind: SecretKind, { id, secret }: SecretText): string =>
  `weft_${kind}_${id}_${secret}`

export function readSecret(kind: SecretKind, text: string): SecretText | undefined {
  const [, given, id = '', secret = ''] = shape.exec(text) ?? []
  return given === kind ? { id, secret } : undefined
}

/** Is it meant to be one, well-formed or not? */
export const looksLikeKey = (text: string): boolean => text.startsWith('weft_key_')

/** Enough for 256 random bits, which nobody tries out. */
export const digest = (secret: string): string =>
  createHash('sha256').update(secret).digest('base64url')

/** The secret that follows: it takes both the one before, which is not stored, and the stored seed. */
export const successorOf = (secret: string, seed: string): string =>
  createHmac('sha256', seed).update(secret).digest('base64url')

/** In a time that tells nothing of where they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

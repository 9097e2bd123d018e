/** Where the keys of tokens come from: a key set at an address, or a file. */
import { createPublicKey } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import type { Clock } from '../../shared/clock.ts'
import type { Guard } from '../base/breaker.ts'
import { StartError } from '../base/start-error.ts'

const FETCH_TIMEOUT_MS = 5_000
/** A set of several dozen keys is a tenth of that. */
const SET_BYTES_MAX = 64 << 10
/** Asked for again, while the keys that are known are in use. */
const REFRESH_MS = 10 * 60_000
/** Keys of a set that cannot be had any more are no keys after that. */
const STALE_MS = 60 * 60_000
/** A file is looked at no more often. */
const LOOK_MS = 1_000

export type RemoteKeysOptions = {
  readonly clock: Clock
  /**
   * Around the fetch alone: keys that are known go on being used while their set is away, and only
   * tokens of unknown keys are refused.
   */
  readonly guard: Guard
}

/**
 * A kid that is not known has the set fetched anew, once in half a minute at most: a new key is to be
 * published that long before it signs.
 */
export function remoteKeys(url: string, { clock, guard }: RemoteKeysOptions): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cacheMaxAge: STALE_MS,
    [customFetch]: (address, init) => guard(() => fetchSet(address, init)),
  })
  let refreshAt = -Infinity
  return async (header, token) => {
    const now = clock.monotonic()
    if (keys.fresh && now >= refreshAt) {
      const isFirst = refreshAt === -Infinity
      refreshAt = now + REFRESH_MS
      // Nobody waits for it, and its failure is one of the breaker, which counts and logs it.
      if (!isFirst) void keys.reload().catch(() => {})
    }
    return keys(header, token)
  }
}

async function fetchSet(address: string, init: RequestInit): Promise<Response> {
  // jose asks for no redirect to be followed: whoever sends elsewhere has no 200.
  const response = await fetch(address, init)
  if (!response.ok) {
    await response.body?.cancel()
    throw new errors.JOSEError(`the key set answers ${response.status}`)
  }
  return new Response(await readSome(response))
}

async function readSome({ body }: Response): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    if (bytes > SET_BYTES_MAX) throw new errors.JOSEError('the key set is too large')
    chunks.push(chunk)
  }
  return new Blob(chunks)
}

/** Throws {@link StartError} when there is nothing usable in it now; later the last good one counts. */
export function fileKeys(path: string, clock: Clock): JWTVerifyGetKey {
  let keys = readKeys(path)
  let seen = markOf(path)
  let lookAt = clock.monotonic() + LOOK_MS
  return (header, token) => {
    const now = clock.monotonic()
    if (now >= lookAt) {
      lookAt = now + LOOK_MS
      const mark = markOf(path)
      if (mark !== seen) {
        try {
          keys = readKeys(path)
          seen = mark
        } catch {
          // Half written, or gone for a moment: looked at again in a second.
        }
      }
    }
    return keys(header, token)
  }
}

function markOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? '' : `${found.mtimeMs} ${found.size} ${found.ino}`
}

function readKeys(path: string): JWTVerifyGetKey {
  const bad = (why: string) => new StartError(`WEFT_JWT_KEYS_FILE: ${path}: ${why}`)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw bad('it cannot be read')
  }
  const set = text.trimStart().startsWith('{') ? parseSet(text) : parsePem(text)
  if (set === undefined) throw bad('it is no JSON Web Key Set, and no public keys in PEM')
  if (set.keys.length === 0) throw bad('there is no key in it')
  if (set.keys.some(({ kty, d }) => kty === 'oct' || d !== undefined)) {
    throw bad('only public keys belong into it')
  }
  const keys = createLocalJWKSet(set)
  // PEM knows no names of keys: whatever the token calls its own, each of its kind is tried.
  if (set.keys.some(({ kid }) => kid !== undefined)) return keys
  return ({ alg }, token) => keys({ alg }, token)
}

function parseSet(text: string): JSONWebKeySet | undefined {
  try {
    const set = JSON.parse(text) as JSONWebKeySet
    createLocalJWKSet(set)
    return set
  } catch {
    return undefined
  }
}

/** A private key in it is taken for one, and refused with the set. */
function parsePem(text: string): JSONWebKeySet | undefined {
  const blocks = text.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g) ?? []
  if (blocks.length === 0) return undefined
  try {
    return { keys: blocks.map(toJwk) }
  } catch {
    return undefined
  }
}

function toJwk(block: string): JSONWebKeySet['keys'][number] {
  const isPrivate = block.includes('PRIVATE KEY')
  const { kty = '', ...jwk } = createPublicKey(block).export({ format: 'jwk' })
  return { kty, ...jwk, ...(isPrivate ? { d: '' } : {}) }
}

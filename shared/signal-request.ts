/** What clients ask of signals: read with care, for whatever is wrong is answered, and ends nothing. */
import type * as z from 'zod/mini'
import { WeftError } from './errors.ts'
import { followTopics, sendSignal, type FollowTopics, type SendSignal } from './protocol.ts'
import { RESERVED_TYPES } from './signals.ts'

export type SignalOrder = SendSignal['signal']

/** `ref` is {@link NO_REF} when nobody can tell which one it was. */
export type UnreadableRequest = {
  readonly type: 'unreadable'
  readonly ref: number
  readonly error: WeftError
}
export type SignalRequest = SendSignal | FollowTopics | UnreadableRequest

/** Answers a request whose own number cannot be read. */
export const NO_REF = -1

/** As JSON is written anywhere: Python puts a space behind each colon and comma. */
const BEGINNING =
  /^\s*\{\s*"type"\s*:\s*"weft\.(send|follow)"(?:\s*,\s*"ref"\s*:\s*(\d{1,15})\s*[,}])?/
/** The type and the number stand within so many characters. */
export const BEGINNING_LENGTH = 64

/** A stateless payload of a client; undefined when it is about something else. */
export function parseSignalRequest(payload: string): SignalRequest | undefined {
  const beginning = BEGINNING.exec(payload.slice(0, BEGINNING_LENGTH))
  if (beginning === null) return undefined
  const ref = refIn(beginning)
  let content: unknown
  try {
    content = JSON.parse(payload)
  } catch {
    return unreadable(ref, 'it is no JSON')
  }
  const parsed =
    beginning[1] === 'send' ? sendSignal.safeParse(content) : followTopics.safeParse(content)
  return parsed.success ? parsed.data : unreadable(ref, problemOf(parsed.error))
}

/** One too large to be read: `beginning` is what there is of it. */
export function tooLargeRequest(beginning: string): UnreadableRequest | undefined {
  const found = BEGINNING.exec(beginning.slice(0, BEGINNING_LENGTH))
  if (found === null) return undefined
  const error = new WeftError('SIGNAL_TOO_LARGE', 'the message is too large to be read')
  return { type: 'unreadable', ref: refIn(found), error }
}

function refIn([, , ref]: RegExpExecArray): number {
  return ref === undefined ? NO_REF : Number(ref)
}

/** What a program asks for, with the rules of clients. Throws SIGNAL_INVALID. */
export function readSignalOrder(content: unknown): SignalOrder {
  const parsed = sendSignal.shape.signal.safeParse(content)
  if (parsed.success) return parsed.data
  throw new WeftError('SIGNAL_INVALID', problemOf(parsed.error))
}

/** Is it one that only the server sends? */
export function isReserved(type: string): boolean {
  return RESERVED_TYPES.some(beginning => type.startsWith(beginning))
}

function unreadable(ref: number, problem: string): UnreadableRequest {
  return { type: 'unreadable', ref, error: new WeftError('SIGNAL_INVALID', problem) }
}

function problemOf(error: z.core.$ZodError | undefined): string {
  const [issue] = error?.issues ?? []
  return `${issue?.path.join('.') || 'the message'}: ${issue?.message ?? 'not understood'}`
}

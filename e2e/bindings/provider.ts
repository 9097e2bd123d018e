/** What every editor binding asks for, whoever provides it. */
import type { Awareness } from 'y-protocols/awareness'
import type { Doc } from 'yjs'

export type Provider = { readonly document: Doc; readonly awareness: Awareness }
export type User = { readonly name: string; readonly color: string }

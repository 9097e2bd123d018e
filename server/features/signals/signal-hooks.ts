/** What an application says of its signals: which types there are, what is in them, which topics. */

/** zod's, and others that answer alike. Unknown types of answers are refused. */
export type SignalSchema = {
  readonly safeParse: (
    data: unknown,
  ) =>
    | { readonly success: true; readonly data?: unknown }
    | { readonly success: false; readonly error?: unknown }
}

/** Answers what is sent on; throws what the sender is told. At once: a promise is no answer. */
export type SignalCheck = (data: unknown) => unknown

export type SignalHooks = {
  /** By type. Where they are declared, there are no others. */
  readonly types?: Readonly<Record<string, SignalSchema | SignalCheck>>
  /** Patterns, as `chat.*`. Where they are declared, nothing else is followed or named. */
  readonly topics?: readonly string[]
}

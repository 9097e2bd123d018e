/** What every HTTP answer says to browsers. */

export const safeHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'x-permitted-cross-domain-policies': 'none',
  // The filter of old browsers did more harm than good.
  'x-xss-protection': '0',
}

/** A year; only said over https, where alone it is believed. */
export const strictTransport = 'max-age=31536000; includeSubDomains'

const closed = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]

/** Answers that are no pages load nothing and run nothing, whatever somebody takes them for. */
export const dataPolicy = ["default-src 'none'", ...closed].join('; ')

/** `'self'` holds for sockets of the same host too (CSP 3). */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Carets of others have their colour and place in a style attribute.
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  ...closed,
].join('; ')

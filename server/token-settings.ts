/** Settings of tokens: how they are signed, whose they are, and for how long. */
import { z } from 'zod'
import { count, setting, text } from './setting.ts'

export const tokenSettings = {
  WEFT_JWT_SECRET: setting(
    z.string().min(32, 'must have at least 32 characters').optional(),
    'Secret of HS256 tokens, at least 32 characters.',
  ),
  WEFT_JWKS_URL: setting(
    z.url({ protocol: /^https?$/ }).optional(),
    'Address of a JSON Web Key Set for RS256, ES256 and EdDSA tokens.',
  ),
  WEFT_JWT_KEYS_FILE: setting(
    text,
    'A file with public keys for the same, as a JSON Web Key Set or PEM; read again when it changes.',
  ),
  WEFT_JWT_MAX_AGE_S: setting(
    count(30 * 86_400, 60),
    'Seconds from `iat` (without it: from now) to `exp`, at most; tokens for longer are refused.',
  ),
  WEFT_JWT_ISSUER: setting(text, 'Only tokens of this issuer (`iss`) are taken.'),
  WEFT_JWT_AUDIENCE: setting(text, 'Only tokens for this audience (`aud`) are taken.'),
  WEFT_TOKEN_SERVICE: setting(
    z.enum(['0', '1']).default('0'),
    'With 1 no secret or key set is needed: all tokens are made here, with API keys (`weft keys`).',
  ),
  WEFT_DEV: setting(
    z.enum(['0', '1']).optional(),
    'Development mode: `POST /v1/dev/tokens` makes tokens for anybody. Loopback only.',
    '1 on loopback without a secret or key set, else 0',
  ),
}

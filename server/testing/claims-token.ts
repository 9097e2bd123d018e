/** Tokens with whatever claims, as an issuer of the application might sign them. */
import { SignJWT, type JWTPayload } from 'jose'
import { testSecret } from './test-app.ts'

export function claimsToken(sub: string, claims: JWTPayload): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime('5 minutes')
    .sign(new TextEncoder().encode(testSecret))
}

/** Certificates that sign themselves, for servers of tests with names of their own. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export type Certificate = { readonly key: string; readonly cert: string }

/** Good for an hour in both directions, for this name alone. */
export function certificateFor(name: string): Certificate {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' })
  const body = toBeSigned(name, spki)
  const signature = sign('sha256', body, pair.privateKey)
  const der = sequence(body, ecdsaWithSha256, node(0x03, Buffer.of(0), signature))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}

/** TBSCertificate of RFC 5280, section 4.1. */
function toBeSigned(name: string, spki: Buffer): Buffer {
  const subject = sequence(node(0x31, sequence(oid('550403'), text(0x0c, name))))
  const serial = Buffer.concat([Buffer.of(1), randomBytes(8)])
  return sequence(
    node(0xa0, node(0x02, Buffer.of(2))),
    node(0x02, serial),
    ecdsaWithSha256,
    subject,
    sequence(utcTime(-3_600_000), utcTime(3_600_000)),
    subject,
    spki,
    node(0xa3, sequence(extension('551d11', sequence(text(0x82, name))))),
  )
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), node(0x04, value))
}

function node(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts)
  const { length } = value
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length]
  return Buffer.concat([Uint8Array.of(tag, ...head), value])
}

const sequence = (...parts: readonly Uint8Array[]) => node(0x30, ...parts)
const text = (tag: number, value: string) => node(tag, Buffer.from(value))
const oid = (hex: string) => node(0x06, Buffer.from(hex, 'hex'))
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))

/** `YYMMDDHHMMSSZ` */
function utcTime(fromNowMs: number): Buffer {
  const at = new Date(Date.now() + fromNowMs).toISOString().replace(/[-:T]/g, '')
  return text(0x17, `${at.slice(2, 14)}Z`)
}

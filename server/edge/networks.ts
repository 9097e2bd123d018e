/** Lists of addresses and networks, as people write them. */
import { BlockList, isIP } from 'node:net'

/** Is it an address, or a network as `10.0.0.0/8`? */
export function isNetwork(text: string): boolean {
  return readNetwork(text) !== undefined
}

type Network = { readonly address: string; readonly family: 'ipv4' | 'ipv6'; readonly bits: number }

function readNetwork(text: string): Network | undefined {
  const match = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text)
  const address = match?.[1] ?? ''
  const version = isIP(address)
  const bitsMax = version === 4 ? 32 : 128
  const bits = match?.[2] === undefined ? bitsMax : Number(match[2])
  if (version === 0 || bits > bitsMax) return undefined
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', bits }
}

/** Throws TypeError at what is no network. */
export function networks(texts: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of texts) {
    const network = readNetwork(text)
    if (network === undefined) throw new TypeError(`"${text}" is no address and no network`)
    list.addSubnet(network.address, network.bits, network.family)
  }
  return list
}

/** What is no address is in no list. */
export function contains(list: BlockList, address: string): boolean {
  const version = isIP(address)
  return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

/** What stands between the network and the rest: sockets and REST are handed the same one. */
import type { AddressLimits } from './address-limits.ts'
import type { Addresses } from './addresses.ts'
import type { OriginRule } from './origins.ts'
import type { Paces } from './pace.ts'
import type { UserLimits } from './user-limits.ts'

export type Edge = {
  readonly addresses: Addresses
  readonly origins: OriginRule
  readonly addressLimits: AddressLimits
  readonly userLimits: UserLimits
  readonly paces: Paces
}

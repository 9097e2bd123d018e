/** What goes wrong for one does not keep the others on old rules. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Rule } from '../../shared/decide.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName } from '../../shared/names.ts'
import { testPrincipal } from '../../shared/test-principal.ts'
import { silentLog } from '../base/log.ts'
import { AccessWatch } from './access-watch.ts'
import { noNote } from './note.ts'
import { Pass } from './pass.ts'
import { Policy } from './policy.ts'

const name = documentName('acme/plan')
const viewer: Rule = {
  id: 'g1',
  subject: { kind: 'self' },
  resource: name,
  effect: 'allow',
  role: 'viewer',
  capabilities: ['read'],
  paths: null,
  expiresAt: Infinity,
  condition: null,
}

describe('[A23] a look that fails in part', () => {
  const clock = new ManualClock()
  const errors: unknown[] = []
  let passes: Set<Pass>
  let watch: AccessWatch
  /** What the store says. */
  let version = 1
  let rules: readonly Rule[] = [viewer]
  let cannotBeRead: string | undefined
  const revocations = { version: 0, poll: async () => {} }
  const revoked = new Set<string>()

  beforeEach(async () => {
    passes = new Set()
    errors.length = 0
    version = 1
    rules = [viewer]
    cannotBeRead = undefined
    revoked.clear()
    Object.assign(revocations, { version: 0, poll: async () => {} })
    const rulesFor = async ({ id }: { id: string }) => {
      if (id === cannotBeRead) throw new Error(`nothing is known of ${id}`)
      return rules
    }
    const policy = new Policy({ rulesFor, rulesForAll: rulesFor, rulesBelow: rulesFor })
    for (let n = 0; n < 250; n++) {
      const pass = new Pass({
        principal: testPrincipal({ id: `user${n}` }),
        name,
        situation: { address: null },
        rules: policy,
        clock,
        isRevoked: ({ id }) => revoked.has(id),
        onClose: () => {},
        note: noNote,
        onError: error => errors.push(error),
      })
      passes.add(pass)
      await pass.refresh()
    }
    watch = new AccessWatch({
      store: {
        version: async () => version,
        changesSince: async () => ({ version, changes: 'all' }),
        loadRoles: async () => {},
      },
      policy,
      passes,
      fanout: undefined,
      clock,
      log: silentLog,
      revocations,
    })
    await watch.start()
  })
  const readers = () => [...passes].filter(pass => pass.decide('read').allowed)
  const takeBack = () => {
    rules = []
    version += 1
  }

  test('rules that cannot be read for one are read for all others, and for that one later', async () => {
    takeBack()
    cannotBeRead = 'user7'
    await watch.look()
    expect(readers().map(({ principal }) => principal.id)).toEqual(['user7'])
    cannotBeRead = undefined
    await watch.look()
    expect(readers()).toEqual([])
  })

  test('a listener that fails is reported, and all others hear', async () => {
    const [first] = passes
    const heard: string[] = []
    first?.listen(() => {
      throw new Error('broken')
    })
    for (const pass of passes) pass.listen(() => void heard.push(pass.principal.id))
    revoked.add('user0')
    revocations.version += 1
    await watch.look()
    expect(heard).toHaveLength(250)
    takeBack()
    await watch.look()
    expect(heard).toHaveLength(500)
    expect(errors).toEqual([new Error('broken'), new Error('broken')])
  })

  test('revocations that cannot be read do not hold up changes of grants, nor the other way', async () => {
    revocations.poll = () => Promise.reject(new Error('away'))
    takeBack()
    await watch.look()
    expect(readers()).toEqual([])
    rules = [viewer]
    version += 1
    await watch.look()
    revocations.poll = async () => void (revocations.version += 1)
    revoked.add('user3')
    takeBack()
    cannotBeRead = 'user7'
    await watch.look()
    expect(readers().map(({ principal }) => principal.id)).toEqual(['user7'])
    revoked.add('user7')
    await watch.look()
    expect(readers()).toEqual([])
  })

  test('what somebody else has read already is lived by all the same', async () => {
    revoked.add('user3')
    revocations.version += 1
    await watch.look()
    expect(readers()).toHaveLength(249)
    watch.close()
  })
})

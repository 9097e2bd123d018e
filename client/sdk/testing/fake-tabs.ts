/** Tabs of one browser, inside a test: channels that deliver later, locks that die with a tab. */
import type { ChannelLike, LockManagerLike, TabsEnvironment } from '../tabs/environment.ts'

type Waiter = { readonly tab: FakeTab; readonly grant: () => void }

export type FakeTab = TabsEnvironment & {
  /** As a crash does it: nothing is said, locks are free. */
  kill(): void
}

export function fakeBrowser(): { openTab(): FakeTab } {
  const channels = new Map<string, Set<{ readonly tab: FakeTab; readonly channel: ChannelLike }>>()
  const queues = new Map<string, Waiter[]>()
  const dead = new Set<FakeTab>()

  const leave = (name: string, waiter: Waiter) => {
    const queue = queues.get(name) ?? []
    const wasFirst = queue[0] === waiter
    queues.set(
      name,
      queue.filter(one => one !== waiter),
    )
    if (wasFirst) queues.get(name)?.[0]?.grant()
  }

  const locksOf = (tab: FakeTab): LockManagerLike => ({
    request(name, { signal }, hold) {
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          tab,
          grant: () => {
            void hold().then(() => {
              leave(name, waiter)
              resolve(undefined)
            })
          },
        }
        signal.addEventListener('abort', () => {
          const isHeld = queues.get(name)?.[0] === waiter
          if (isHeld) return
          leave(name, waiter)
          reject(new Error('aborted'))
        })
        const queue = [...(queues.get(name) ?? []), waiter]
        queues.set(name, queue)
        if (queue.length === 1) queueMicrotask(waiter.grant)
      })
    },
  })

  const openChannel = (tab: FakeTab, name: string): ChannelLike => {
    const members = channels.get(name) ?? new Set()
    channels.set(name, members)
    const channel: ChannelLike = {
      onmessage: null,
      postMessage(message) {
        if (dead.has(tab)) return
        const copy: unknown = structuredClone(message)
        for (const member of members) {
          if (member.channel === channel) continue
          setImmediate(() => {
            if (!dead.has(member.tab) && members.has(member)) {
              member.channel.onmessage?.({ data: copy } as MessageEvent)
            }
          })
        }
      },
      close: () => void members.delete(member),
    }
    const member = { tab, channel }
    members.add(member)
    return channel
  }

  return {
    openTab() {
      const tab: FakeTab = {
        openChannel: name => openChannel(tab, name),
        get locks() {
          return locksOf(tab)
        },
        kill() {
          dead.add(tab)
          for (const [name, queue] of queues) {
            for (const waiter of queue.filter(one => one.tab === tab)) leave(name, waiter)
          }
        },
      }
      return tab
    },
  }
}

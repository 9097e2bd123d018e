/** Tabs of one browser, inside a test: channels that deliver later, locks that die with a tab. */
import type { ChannelLike, LockManagerLike, TabsEnvironment } from '../tabs/environment.ts'

export type FakeTab = TabsEnvironment & {
  /** As a crash does it: nothing is said, locks are free. */
  kill(): void
  /** It holds its locks, hears and says nothing, until the returned function wakes it. */
  freeze(): () => void
}

type Waiter = { readonly tab: symbol; readonly grant: () => void }

class FakeLocks {
  readonly #queues = new Map<string, readonly Waiter[]>()

  of(tab: symbol): LockManagerLike {
    return {
      request: (name, { signal }, hold) =>
        new Promise((resolve, reject) => {
          const waiter: Waiter = {
            tab,
            grant: () => {
              void hold().then(() => {
                this.#leave(name, waiter)
                resolve(undefined)
              })
            },
          }
          signal.addEventListener('abort', () => {
            if (this.#queue(name)[0] === waiter) return
            this.#leave(name, waiter)
            reject(new Error('aborted'))
          })
          this.#queues.set(name, [...this.#queue(name), waiter])
          if (this.#queue(name).length === 1) queueMicrotask(waiter.grant)
        }),
    }
  }

  freeAllOf(tab: symbol): void {
    for (const [name, queue] of this.#queues) {
      for (const waiter of queue.filter(one => one.tab === tab)) this.#leave(name, waiter)
    }
  }

  #queue(name: string): readonly Waiter[] {
    return this.#queues.get(name) ?? []
  }

  #leave(name: string, waiter: Waiter): void {
    const wasFirst = this.#queue(name)[0] === waiter
    const rest = this.#queue(name).filter(one => one !== waiter)
    this.#queues.set(name, rest)
    if (wasFirst) rest[0]?.grant()
  }
}

type Member = { readonly tab: symbol; readonly channel: ChannelLike }

class FakeChannels {
  readonly dead = new Set<symbol>()
  /** What frozen tabs will hear and say when they wake. */
  readonly frozen = new Map<symbol, (() => void)[]>()
  readonly #members = new Map<string, Set<Member>>()

  open(tab: symbol, name: string): ChannelLike {
    const members = this.#members.get(name) ?? new Set()
    this.#members.set(name, members)
    const channel: ChannelLike = {
      onmessage: null,
      postMessage: message => {
        const data: unknown = structuredClone(message)
        if (this.dead.has(tab)) return
        for (const other of members) {
          if (other === member) continue
          const deliver = () => {
            if (this.dead.has(other.tab) || !members.has(other)) return
            const sleeping = this.frozen.get(other.tab)
            if (sleeping !== undefined) sleeping.push(deliver)
            else other.channel.onmessage?.({ data } as MessageEvent)
          }
          const send = () => {
            const sleeping = this.frozen.get(tab)
            if (sleeping !== undefined) sleeping.push(send)
            else setImmediate(deliver)
          }
          send()
        }
      },
      close: () => void members.delete(member),
    }
    const member = { tab, channel }
    members.add(member)
    return channel
  }
}

export function fakeBrowser(): { openTab(): FakeTab } {
  const locks = new FakeLocks()
  const channels = new FakeChannels()
  return {
    openTab() {
      const tab = Symbol('tab')
      return {
        openChannel: name => channels.open(tab, name),
        locks: locks.of(tab),
        kill() {
          channels.dead.add(tab)
          locks.freeAllOf(tab)
        },
        freeze() {
          channels.frozen.set(tab, [])
          return () => {
            const waiting = channels.frozen.get(tab) ?? []
            channels.frozen.delete(tab)
            for (const action of waiting) action()
          }
        },
      }
    },
  }
}

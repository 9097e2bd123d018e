/** Away, and back: with a clock that stands still until it is moved. */
import { describe, expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { ManualClock } from '../../../shared/manual-clock.ts'
import { until } from '../../../server/testing/until.ts'
import { joinTabs, loneTab, type TabGroup } from '../tabs/tab-group.ts'
import { fakeBrowser } from '../testing/fake-tabs.ts'
import { IdleWatch } from './idle-watch.ts'
import { OwnStatus } from './own-status.ts'

const MINUTE_MS = 60_000
const AWAY_AFTER_MS = 5 * MINUTE_MS

function awarenessWith(state: { readonly [field: string]: unknown } | null): Awareness {
  const awareness = new Awareness(new Y.Doc())
  awareness.setLocalState(state)
  return awareness
}
const said = (awareness: Awareness): unknown => awareness.getLocalState()?.['status']

function openTab(clock: ManualClock, tabs: TabGroup = loneTab()) {
  let touch = () => {}
  let isWatched = false
  const source = {
    watch(onActivity: () => void) {
      touch = onActivity
      isWatched = true
      return () => void (isWatched = false)
    },
  }
  const idle = new IdleWatch({ clock, tabs, source, awayAfterMs: AWAY_AFTER_MS })
  const shown = awarenessWith({})
  const awarenesses: Awareness[] = [shown]
  const status = new OwnStatus({ tabs, idle, awarenesses: () => awarenesses })
  return { idle, status, shown, awarenesses, touch: () => touch(), isWatched: () => isWatched }
}

describe('the own status', () => {
  test('away after five minutes without a sign, and back at the first one', () => {
    const clock = new ManualClock()
    const { status, shown, touch } = openTab(clock)
    clock.advance(AWAY_AFTER_MS - 1)
    expect(status.current.get()).toBe('online')
    // Nothing to say: left out it is online.
    expect(said(shown)).toBeUndefined()
    touch()
    clock.advance(AWAY_AFTER_MS - 1)
    expect(status.current.get()).toBe('online')
    clock.advance(1)
    expect(said(shown)).toBe('away')
    touch()
    expect(said(shown)).toBe('online')
    clock.advance(AWAY_AFTER_MS)
    expect(said(shown)).toBe('away')
  })

  test('what was chosen stays: busy is busy, however long', () => {
    const clock = new ManualClock()
    const { status, shown, touch } = openTab(clock)
    status.choose('busy')
    clock.advance(2 * AWAY_AFTER_MS)
    expect(said(shown)).toBe('busy')
    touch()
    expect(said(shown)).toBe('busy')
    status.choose('online')
    clock.advance(AWAY_AFTER_MS)
    expect(said(shown)).toBe('away')
  })

  test('what the application says on a document is its own, unless it is online', () => {
    const clock = new ManualClock()
    const { awarenesses, touch } = openTab(clock)
    const busy = awarenessWith({ status: 'busy' })
    const online = awarenessWith({ status: 'online' })
    const hidden = awarenessWith(null)
    awarenesses.push(busy, online, hidden)
    clock.advance(AWAY_AFTER_MS)
    expect([busy, online].map(said)).toEqual(['busy', 'away'])
    expect(hidden.getLocalState()).toBeNull()
    touch()
    expect([busy, online].map(said)).toEqual(['busy', 'online'])
  })

  test('a document that is shown later says it too', () => {
    const clock = new ManualClock()
    const { status } = openTab(clock)
    clock.advance(AWAY_AFTER_MS)
    const late = awarenessWith(null)
    status.show(late)
    expect(said(late)).toBe('away')
  })

  test('a thousand moves of a pointer start no timers, and the end leaves none', () => {
    const clock = new ManualClock()
    const { idle, touch, isWatched } = openTab(clock)
    for (let i = 0; i < 1_000; i++) touch()
    expect(clock.pendingTimers).toBe(1)
    idle.end()
    expect(clock.pendingTimers).toBe(0)
    expect(isWatched()).toBe(false)
  })

  test('in one tab is in all tabs: here, away and busy', async () => {
    const clock = new ManualClock()
    const browser = fakeBrowser()
    const [groupA, groupB] = ['a', 'b'].map(id => joinTabs('scope', id, browser.openTab()))
    if (groupA === undefined || groupB === undefined) throw new Error('no tabs')
    await until(() => groupA.hasPeers() && groupB.hasPeers(), 'they know each other')
    const a = openTab(clock, groupA)
    const b = openTab(clock, groupB)
    for (let minute = 0; minute < 20; minute++) {
      clock.advance(MINUTE_MS)
      a.touch()
      // One tab hears of the other between two ticks of the clock.
      // oxlint-disable-next-line no-await-in-loop
      await new Promise(setImmediate)
      // oxlint-disable-next-line no-await-in-loop
      await new Promise(setImmediate)
    }
    expect(b.status.current.get()).toBe('online')
    clock.advance(AWAY_AFTER_MS + MINUTE_MS)
    expect([a, b].map(tab => tab.status.current.get())).toEqual(['away', 'away'])
    b.touch()
    await until(() => a.status.current.get() === 'online', 'the other tab is back too')
    a.status.choose('busy')
    await until(() => b.status.current.get() === 'busy', 'busy in the other tab too')
    const late = joinTabs('scope', 'c', browser.openTab())
    const c = openTab(clock, late)
    await until(() => c.status.current.get() === 'busy', 'a tab that has just come')
    for (const group of [groupA, groupB, late]) group.close()
  })
})

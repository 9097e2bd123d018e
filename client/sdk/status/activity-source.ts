/** Signs that somebody is at the device. */

export type ActivitySource = {
  /** Calls `onActivity` at each of them, and that may be often. */
  watch(onActivity: () => void): () => void
}

const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'focus'] as const

/** Pointers, keys, and pages that come into sight; undefined where there is no window. */
export function browserActivity(): ActivitySource | undefined {
  if (typeof window === 'undefined' || typeof document === 'undefined') return undefined
  return {
    watch(onActivity) {
      const onVisible = () => {
        if (document.visibilityState === 'visible') onActivity()
      }
      // Before the page's own listeners, which may keep an event to themselves.
      const options = { capture: true, passive: true }
      for (const sign of SIGNS) window.addEventListener(sign, onActivity, options)
      document.addEventListener('visibilitychange', onVisible)
      return () => {
        for (const sign of SIGNS) window.removeEventListener(sign, onActivity, options)
        document.removeEventListener('visibilitychange', onVisible)
      }
    },
  }
}

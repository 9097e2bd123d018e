/** Moments at which waiting for the next try makes no sense: the tab woke, the network came back. */

export type WakeSource = {
  /** Calls `onWake` at each such moment, `onDoubt` when the network may be gone. */
  watch(listener: { readonly onWake: () => void; readonly onDoubt: () => void }): () => void
}

/** The browser's events; nothing where there is no window. */
export const browserWake: WakeSource = {
  watch({ onWake, onDoubt }) {
    if (typeof window === 'undefined' || typeof document === 'undefined') return () => {}
    const onVisible = () => {
      if (document.visibilityState === 'visible') onWake()
    }
    window.addEventListener('online', onWake)
    window.addEventListener('pageshow', onWake)
    window.addEventListener('offline', onDoubt)
    document.addEventListener('visibilitychange', onVisible)
    return () => {
      window.removeEventListener('online', onWake)
      window.removeEventListener('pageshow', onWake)
      window.removeEventListener('offline', onDoubt)
      document.removeEventListener('visibilitychange', onVisible)
    }
  },
}

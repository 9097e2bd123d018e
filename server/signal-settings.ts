/** Settings of signals: how large one is, and how many may be sent. */
import { z } from 'zod'
import { count, setting } from './setting.ts'

export const signalSettings = {
  WEFT_MAX_SIGNAL_BYTES: setting(
    count(4096, 64).pipe(z.number().max(64 << 10)),
    'Largest data of one signal, as JSON; 65536 at most.',
  ),
  WEFT_SIGNALS_PER_SECOND: setting(
    count(20),
    'Signals of one user, over all sockets and requests, after a burst of 5 times as many.',
  ),
} as const

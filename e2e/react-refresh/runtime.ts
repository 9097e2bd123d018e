/** Fast refresh as bundlers do it; loaded before React, which looks for it once. */
import * as runtime from 'react-refresh/runtime'

runtime.injectIntoGlobalHook(window)

export { runtime }

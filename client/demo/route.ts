/** Which space and page the address shows: `#/space/page`. */
import { useSyncExternalStore } from 'react'
import { FIRST_PAGE, isPageId } from './space-index.ts'

export type Route = { readonly space: string; readonly page: string }

const DEFAULT_SPACE = 'welcome'

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash)
  const [space = '', page = ''] = hash.replace(/^#\//, '').split('/')
  const isName = (text: string) => /^[A-Za-z0-9_-]{1,64}$/.test(text)
  return {
    space: isName(space) ? space : DEFAULT_SPACE,
    page: isPageId(page) ? page : FIRST_PAGE.id,
  }
}

export function routeTo({ space, page }: Route): string {
  return `#/${space}/${page}`
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener)
  return () => window.removeEventListener('hashchange', listener)
}

/** Stands in for what cannot be shown: the server refuses the document, or rendering it failed. */
import { Component, type ReactNode } from 'react'
import type { WireError } from '../../sdk/index.ts'
import { useNearestStore } from '../document-provider.tsx'
import type { DocumentStore } from '../document-store.ts'
import { nothingOpen } from '../nothing-open.ts'
import { useSelected } from '../use-readable.ts'

export type SyncFailure = {
  /** A refusal of the server has a `code`; anything else is what was thrown. */
  readonly error: WireError | Error
  /** Asks the server once more, and renders again. */
  readonly retry: () => void
}

export type SyncErrorBoundaryProps = {
  readonly children: ReactNode
  readonly fallback?: (failure: SyncFailure) => ReactNode
  /** Told of what was thrown while rendering. */
  readonly onError?: (error: Error) => void
}

/**
 * Around what shows a document, inside of its `<DocumentProvider>`. When the server lets the user
 * in after all (a grant is given, say), the children are back by themselves.
 */
export function SyncErrorBoundary(props: SyncErrorBoundaryProps): ReactNode {
  const { children, fallback = showFailure, onError } = props
  const store = useNearestStore()
  const refusal = useSelected(store ?? nothingOpen, { select: refusalIn, onServer: null })
  const retry = () => store?.get()?.handle.retry()
  if (refusal !== null) return fallback({ error: refusal, retry })
  return (
    <Boundary fallback={fallback} onError={onError} retry={retry}>
      {children}
    </Boundary>
  )
}

function refusalIn(view: ReturnType<DocumentStore['get']>): WireError | null {
  return view?.status.kind === 'refused' ? view.status.error : null
}

function showFailure({ error, retry }: SyncFailure): ReactNode {
  return (
    <div className="weft-failure" role="alert">
      <p>{error.message}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  )
}

type BoundaryProps = {
  readonly children: ReactNode
  readonly fallback: (failure: SyncFailure) => ReactNode
  readonly onError: ((error: Error) => void) | undefined
  readonly retry: () => void
}

/** React knows no function for it. */
class Boundary extends Component<BoundaryProps, { readonly error: Error | null }> {
  override state = { error: null }

  static getDerivedStateFromError(thrown: unknown): { readonly error: Error } {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) }
  }

  override componentDidCatch(error: Error): void {
    this.props.onError?.(error)
  }

  override render(): ReactNode {
    const { error } = this.state
    const { children, fallback, retry } = this.props
    if (error === null) return children
    return fallback({
      error,
      retry: () => {
        retry()
        this.setState({ error: null })
      },
    })
  }
}

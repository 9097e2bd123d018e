/** Whether there is a connection, in a word and a colour. */
import type { ReactNode } from 'react'
import { useConnection, type Connection } from '../use-connection.ts'
import { classNames } from './class-names.ts'

export type ConnectionBadgeProps = {
  readonly className?: string
  /** In the language of the application. */
  readonly words?: Readonly<Record<Connection, string>>
  /** Headless: draws what it is told. */
  readonly children?: (connection: Connection) => ReactNode
}

const english: Readonly<Record<Connection, string>> = {
  connected: 'Connected',
  connecting: 'Connecting…',
  disconnected: 'Offline',
}

export function ConnectionBadge(props: ConnectionBadgeProps): ReactNode {
  const { className, words = english, children } = props
  const connection = useConnection()
  if (children !== undefined) return children(connection)
  return (
    <output className={classNames('weft-connection', className)} data-state={connection}>
      <span className="weft-light" aria-hidden="true" />
      {words[connection]}
    </output>
  )
}

/** Where others point to, over the area that it wraps; and telling them where oneself does. */
import { useCallback, useEffect, useMemo, useRef, type PointerEvent, type ReactNode } from 'react'
import { useDocumentStore } from '../document-provider.tsx'
import type { Member } from '../member.ts'
import { NOBODY, useOthersSource } from '../use-members.ts'
import { useSelected } from '../use-readable.ts'
import { classNames } from './class-names.ts'
import { CursorLayer } from './cursor-layer.ts'
import { readPlace } from './cursor-place.ts'
import { createPointerTeller } from './pointer-teller.ts'
import { textOn } from './text-on.ts'

export type LiveCursorsProps = {
  /** The area; pointers are told as shares of its width and height. */
  readonly children?: ReactNode
  readonly className?: string
  /** Where in presence they are. Another one than `cursor` where an editor keeps its caret there. */
  readonly field?: string
  /** Headless: draws a cursor, whose tip is in the corner at the top left. */
  readonly renderCursor?: (member: Member) => ReactNode
}

export function LiveCursors(props: LiveCursorsProps): ReactNode {
  const { children, className, field = 'cursor', renderCursor = drawCursor } = props
  const { presence } = useDocumentStore()
  const others = useOthersSource()
  const layer = useMemo(() => new CursorLayer(others, field), [others, field])
  const area = useRef<HTMLDivElement>(null)
  const pointing = useSelected(others, {
    select: members => members.filter(member => isPointing(member, field)),
    isEqual: isSameWho,
    onServer: NOBODY,
  })
  const teller = useMemo(
    () => createPointerTeller(place => presence.set({ [field]: place })),
    [presence, field],
  )
  useEffect(() => teller.leave, [teller])
  useEffect(() => (area.current === null ? undefined : layer.follow(area.current)), [layer])

  return (
    <div
      ref={area}
      className={classNames('weft-cursors', className)}
      style={{ position: 'relative' }}
      onPointerMove={event => teller.move(placeOf(event))}
      onPointerLeave={teller.leave}
    >
      {children}
      <div className="weft-cursor-layer" aria-hidden="true" style={layerStyle}>
        {pointing.map(member => (
          <Cursor key={member.clientId} clientId={member.clientId} layer={layer}>
            {renderCursor(member)}
          </Cursor>
        ))}
      </div>
    </div>
  )
}

const layerStyle = {
  position: 'absolute',
  inset: 0,
  overflow: 'hidden',
  pointerEvents: 'none',
} as const

const cursorStyle = { position: 'absolute', left: 0, top: 0, willChange: 'transform' } as const

type CursorProps = {
  readonly clientId: number
  readonly layer: CursorLayer
  readonly children: ReactNode
}

function Cursor({ clientId, layer, children }: CursorProps): ReactNode {
  const place = useCallback(
    (element: HTMLDivElement | null) =>
      element === null ? undefined : layer.add(clientId, element),
    [layer, clientId],
  )
  return (
    <div ref={place} className="weft-cursor" style={cursorStyle} data-client={clientId}>
      {children}
    </div>
  )
}

function drawCursor({ user }: Member): ReactNode {
  const color = user?.color ?? 'gray'
  return (
    <>
      <svg width="18" height="20" viewBox="0 0 18 20" className="weft-arrow">
        <path d="M1 1 L1 16 L5.2 12.3 L8 18.6 L11 17.3 L8.3 11.2 L14 11 Z" fill={color} />
      </svg>
      {user !== null && user.name !== '' && (
        <span className="weft-label" style={{ backgroundColor: color, color: textOn(color) }}>
          {user.name}
        </span>
      )}
    </>
  )
}

function isPointing({ presence }: Member, field: string): boolean {
  return readPlace((presence as Readonly<Record<string, unknown>>)[field]) !== null
}

/** Where they point to is not React's. */
function isSameWho(a: readonly Member[], b: readonly Member[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ clientId, user }, index) => {
      const other = b[index]
      return (
        clientId === other?.clientId &&
        user?.name === other.user?.name &&
        user?.color === other.user?.color
      )
    })
  )
}

function placeOf({ currentTarget, clientX, clientY }: PointerEvent): {
  readonly x: number
  readonly y: number
} {
  const { left, top, width, height } = currentTarget.getBoundingClientRect()
  return { x: share(clientX - left, width), y: share(clientY - top, height) }
}

/** Finer than a pixel of any screen; shorter on the way. */
function share(part: number, whole: number): number {
  const value = whole === 0 ? 0 : Math.min(1, Math.max(0, part / whole))
  return Math.round(value * 10_000) / 10_000
}

/** A board: shapes in a shared map, everybody's pointers over them, and what each has marked. */
import './board.css'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import type * as Y from 'yjs'
import { LiveCursors, usePresence } from '../../react/index.ts'
import { penOf, type BoardPen } from './board-pen.ts'
import { BoardShape, type ShapeActions } from './board-shape.tsx'
import { BoardToolbar } from './board-toolbar.tsx'
import { BOARD, sizes, type Shape, type ShapeColor, type ShapeKind } from './shape.ts'
import { useMarks, useShapes, type BoardPresence, type Mark } from './use-board.ts'

export type BoardProps = { readonly doc: Y.Doc; readonly editable: boolean }

const boardStyle = { position: 'relative', width: BOARD.width, height: BOARD.height } as const
const NO_MARKS: readonly Mark[] = []
/** Several that are added one after the other do not cover each other. */
const STAGGER = 28

export function Board({ doc, editable }: BoardProps) {
  const shapes = useShapes()
  const pen = editable ? penOf(doc) : null
  const marks = useMarks()
  const area = useRef<HTMLDivElement>(null)
  const { selected, edited, color, setColor, actions, focusOn } = useSelection(shapes, pen, area)

  const add = (kind: ShapeKind) => {
    if (pen === null) return
    const { width, height } = sizes[kind]
    const { scrollLeft = 0, scrollTop = 0, clientWidth = 0, clientHeight = 0 } = area.current ?? {}
    const shift = ((shapes.length % 6) - 2) * STAGGER
    const x = scrollLeft + (Math.min(clientWidth, BOARD.width) - width) / 2 + shift
    const y = scrollTop + (Math.min(clientHeight, BOARD.height) - height) / 2 + shift
    const id = pen.add({ kind, x, y, width, height, color, text: '' })
    if (kind === 'note') actions.edit(id)
    else focusOn(id)
  }
  const paint = (next: ShapeColor) => {
    setColor(next)
    if (selected !== null) pen?.change(selected.id, { color: next })
  }
  return (
    <section className="board-room" aria-label="Board">
      {pen !== null && (
        <BoardToolbar
          pen={pen}
          color={selected?.color ?? color}
          hasSelection={selected !== null}
          onAdd={add}
          onColor={paint}
          onRemove={() => {
            if (selected !== null) actions.remove(selected.id)
          }}
        />
      )}
      <p id="board-keys" className="visually-hidden">
        Arrow keys move it, with Shift further. Enter writes on a note. Delete removes it.
      </p>
      <div
        ref={area}
        className="board-scroll"
        // What scrolls is reached by keyboard, with nothing on it too.
        tabIndex={0}
        role="group"
        aria-label="Shapes"
        onKeyDown={event => takeBack(event, pen)}
        onPointerDown={event => {
          if (!(event.target as Element).closest('.shape')) actions.select(null)
        }}
      >
        <LiveCursors className="board">
          <div style={boardStyle}>
            {shapes.length === 0 && <p className="board-empty">{emptyWords(editable)}</p>}
            {shapes.map(shape => (
              <BoardShape
                key={shape.id}
                shape={shape}
                pen={pen}
                isSelected={selected?.id === shape.id}
                isEdited={edited === shape.id}
                marks={marksOn(shape, marks)}
                actions={actions}
              />
            ))}
          </div>
        </LiveCursors>
      </div>
    </section>
  )
}

const emptyWords = (editable: boolean) =>
  editable ? 'Nothing here yet. Add a note, and drag it about.' : 'Nothing here yet.'

function marksOn({ id }: Shape, marks: readonly Mark[]): readonly Mark[] {
  return marks.some(({ shape }) => shape === id)
    ? marks.filter(({ shape }) => shape === id)
    : NO_MARKS
}

function takeBack(event: KeyboardEvent, pen: BoardPen | null): void {
  if (pen === null || !(event.ctrlKey || event.metaKey)) return
  const key = event.key.toLowerCase()
  const isRedo = key === 'y' || (key === 'z' && event.shiftKey)
  if (!isRedo && key !== 'z') return
  event.preventDefault()
  if (isRedo) pen.undo.redo()
  else pen.undo.undo()
}

type Area = { readonly current: HTMLDivElement | null }

/** What is marked here, which others see; and where the focus goes when a shape comes or goes. */
function useSelection(shapes: readonly Shape[], pen: BoardPen | null, area: Area) {
  const [selectedId, setSelectedId] = useState<string | null>(null)
  const [edited, setEdited] = useState<string | null>(null)
  const [color, setColor] = useState<ShapeColor>('yellow')
  const wanted = useRef<string | null>(null)
  const [, setPresence] = usePresence<BoardPresence>()
  const selected = shapes.find(({ id }) => id === selectedId) ?? null
  const told = selected?.id ?? null
  useEffect(() => {
    setPresence({ selected: told ?? undefined })
    return () => setPresence({ selected: undefined })
  }, [setPresence, told])
  // After each render: what is to have the focus may only have come with it.
  useEffect(() => {
    if (wanted.current === null) return
    const name = CSS.escape(wanted.current)
    wanted.current = null
    const shape = area.current?.querySelector<HTMLElement>(`[data-shape="${name}"]`)
    ;(shape ?? area.current)?.focus()
  })
  const latest = useRef(shapes)
  useEffect(() => {
    latest.current = shapes
  }, [shapes])
  const actions = useMemo<ShapeActions>(
    () => ({
      select: setSelectedId,
      edit: id =>
        setEdited(before => {
          // The note is a note again, and has the focus.
          if (id === null && before !== null) wanted.current = before
          return id
        }),
      remove(id) {
        const at = latest.current.findIndex(shape => shape.id === id)
        const next = latest.current[at + 1] ?? latest.current[at - 1]
        pen?.remove(id)
        setSelectedId(null)
        wanted.current = next?.id ?? ''
      },
    }),
    [pen],
  )
  const focusOn = (id: string) => void (wanted.current = id)
  return { selected, edited, color, setColor, actions, focusOn }
}

/** One shape: seen, marked, moved by pointer and by keyboard, and a note's text. */
import { memo, useRef, type CSSProperties, type KeyboardEvent, type PointerEvent } from 'react'
import { textOn } from '../../react/components/text-on.ts'
import type { BoardPen } from './board-pen.ts'
import { SHAPE_TEXT_MAX, describeShape, type Shape } from './shape.ts'
import type { Mark } from './use-board.ts'

export type BoardShapeProps = {
  readonly shape: Shape
  /** null: may only be looked at. */
  readonly pen: BoardPen | null
  readonly isSelected: boolean
  readonly isEdited: boolean
  readonly marks: readonly Mark[]
  readonly actions: ShapeActions
}

/** The same object for as long as the board is shown. */
export type ShapeActions = {
  readonly select: (id: string | null) => void
  /** Opens a note for writing, or closes it. */
  readonly edit: (id: string | null) => void
  readonly remove: (id: string) => void
}

const STEP = 8
const LEAP = 40
/** Faster than this nobody sees, and each move is an edit. */
const MOVE_EVERY_MS = 40

export const BoardShape = memo(function BoardShape(props: BoardShapeProps) {
  const { shape, pen, isSelected, isEdited, marks, actions } = props
  const { id, kind, x, y, width, height, color, text } = shape
  const drag = useDrag(shape, pen, actions)
  const onKeyDown = (event: KeyboardEvent) => {
    if (pen !== null && press(event, { shape, pen, actions })) event.preventDefault()
  }
  const [mark] = marks
  const style: CSSProperties & { readonly '--mark'?: string; readonly '--mark-ink'?: string } = {
    transform: `translate(${x}px, ${y}px)`,
    width,
    height,
    ...(mark === undefined ? {} : { '--mark': mark.color, '--mark-ink': textOn(mark.color) }),
  }
  const look = {
    className: 'shape',
    'data-shape': id,
    'data-kind': kind,
    'data-color': color,
    'data-mark': labelOf(marks),
    style,
  }
  if (isEdited && pen !== null) {
    return (
      <div {...look} data-selected="">
        <NoteText shape={shape} pen={pen} onDone={() => actions.edit(null)} />
      </div>
    )
  }
  const may =
    pen === null
      ? { role: 'img' }
      : { role: 'button', 'aria-pressed': isSelected, 'aria-describedby': 'board-keys', ...drag }
  return (
    <div
      {...look}
      {...may}
      tabIndex={0}
      aria-label={describe(shape, marks)}
      data-selected={isSelected ? '' : undefined}
      onFocus={() => actions.select(id)}
      onKeyDown={onKeyDown}
      onDoubleClick={() => {
        if (kind === 'note') actions.edit(id)
      }}
    >
      {kind === 'note' && (
        <span className="shape-text" data-empty={text === '' ? '' : undefined}>
          <bdi>{text === '' ? 'Empty note' : text}</bdi>
        </span>
      )}
    </div>
  )
})

function describe(shape: Shape, marks: readonly Mark[]): string {
  const by = marks.length === 0 ? '' : `, marked by ${marks.map(({ name }) => name).join(' and ')}`
  return `${describeShape(shape)}${by}`
}

/** Drawn by the style sheet: it is no part of what the shape says. */
function labelOf([first, ...more]: readonly Mark[]): string | undefined {
  if (first === undefined) return undefined
  return more.length === 0 ? first.name : `${first.name} +${more.length}`
}

type Pressed = { readonly shape: Shape; readonly pen: BoardPen; readonly actions: ShapeActions }

/** True: the key meant something here. */
function press(event: KeyboardEvent, { shape, pen, actions }: Pressed): boolean {
  const { key, shiftKey, repeat, ctrlKey, metaKey, altKey } = event
  const { id, kind, x, y } = shape
  if (ctrlKey || metaKey || altKey) return false
  const step = shiftKey ? LEAP : STEP
  const [right, down] = {
    ArrowLeft: [-step, 0],
    ArrowRight: [step, 0],
    ArrowUp: [0, -step],
    ArrowDown: [0, step],
  }[key] ?? [0, 0]
  if (right !== 0 || down !== 0) {
    // A key that is held down is one gesture.
    if (!repeat) pen.begin()
    pen.move(id, x + (right ?? 0), y + (down ?? 0))
    return true
  }
  if (key === 'Delete' || key === 'Backspace') actions.remove(id)
  else if (key === 'Enter' && kind === 'note') actions.edit(id)
  else if (key === 'Escape') actions.select(null)
  else return false
  return true
}

type Drag = { readonly dx: number; readonly dy: number; at: { x: number; y: number } | null }

function useDrag({ id, x, y }: Shape, pen: BoardPen | null, actions: ShapeActions) {
  const drag = useRef<Drag | null>(null)
  const pace = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const flush = () => {
    pace.current = undefined
    const at = drag.current?.at
    if (drag.current === null || at === null || at === undefined) return
    drag.current.at = null
    pen?.move(id, at.x, at.y)
    pace.current = setTimeout(flush, MOVE_EVERY_MS)
  }
  const end = () => {
    clearTimeout(pace.current)
    // Where it was let go of counts, whatever the pace.
    flush()
    clearTimeout(pace.current)
    pace.current = undefined
    drag.current = null
  }
  return {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0 || pen === null) return
      event.currentTarget.setPointerCapture(event.pointerId)
      drag.current = { dx: event.clientX - x, dy: event.clientY - y, at: null }
      pen.begin()
      actions.select(id)
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      if (drag.current === null) return
      const { dx, dy } = drag.current
      drag.current.at = { x: event.clientX - dx, y: event.clientY - dy }
      if (pace.current === undefined) flush()
    },
    onPointerUp: end,
    onPointerCancel: end,
  }
}

type NoteTextProps = {
  readonly shape: Shape
  readonly pen: BoardPen
  readonly onDone: () => void
}

function NoteText({ shape: { id, text }, pen, onDone }: NoteTextProps) {
  const area = useRef<HTMLTextAreaElement>(null)
  // Taken away while it has the focus, it is left too.
  const isDone = useRef(false)
  const finish = (isKept: boolean) => {
    if (isDone.current) return
    isDone.current = true
    const written = area.current?.value ?? text
    if (isKept && written !== text) pen.change(id, { text: written })
    onDone()
  }
  return (
    <textarea
      ref={area}
      className="shape-text"
      aria-label="Text of the note"
      defaultValue={text}
      maxLength={SHAPE_TEXT_MAX}
      // It was opened for writing.
      // oxlint-disable-next-line jsx-a11y/no-autofocus
      autoFocus
      onFocus={event => event.target.select()}
      onBlur={() => finish(true)}
      onKeyDown={event => {
        event.stopPropagation()
        if (event.key === 'Escape') finish(false)
        if (event.key !== 'Enter' || event.shiftKey) return
        event.preventDefault()
        finish(true)
      }}
    />
  )
}

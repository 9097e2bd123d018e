/** What one can put on a board, in which colour, and the way back. */
import type { ReactNode } from 'react'
import { EllipseIcon, NoteIcon, RectangleIcon, RedoIcon, TrashIcon, UndoIcon } from '../icons.tsx'
import type { BoardPen } from './board-pen.ts'
import { shapeColors, type ShapeColor, type ShapeKind } from './shape.ts'
import { useSteps } from './use-board.ts'

export type BoardToolbarProps = {
  readonly pen: BoardPen
  readonly color: ShapeColor
  readonly hasSelection: boolean
  readonly onAdd: (kind: ShapeKind) => void
  readonly onColor: (color: ShapeColor) => void
  readonly onRemove: () => void
}

type Make = {
  readonly kind: ShapeKind
  readonly name: string
  readonly label: string
  readonly icon: ReactNode
}

const makes: readonly Make[] = [
  { kind: 'note', name: 'Note', label: 'Add a note', icon: <NoteIcon /> },
  { kind: 'rectangle', name: 'Rectangle', label: 'Add a rectangle', icon: <RectangleIcon /> },
  { kind: 'ellipse', name: 'Ellipse', label: 'Add an ellipse', icon: <EllipseIcon /> },
]

export function BoardToolbar(props: BoardToolbarProps) {
  const { pen, color, hasSelection, onAdd, onColor, onRemove } = props
  const steps = useSteps(pen)
  return (
    <div className="board-tools" role="toolbar" aria-label="Board">
      {makes.map(({ kind, name, label, icon }) => (
        <button
          key={kind}
          type="button"
          className="tool"
          aria-label={label}
          onClick={() => onAdd(kind)}
        >
          {icon}
          <span>{name}</span>
        </button>
      ))}
      <span className="tool-gap" />
      <div className="swatches" role="group" aria-label="Colour">
        {shapeColors.map(one => (
          <button
            key={one}
            type="button"
            className="swatch"
            data-color={one}
            aria-label={one}
            title={one}
            aria-pressed={one === color}
            onClick={() => onColor(one)}
          />
        ))}
      </div>
      <span className="tool-gap" />
      <Tool name="Undo" disabled={!steps.back} run={() => pen.undo.undo()} icon={<UndoIcon />} />
      <Tool name="Redo" disabled={!steps.forward} run={() => pen.undo.redo()} icon={<RedoIcon />} />
      <Tool name="Delete" disabled={!hasSelection} run={onRemove} icon={<TrashIcon />} />
    </div>
  )
}

type ToolProps = {
  readonly name: string
  readonly disabled: boolean
  readonly run: () => void
  readonly icon: ReactNode
}

function Tool({ name, disabled, run, icon }: ToolProps) {
  return (
    <button
      type="button"
      className="tool"
      aria-label={name}
      title={name}
      disabled={disabled}
      onClick={run}
    >
      {icon}
    </button>
  )
}

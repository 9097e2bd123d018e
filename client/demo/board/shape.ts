/** What lies on a board: one entry of a shared map for each shape. Anybody may write anything there. */

export const shapeKinds = ['rectangle', 'ellipse', 'note'] as const
export type ShapeKind = (typeof shapeKinds)[number]

/** Names, not values: each theme has its own. */
export const shapeColors = ['yellow', 'green', 'blue', 'violet', 'pink', 'gray'] as const
export type ShapeColor = (typeof shapeColors)[number]

/** Of the board, in its own units: one pixel each, the same for everybody. */
export const BOARD = { width: 1600, height: 900 } as const
export const SHAPE_TEXT_MAX = 300
/** More than fit on a board; beyond, entries are left alone and not drawn. */
const SHAPES_MAX = 500
const SIZE_MIN = 24

export type Shape = {
  readonly id: string
  readonly kind: ShapeKind
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly color: ShapeColor
  /** Empty for rectangles and ellipses. */
  readonly text: string
}

export const sizes: Readonly<
  Record<ShapeKind, { readonly width: number; readonly height: number }>
> = {
  rectangle: { width: 200, height: 120 },
  ellipse: { width: 160, height: 120 },
  note: { width: 180, height: 130 },
}

type Entries = { readonly [id: string]: unknown }

/** The same object for the same entry: what has not changed is not drawn again. */
const read = new WeakMap<object, Shape | null>()

/** In the order of their ids, which is that of their making; later ones lie on top. */
export function readShapes(entries: Entries): readonly Shape[] {
  return Object.keys(entries)
    .toSorted()
    .slice(0, SHAPES_MAX)
    .flatMap(id => readShape(id, entries[id]) ?? [])
}

/** null for what is no shape. */
export function readShape(id: string, entry: unknown): Shape | null {
  if (typeof entry !== 'object' || entry === null) return null
  const known = read.get(entry)
  if (known !== undefined && (known === null || known.id === id)) return known
  const shape = parse(id, entry as Entries)
  read.set(entry, shape)
  return shape
}

function parse(id: string, { kind, x, y, width, height, color, text }: Entries): Shape | null {
  if (!isOneOf(shapeKinds, kind)) return null
  if (![x, y, width, height].every(value => Number.isFinite(value))) return null
  const size = {
    width: clamp(Number(width), SIZE_MIN, BOARD.width),
    height: clamp(Number(height), SIZE_MIN, BOARD.height),
  }
  return {
    id,
    kind,
    ...size,
    ...within({ x: Number(x), y: Number(y) }, size),
    color: isOneOf(shapeColors, color) ? color : 'gray',
    text: kind === 'note' && typeof text === 'string' ? text.slice(0, SHAPE_TEXT_MAX) : '',
  }
}

type Place = { readonly x: number; readonly y: number }

/** The nearest place at which all of it is on the board; whole units. */
export function within({ x, y }: Place, size: Pick<Shape, 'width' | 'height'>): Place {
  return {
    x: clamp(Math.round(x), 0, BOARD.width - size.width),
    y: clamp(Math.round(y), 0, BOARD.height - size.height),
  }
}

/** For those who do not see it. */
export function describeShape({ kind, color, text, x, y }: Shape): string {
  const said = text === '' ? '' : `, “${text}”`
  const name = { rectangle: 'Rectangle', ellipse: 'Ellipse', note: 'Note' }[kind]
  return `${name}${said}, ${color}, at ${x}, ${y}`
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), Math.max(min, max))
}

function isOneOf<T extends string>(known: readonly T[], given: unknown): given is T {
  return known.some(one => one === given)
}

/** A button with a menu of choices: by pointer, by keyboard, and for screen readers. */
import './menu.css'
import {
  useId,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type ToggleEvent,
} from 'react'

export type MenuChoice<Value extends string> = {
  readonly value: Value
  readonly name: string
  readonly icon: ReactNode
  readonly hint?: string
}

export type MenuProps<Value extends string> = {
  /** What the menu is called. */
  readonly label: string
  readonly className: string
  readonly disabled?: boolean
  readonly choices: readonly MenuChoice<Value>[]
  /** The choice that holds now, where one does. */
  readonly chosen?: Value
  readonly onChoose: (value: Value) => void
  /** What is on the button. */
  readonly children: ReactNode
}

const GAP_PX = 4

export function Menu<Value extends string>(props: MenuProps<Value>) {
  const { label, className, disabled = false, choices, chosen, onChoose, children } = props
  const id = useId()
  const { menu, button, state, open, close, onKeyDown, onToggle } = useMenu(choices.length)
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        disabled={disabled}
        aria-haspopup="menu"
        aria-expanded={state === 'open'}
        aria-controls={id}
        // The browser then leaves it to the button to close what the button opened.
        popoverTarget={id}
        onClick={event => {
          event.preventDefault()
          if (state === 'open') close()
          else open(choices.findIndex(isChosen(chosen)))
        }}
        onKeyDown={event => {
          if (event.key !== 'ArrowDown') return
          event.preventDefault()
          open(0)
        }}
      >
        {children}
      </button>
      <div
        ref={menu}
        id={id}
        role="menu"
        aria-label={label}
        className="menu"
        popover="auto"
        tabIndex={-1}
        onKeyDown={onKeyDown}
        onToggle={onToggle}
      >
        {choices.map(({ value, name, icon, hint }) => (
          <button
            key={value}
            type="button"
            role={chosen === undefined ? 'menuitem' : 'menuitemradio'}
            aria-checked={chosen === undefined ? undefined : chosen === value}
            tabIndex={-1}
            onClick={() => {
              close()
              onChoose(value)
            }}
          >
            {icon}
            <span>
              {name} {hint !== undefined && <small>{hint}</small>}
            </span>
          </button>
        ))}
      </div>
    </>
  )
}

function useMenu(count: number) {
  const menu = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const [state, setState] = useState<'open' | 'closed'>('closed')
  const focusItem = (at: number) =>
    itemsOf(menu.current)
      .at(at % count)
      ?.focus()
  const open = (at: number) => {
    if (button.current === null || menu.current === null) return
    // Over everything, whatever scrolls around the button.
    menu.current.showPopover()
    placeAt(menu.current, button.current)
    focusItem(at)
  }
  const close = () => {
    menu.current?.hidePopover()
    button.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const items = itemsOf(menu.current)
    const at = items.findIndex(item => item === document.activeElement)
    const move = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (move !== undefined) {
      event.preventDefault()
      focusItem(move)
    }
    if (event.key === 'Tab') menu.current?.hidePopover()
    if (event.key === 'Escape') {
      event.preventDefault()
      close()
    }
  }
  const onToggle = ({ newState }: ToggleEvent) => setState(newState === 'open' ? 'open' : 'closed')
  return { menu, button, state, open, close, onKeyDown, onToggle }
}

const isChosen =
  (chosen: string | undefined) =>
  ({ value }: { readonly value: string }) =>
    chosen === undefined || chosen === value

function itemsOf(menu: HTMLElement | null): readonly HTMLElement[] {
  return Array.from(menu?.querySelectorAll<HTMLElement>('button') ?? [])
}

/** Below the button, or above it where there is no room below. */
function placeAt(menu: HTMLElement, button: HTMLElement): void {
  const { left, top, bottom } = button.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = menu
  const below = bottom + GAP_PX
  const isRoom = below + height <= window.innerHeight
  menu.style.left = `${Math.max(GAP_PX, Math.min(left, window.innerWidth - width - GAP_PX))}px`
  menu.style.top = `${isRoom ? below : Math.max(GAP_PX, top - GAP_PX - height)}px`
}

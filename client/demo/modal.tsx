/** A modal dialog with a title and a way out: by its button, by Escape, and by a click beside it. */
import './modal.css'
import { useEffect, useRef, type ReactNode } from 'react'
import { CloseIcon } from './icons.tsx'

export type ModalProps = {
  /** Of the dialog; its parts are `<name>-body`, `<name>-head` and `<name>-title`. */
  readonly name: string
  readonly title: ReactNode
  readonly onClose: () => void
  readonly children: ReactNode
}

export function Modal({ name, title, onClose, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    // Modal: the browser keeps the focus inside, and gives it back to what opened it.
    dialog.current?.showModal()
  }, [])
  return (
    <dialog
      ref={dialog}
      className={`modal ${name}`}
      aria-labelledby={`${name}-title`}
      onClose={onClose}
      onClick={event => {
        // Beside the dialog: what is inside has elements of its own.
        if (event.target === dialog.current) dialog.current.close()
      }}
    >
      <div className={`${name}-body`}>
        <header className={`${name}-head`}>
          <h2 id={`${name}-title`}>{title}</h2>
          <button
            type="button"
            className="quiet-button"
            aria-label="Close"
            onClick={() => dialog.current?.close()}
          >
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}

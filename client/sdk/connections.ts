/** The sockets of a client: one, and more of them only where a server has no room on one. */
import type { Connection } from './connection.ts'

/** What a server takes on one socket unless it says otherwise. */
const DOCUMENTS_MAX = 50
/** Sockets of one client; beyond, documents wait until others are closed. */
const CONNECTIONS_MAX = 8

type Place = { readonly connection: Connection; documentsMax: number }

export class Connections {
  readonly #createFurther: () => Connection
  readonly #first: Place
  readonly #places: Place[]
  #isPaused = false

  constructor(first: Connection, createFurther: () => Connection) {
    this.#first = { connection: first, documentsMax: DOCUMENTS_MAX }
    this.#createFurther = createFurther
    this.#places = [this.#first]
  }

  /** The one whose state stands for all. */
  get first(): Connection {
    return this.#first.connection
  }

  /** Where the next document goes. */
  place(): Connection {
    return this.#withRoom().connection
  }

  /** The server has no room on `full`: another one, unless there are enough of them. */
  otherThan(full: Connection): Connection | undefined {
    const place = this.#places.find(({ connection }) => connection === full)
    if (place !== undefined) place.documentsMax = Math.max(1, full.userCount - 1)
    const { connection } = this.#withRoom()
    return connection === full ? undefined : connection
  }

  pause(): void {
    this.#isPaused = true
    for (const { connection } of this.#places) connection.pause()
  }

  resume(): void {
    this.#isPaused = false
    for (const { connection } of this.#places) connection.resume()
  }

  close(): void {
    for (const { connection } of this.#places) connection.close()
  }

  #withRoom(): Place {
    const found = this.#places.find(
      ({ connection, documentsMax }) => connection.userCount < documentsMax,
    )
    if (found !== undefined) return found
    if (this.#places.length >= CONNECTIONS_MAX) return this.#places.at(-1) ?? this.#first
    const connection = this.#createFurther()
    if (this.#isPaused) connection.pause()
    const place = { connection, documentsMax: DOCUMENTS_MAX }
    this.#places.push(place)
    return place
  }
}

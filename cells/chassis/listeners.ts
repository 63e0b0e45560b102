/** Callbacks for one kind of event. A listener may add and remove listeners, itself too. */
export class Listeners<Event = void> {
  readonly #listeners = new Set<(event: Event) => void>()

  /** The returned function removes it again. */
  add(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  notify(event: Event): void {
    for (const listener of this.#listeners) listener(event)
  }

  clear(): void {
    this.#listeners.clear()
  }
}

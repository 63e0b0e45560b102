/** Things gathered by what they belong to; a group without things takes no memory. */
export class Index<T> {
  readonly #groups = new Map<string, Map<string, T>>()
  readonly #keyOf: (thing: T) => string
  readonly #groupOf = new Map<string, string>()

  constructor(keyOf: (thing: T) => string) {
    this.#keyOf = keyOf
  }

  /** Puts a thing into a group, in place of an earlier version of it. */
  put(group: string, thing: T): void {
    const key = this.#keyOf(thing)
    let things = this.#groups.get(group)
    if (!things) {
      things = new Map()
      this.#groups.set(group, things)
    }
    things.set(key, thing)
    this.#groupOf.set(key, group)
  }

  remove(group: string, thing: T): void {
    const key = this.#keyOf(thing)
    const things = this.#groups.get(group)
    things?.delete(key)
    if (things?.size === 0) this.#groups.delete(group)
    this.#groupOf.delete(key)
  }

  of(group: string): T[] {
    return [...(this.#groups.get(group)?.values() ?? [])]
  }

  /** The thing of a key, wherever it is. */
  find(key: string): T | undefined {
    const group = this.#groupOf.get(key)
    return group === undefined ? undefined : this.#groups.get(group)?.get(key)
  }
}

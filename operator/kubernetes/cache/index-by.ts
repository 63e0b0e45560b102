/** Items grouped by an index key, such as the pods of one owner; a group without items takes no memory. */
export class Index<T> {
  readonly #groups = new Map<string, Map<string, T>>()
  readonly #keyOf: (item: T) => string
  readonly #groupOf = new Map<string, string>()

  /** @param keyOf identifies an item among all items of the index */
  constructor(keyOf: (item: T) => string) {
    this.#keyOf = keyOf
  }

  /** Adds an item to a group, or replaces its earlier version there. */
  put(group: string, item: T): void {
    const key = this.#keyOf(item)
    let items = this.#groups.get(group)
    if (!items) {
      items = new Map()
      this.#groups.set(group, items)
    }
    items.set(key, item)
    this.#groupOf.set(key, group)
  }

  remove(group: string, item: T): void {
    const key = this.#keyOf(item)
    const items = this.#groups.get(group)
    items?.delete(key)
    if (items?.size === 0) this.#groups.delete(group)
    this.#groupOf.delete(key)
  }

  in(group: string): T[] {
    return [...(this.#groups.get(group)?.values() ?? [])]
  }

  /** The item of a key, in whichever group it is. */
  find(key: string): T | undefined {
    const group = this.#groupOf.get(key)
    return group === undefined ? undefined : this.#groups.get(group)?.get(key)
  }
}

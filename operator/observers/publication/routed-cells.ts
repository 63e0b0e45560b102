/** Cells one provider may lead players to, by what it was told and what it confirmed. */
export class RoutedCells {
  /** Until when each may be led to, in milliseconds since the epoch. */
  readonly #until = new Map<string, number>()
  /** Whether it leads to no other; unknown until it confirmed something, because somebody before us may have told it more. */
  #isKnown = false

  /** Whether players may be led to a cell, as far as we know. */
  has(cell: string, now: number): boolean {
    return !this.#isKnown || now < (this.#until.get(cell) ?? now)
  }

  /** The provider may have heard of these cells, and lead to them until then. */
  may(cells: readonly string[], until: number): void {
    for (const cell of cells) this.#until.set(cell, until)
  }

  /** The provider confirmed that it leads to these of the cells it was told of, and to no other. True when it did before, for all we knew. */
  only(cells: readonly string[]): boolean {
    const others = [...this.#until.keys()].filter((cell) => !cells.includes(cell))
    for (const cell of others) this.#until.delete(cell)
    const isNews = !this.#isKnown || others.length > 0
    this.#isKnown = true
    return isNews
  }
}

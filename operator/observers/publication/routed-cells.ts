/** The cells to which one provider may route players, by what was sent to it and what it confirmed. */
export class RoutedCells {
  /** Until when each cell may be routed to, by the monotonic clock, in milliseconds. */
  readonly #until = new Map<string, number>()
  /** Whether these are all; unknown until the first confirmation, because an earlier leader may have published more cells. */
  #isComplete = false

  /** Whether the provider may route players to a cell, as far as the operator knows. */
  has(cell: string, now: number): boolean {
    return !this.#isComplete || now < (this.#until.get(cell) ?? now)
  }

  /** The provider may have received these cells, and route to them until then. */
  add(cells: readonly string[], until: number): void {
    for (const cell of cells) this.#until.set(cell, until)
  }

  /**
   * The provider confirmed that it routes to these of the cells, and to no other. Returns whether the operator did not know that
   * before.
   */
  confirm(cells: readonly string[]): boolean {
    const others = [...this.#until.keys()].filter((cell) => !cells.includes(cell))
    for (const cell of others) this.#until.delete(cell)
    const isNew = !this.#isComplete || others.length > 0
    this.#isComplete = true
    return isNew
  }
}

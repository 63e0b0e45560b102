import type { GridCell, Player } from './player.ts'

/** Side of a square, in metres. */
const SQUARE = 100
/** More than the squares of a row: the world is 5 008 m wide. */
const ROW = 1_024

/** Where the players of a realm are, by squares, so that those near a place are found without looking at all. */
export class PlayerGrid {
  readonly #cells = new Map<number, GridCell>()

  get isEmpty(): boolean {
    return this.#cells.size === 0
  }

  /** Puts a player where it is, or moves it there. */
  place(player: Player): void {
    const key = keyOf(square(player.x), square(player.z))
    const cell = this.#cells.get(key) ?? []
    if (cell === player.cell) return
    this.remove(player)
    if (cell.length === 0) this.#cells.set(key, cell)
    player.cell = cell
    player.cellKey = key
    player.cellIndex = cell.push(player) - 1
  }

  remove(player: Player): void {
    const { cell, cellIndex } = player
    if (!cell) return
    const last = cell.pop()
    if (last && last !== player) {
      cell[cellIndex] = last
      last.cellIndex = cellIndex
    }
    player.cell = undefined
    if (cell.length === 0) this.#cells.delete(player.cellKey)
  }

  /** Calls `visit` for each square that is at most `radius` metres from a place. */
  around(x: number, z: number, radius: number, visit: (cell: GridCell) => void): void {
    for (let column = square(x - radius); column <= square(x + radius); column++) {
      for (let row = square(z - radius); row <= square(z + radius); row++) {
        const cell = this.#cells.get(keyOf(column, row))
        if (cell) visit(cell)
      }
    }
  }
}

const square = (metres: number): number => Math.floor(metres / SQUARE)

const keyOf = (column: number, row: number): number => (column + ROW / 2) * ROW + row + ROW / 2

import { longer } from './columns.ts'
import type { Grid, GridCell, Player } from './player.ts'

/** Side of a square, in metres. */
const SQUARE = 100
/** More than the squares of a row: the world is 5 008 m wide. */
const ROW = 1_024
const FIRST_PLAYERS = 8

/** Where the players of a realm are, by squares, so that those near a place are found without looking at all. */
export class PlayerGrid implements Grid {
  readonly number: number
  readonly #cells = new Map<number, GridCell>()
  readonly #around: GridCell[] = []

  constructor(number: number) {
    this.number = number
  }

  get isEmpty(): boolean {
    return this.#cells.size === 0
  }

  /** All players of the realm. */
  *players(): Iterable<Player> {
    for (const { players } of this.#cells.values()) yield* players
  }

  place(player: Player): void {
    const key = keyOf(square(player.x), square(player.z))
    if (player.cell && player.grid === this && player.cellKey === key) {
      move(player, player.cell)
      return
    }
    player.grid?.remove(player)
    const cell = this.#cells.get(key) ?? { players: [], entries: [], places: new Float64Array(2 * FIRST_PLAYERS) }
    if (cell.players.length === 0) this.#cells.set(key, cell)
    player.grid = this
    player.cellKey = key
    add(player, cell)
  }

  remove(player: Player): void {
    const { cell, cellKey } = player
    player.grid = undefined
    player.changed()
    if (!cell) return
    player.cell = undefined
    removeFrom(player, cell)
    if (cell.players.length === 0) this.#cells.delete(cellKey)
  }

  around(x: number, z: number, radius: number): readonly GridCell[] {
    this.#around.length = 0
    for (let column = square(x - radius); column <= square(x + radius); column++) {
      for (let row = square(z - radius); row <= square(z + radius); row++) {
        const cell = this.#cells.get(keyOf(column, row))
        if (cell) this.#around.push(cell)
      }
    }
    return this.#around
  }
}

const square = (metres: number): number => Math.floor(metres / SQUARE)

const keyOf = (column: number, row: number): number => (column + ROW / 2) * ROW + row + ROW / 2

function add(player: Player, cell: GridCell): void {
  player.cell = cell
  player.cellIndex = cell.players.push(player) - 1
  cell.entries.push(player.entry)
  if (cell.places.length < 2 * cell.players.length) cell.places = longer(cell.places, new Float64Array(2 * cell.places.length))
  move(player, cell)
}

/** A player is somewhere else within its square. */
function move({ cellIndex, x, z }: Player, { places }: GridCell): void {
  places[2 * cellIndex] = x
  places[2 * cellIndex + 1] = z
}

/** The last player of the square takes the place of one that leaves it. */
function removeFrom(player: Player, cell: GridCell): void {
  const last = cell.players.pop()
  cell.entries.pop()
  if (!last || last === player) return
  cell.players[player.cellIndex] = last
  cell.entries[player.cellIndex] = last.entry
  last.cellIndex = player.cellIndex
  move(last, cell)
}

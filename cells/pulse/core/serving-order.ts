import { longer } from './columns.ts'
import type { Player } from './player.ts'

/** Side of the squares whose players are served one after the other, in metres. */
const SQUARE = 16
/** More than the squares of a row, and their number in both directions is a power of two. */
const ROW = 512
/** More than the players of a relay, and their numbers together with those of the squares are exact. */
const MAX_PLAYERS = 2 ** 20
/** Rounds in which players do not walk far: 1 s. */
const MOVING_TICKS = 20
const FIRST_PLAYERS = 256

/**
 * The order in which players are served: neighbours one after the other. They see the same others, of whom all that a change is made of is
 * then still in the processor's cache, which does not hold what a whole crowd has.
 */
export class ServingOrder {
  readonly players: Player[] = []
  /** Where each player is, as one number, with its index in the list. */
  #keys = new Float64Array(FIRST_PLAYERS)
  #changes = -1

  /** Takes over who is there, and now and then where. */
  follow({ all, changes }: { readonly all: readonly Player[]; readonly changes: number }, tick: number): void {
    if (changes === this.#changes && tick % MOVING_TICKS !== 0) return
    this.#changes = changes
    this.#renew(all)
  }

  #renew(players: readonly Player[]): void {
    const count = players.length
    if (this.#keys.length < count) this.#keys = longer(this.#keys, new Float64Array(2 * count))
    const keys = this.#keys.subarray(0, count)
    for (let i = 0; i < count; i++) keys[i] = keyOf(players[i] as Player) * MAX_PLAYERS + i
    keys.sort()
    this.players.length = count
    for (let i = 0; i < count; i++) this.players[i] = players[(keys[i] as number) % MAX_PLAYERS] as Player
  }
}

/** Those of a realm together, and in it by a curve that fills the plane. */
function keyOf({ grid, x, z }: Player): number {
  const column = Math.floor(x / SQUARE) + ROW / 2
  const row = Math.floor(z / SQUARE) + ROW / 2
  return (grid?.number ?? 0) * ROW * ROW + spread(column) + 2 * spread(row)
}

/** Puts a zero before each of nine bits. */
function spread(number: number): number {
  let bits = number & (ROW - 1)
  bits = (bits | (bits << 8)) & 0x00ff00ff
  bits = (bits | (bits << 4)) & 0x0f0f0f0f
  bits = (bits | (bits << 2)) & 0x33333333
  return (bits | (bits << 1)) & 0x55555555
}

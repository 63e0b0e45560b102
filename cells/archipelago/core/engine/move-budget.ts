import { FIRST_ROWS, grown, int, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'

/** A peer that moves less than this, in metres, counts as standing. */
const STANDING_RADIUS = 5
const NEVER = -(2 ** 30)

/**
 * Limits the moves of rebalancing: a peer is moved at most once within `spacing` flushes. It also tells standing from moving
 * peers.
 */
export class MoveBudget {
  readonly #peers: PeerTable
  readonly #spacing: number
  /** Flushes without movement after which a peer counts as standing; 0 where moves are frequent anyway. */
  readonly standingFlushes: number
  /** Number of the current flush. */
  now = 0
  #lastMove = new Int32Array(0)
  #standingSince = new Int32Array(0)
  #standingX = new Float64Array(0)
  #standingZ = new Float64Array(0)

  constructor(peers: PeerTable, spacing: number) {
    this.#peers = peers
    this.#spacing = spacing
    this.standingFlushes = Math.min(5, Math.floor(spacing / 12))
  }

  add(row: number): void {
    if (row >= this.#lastMove.length) this.#grow(Math.max(FIRST_ROWS, row * 2))
    this.#lastMove[row] = NEVER
    this.#standingX[row] = Number.NaN
  }

  moved(row: number): void {
    const x = real(this.#peers.x, row)
    const z = real(this.#peers.z, row)
    if ((x - real(this.#standingX, row)) ** 2 + (z - real(this.#standingZ, row)) ** 2 <= STANDING_RADIUS ** 2) return
    this.#standingX[row] = x
    this.#standingZ[row] = z
    this.#standingSince[row] = this.now
  }

  spend(row: number): void {
    this.#lastMove[row] = this.now
  }

  isStanding(row: number): boolean {
    return this.now - int(this.#standingSince, row) > this.standingFlushes
  }

  /** By island, of which there are `islands`: how many of the first `count` peers are not standing. */
  movingIn(islands: number, peer: Int32Array, islandOf: Int32Array, count: number): Int32Array {
    const moving = new Int32Array(islands)
    const since = this.#standingSince
    const latest = this.now - this.standingFlushes
    for (let i = 0; i < count; i++) {
      if ((since[peer[i] as number] as number) < latest) continue
      const island = islandOf[i] as number
      moving[island] = (moving[island] as number) + 1
    }
    return moving
  }

  allows(row: number): boolean {
    return this.now - int(this.#lastMove, row) >= this.#spacing
  }

  #grow(rows: number): void {
    this.#lastMove = grown(this.#lastMove, rows)
    this.#standingSince = grown(this.#standingSince, rows)
    this.#standingX = grown(this.#standingX, rows)
    this.#standingZ = grown(this.#standingZ, rows)
  }
}

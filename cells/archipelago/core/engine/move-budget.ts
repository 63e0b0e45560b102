import { grown, int, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'

/** Who moves less than this many metres stands. */
const STANDING_RADIUS = 5
const NEVER = -(2 ** 30)

/** How often a peer may be asked to change room for the sake of company: never twice within `spacing` flushes. And who stands, who walks. */
export class MoveBudget {
  readonly #peers: PeerTable
  readonly #spacing: number
  /** Flushes after which somebody who did not walk stands; none where moves cost little. */
  readonly standingFlushes: number
  /** The flush at hand. */
  now = 0
  #last = new Int32Array(0)
  #standsSince = new Int32Array(0)
  #standsX = new Float64Array(0)
  #standsZ = new Float64Array(0)

  constructor(peers: PeerTable, spacing: number) {
    this.#peers = peers
    this.#spacing = spacing
    this.standingFlushes = Math.min(5, Math.floor(spacing / 12))
  }

  add(slot: number): void {
    if (slot >= this.#last.length) this.#grow(Math.max(1024, slot * 2))
    this.#last[slot] = NEVER
    this.#standsX[slot] = Number.NaN
  }

  moved(slot: number): void {
    const x = real(this.#peers.x, slot)
    const z = real(this.#peers.z, slot)
    if ((x - real(this.#standsX, slot)) ** 2 + (z - real(this.#standsZ, slot)) ** 2 <= STANDING_RADIUS ** 2) return
    this.#standsX[slot] = x
    this.#standsZ[slot] = z
    this.#standsSince[slot] = this.now
  }

  spend(slot: number): void {
    this.#last[slot] = this.now
  }

  isStanding(slot: number): boolean {
    return this.now - int(this.#standsSince, slot) > this.standingFlushes
  }

  allows(slot: number): boolean {
    return this.now - int(this.#last, slot) >= this.#spacing
  }

  #grow(rows: number): void {
    this.#last = grown(this.#last, rows)
    this.#standsSince = grown(this.#standsSince, rows)
    this.#standsX = grown(this.#standsX, rows)
    this.#standsZ = grown(this.#standsZ, rows)
  }
}

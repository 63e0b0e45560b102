import { seededRandom } from '../../cells/archipelago/core/fixtures.ts'
import type { Position } from '../../cells/wire/peer.ts'

/** A square map of this side, in metres. */
const MAP = 3200
/** Metres walked between two flushes: 4 m/s for 2 s. */
const STEP = 8

/** How a crowd is spread over the map: a share of it within a radius of the middle, all others anywhere. */
export interface Spread {
  share: number
  radius: number
}

export const SPREADS = {
  spread: { share: 0, radius: 0 },
  plaza: { share: 0.6, radius: 100 },
  festival: { share: 0.95, radius: 60 },
  packed: { share: 1, radius: 60 },
} satisfies Record<string, Spread>

/** Walking peers, each in an area it does not leave: the disc in the middle, or the map. */
export class Crowd {
  readonly #random: () => number
  readonly #spread: Spread
  readonly x: Float64Array
  readonly z: Float64Array
  readonly #heading: Float64Array
  readonly #isInside: Uint8Array
  readonly #spot = { x: 0, y: 0, z: 0 }

  constructor(size: number, spread: Spread, seed: number) {
    this.#random = seededRandom(seed)
    this.#spread = spread
    this.x = new Float64Array(size)
    this.z = new Float64Array(size)
    this.#heading = new Float64Array(size)
    this.#isInside = new Uint8Array(size)
    for (let n = 0; n < size; n++) this.appear(n)
  }

  get size(): number {
    return this.x.length
  }

  /** The position of a peer; the next call overwrites the object, because garbage collection is not to be measured. */
  at(n: number): Position {
    this.#spot.x = this.x[n] ?? 0
    this.#spot.z = this.z[n] ?? 0
    return this.#spot
  }

  /** Puts a peer to a random position of its area. */
  appear(n: number): void {
    const isInside = this.#random() < this.#spread.share
    const angle = this.#random() * 2 * Math.PI
    const distance = Math.sqrt(this.#random()) * this.#spread.radius
    this.#isInside[n] = isInside ? 1 : 0
    this.x[n] = isInside ? Math.cos(angle) * distance : (this.#random() - 0.5) * MAP
    this.z[n] = isInside ? Math.sin(angle) * distance : (this.#random() - 0.5) * MAP
    this.#heading[n] = this.#random() * 2 * Math.PI
  }

  /** Moves all peers that do not rest; they turn a little, and turn round at the edge of their area. */
  walk(rests: (n: number) => boolean = () => false): void {
    for (let n = 0; n < this.size; n++) {
      if (rests(n)) continue
      const heading = (this.#heading[n] ?? 0) + (this.#random() - 0.5)
      const x = (this.x[n] ?? 0) + Math.cos(heading) * STEP
      const z = (this.z[n] ?? 0) + Math.sin(heading) * STEP
      const stays = this.#isInside[n] ? Math.hypot(x, z) <= this.#spread.radius : Math.max(Math.abs(x), Math.abs(z)) <= MAP / 2
      this.#heading[n] = stays ? heading : heading + Math.PI
      if (!stays) continue
      this.x[n] = x
      this.z[n] = z
    }
  }

  /** Moves a share of the crowd to random positions, and returns these peers. */
  jump(share: number): number[] {
    const jumped: number[] = []
    for (let i = 0; i < this.size * share; i++) {
      const n = Math.floor(this.#random() * this.size)
      this.appear(n)
      jumped.push(n)
    }
    return jumped
  }
}

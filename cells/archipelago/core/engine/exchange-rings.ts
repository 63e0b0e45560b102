import { FIRST_ROWS, grown, int, NONE } from './columns.ts'

/** A peer that should move from one island to another. */
export interface RoomChange {
  readonly peer: number
  readonly from: number
  readonly to: number
}

/** Distances are told apart by the metre up to here. */
const DISTANCES = 1024

/**
 * Finds rings of peers that can exchange their places: each goes to the island that the next one leaves, so that every island keeps its size, no
 * room overflows and none becomes small enough to be merged. Of the changes from one island the farthest is used first.
 */
export class ExchangeRings {
  #islands = 0
  #changes = 0
  /** By change: the peer and its islands, how far it has to go, and the next change from the same island. */
  #peer = new Int32Array(FIRST_ROWS)
  #from = new Int32Array(FIRST_ROWS)
  #to = new Int32Array(FIRST_ROWS)
  #metres = new Int32Array(FIRST_ROWS)
  #next = new Int32Array(FIRST_ROWS)
  #byDistance = new Int32Array(FIRST_ROWS)
  readonly #starts = new Int32Array(DISTANCES)
  /** By island: the farthest change from it that is not used yet, and its place in the path that is followed, or NONE. */
  #farthest = new Int32Array(FIRST_ROWS)
  #placeInPath = new Int32Array(FIRST_ROWS)

  /** Forgets all changes. */
  begin(islands: number): void {
    this.#islands = islands
    this.#changes = 0
    if (this.#farthest.length < islands) {
      this.#farthest = new Int32Array(islands * 2)
      this.#placeInPath = new Int32Array(islands * 2)
    }
    this.#farthest.fill(NONE)
    this.#placeInPath.fill(NONE)
  }

  /** @param metres how far the peer is from where its island should be */
  add({ peer, from, to }: RoomChange, metres: number): void {
    const change = this.#changes++
    if (change === this.#peer.length) this.#grow(change * 2)
    this.#peer[change] = peer
    this.#from[change] = from
    this.#to[change] = to
    this.#metres[change] = Math.min(metres, DISTANCES - 1)
  }

  /** Finds one ring after the other when it is asked for it; stops after about `limit` changes. */
  *find(limit: number): Generator<RoomChange[]> {
    this.#sort()
    let chosen = 0
    for (let start = 0; start < this.#islands; start++) {
      // Follows the changes from island to island; an island visited again closes a ring, one without a change is a dead end.
      const path: RoomChange[] = []
      let here = start
      while (chosen < limit) {
        const place = int(this.#placeInPath, here)
        if (place !== NONE) {
          const ring = path.splice(place)
          for (const { from } of ring) this.#placeInPath[from] = NONE
          chosen += ring.length
          yield ring
          continue
        }
        const change = int(this.#farthest, here)
        if (change !== NONE) {
          this.#farthest[here] = int(this.#next, change)
          this.#placeInPath[here] = path.length
          const to = int(this.#to, change)
          path.push({ peer: int(this.#peer, change), from: here, to })
          here = to
          continue
        }
        const back = path.pop()
        if (!back) break
        here = back.from
        this.#placeInPath[here] = NONE
      }
    }
  }

  /** Puts the changes of each island in order, the farthest first: by distance, and then each before those of its island that are nearer. */
  #sort(): void {
    const starts = this.#starts.fill(0)
    for (let change = 0; change < this.#changes; change++) {
      const distance = int(this.#metres, change)
      starts[distance] = int(starts, distance) + 1
    }
    let start = 0
    for (let distance = 0; distance < DISTANCES; distance++) {
      const count = int(starts, distance)
      starts[distance] = start
      start += count
    }
    for (let change = 0; change < this.#changes; change++) {
      const at = int(starts, int(this.#metres, change))
      starts[int(this.#metres, change)] = at + 1
      this.#byDistance[at] = change
    }
    for (let at = 0; at < this.#changes; at++) {
      const change = int(this.#byDistance, at)
      const from = int(this.#from, change)
      this.#next[change] = int(this.#farthest, from)
      this.#farthest[from] = change
    }
  }

  #grow(changes: number): void {
    this.#peer = grown(this.#peer, changes)
    this.#from = grown(this.#from, changes)
    this.#to = grown(this.#to, changes)
    this.#metres = grown(this.#metres, changes)
    this.#next = grown(this.#next, changes)
    this.#byDistance = grown(this.#byDistance, changes)
  }
}

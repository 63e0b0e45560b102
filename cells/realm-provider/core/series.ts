/** A point every five seconds for ten minutes. */
export const POINT_MS = 5_000
export const POINTS = 120
/** Most series over all realms; each takes half a kilobyte. */
const MAX_SERIES = 4_096

/** The last ten minutes of many numbers, each by a key. A number that was not measured has a gap. */
export class SeriesStore {
  readonly #rings = new Map<string, Float32Array>()
  #next = 0
  #current: ReadonlyMap<string, number> = new Map()

  /** Adds one point to every series. Series that have no point in ten minutes are forgotten. */
  add(points: ReadonlyMap<string, number>): void {
    for (const [key, ring] of this.#rings) {
      ring[this.#next] = points.get(key) ?? Number.NaN
      if (!points.has(key) && ring.every(Number.isNaN)) this.#rings.delete(key)
    }
    for (const [key, value] of points) {
      if (this.#rings.has(key) || this.#rings.size >= MAX_SERIES) continue
      const ring = new Float32Array(POINTS).fill(Number.NaN)
      ring[this.#next] = value
      this.#rings.set(key, ring)
    }
    this.#next = (this.#next + 1) % POINTS
    this.#current = points
  }

  /** The points that were added last. */
  get current(): ReadonlyMap<string, number> {
    return this.#current
  }

  get size(): number {
    return this.#rings.size
  }

  /** Every series from its oldest point, null where there is a gap, with two digits after the point. */
  toJSON(): Record<string, (number | null)[]> {
    const ordered = (ring: Float32Array) => [...ring.subarray(this.#next), ...ring.subarray(0, this.#next)].map(withTwoDigits)
    return Object.fromEntries(Array.from(this.#rings, ([key, ring]) => [key, ordered(ring)]))
  }
}

/** What a browser can show of a number. */
export const withTwoDigits = (value: number): number | null => (Number.isFinite(value) ? Math.round(value * 100) / 100 : null)

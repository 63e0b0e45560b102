/** Somebody in one island who would rather be in another. */
export interface RoomChange {
  readonly peer: number
  readonly from: number
  readonly to: number
}

/**
 * Finds rings of wanderers who can change places: each goes where the next one leaves, so every island keeps its size, no room overflows
 * and none becomes small enough to be merged. The last of those who leave an island goes first. Stops after about `limit` wanderers.
 */
export function exchangeRings(wanderers: readonly RoomChange[], limit: number): RoomChange[][] {
  const leaving = new Map<number, RoomChange[]>()
  for (const wanderer of wanderers) {
    const others = leaving.get(wanderer.from)
    if (others) others.push(wanderer)
    else leaving.set(wanderer.from, [wanderer])
  }
  const rings: RoomChange[][] = []
  let chosen = 0
  for (const start of leaving.keys()) {
    // Follow whoever wants to leave from island to island; an island met again closes a ring, one that nobody wants to leave is a dead end.
    const path: RoomChange[] = []
    const met = new Map<number, number>()
    let here = start
    while (chosen < limit) {
      const ring = met.get(here)
      if (ring !== undefined) {
        const closed = path.splice(ring)
        for (const wanderer of closed) met.delete(wanderer.from)
        chosen += closed.length
        rings.push(closed)
        continue
      }
      const next = leaving.get(here)?.pop()
      if (next) {
        met.set(here, path.length)
        path.push(next)
        here = next.to
        continue
      }
      const back = path.pop()
      if (!back) break
      here = back.from
      met.delete(here)
    }
  }
  return rings
}

/** A peer that should move from one island to another. */
export interface RoomChange {
  readonly peer: number
  readonly from: number
  readonly to: number
}

/**
 * Finds rings of peers that can exchange their places: each goes to the island that the next one leaves, so that every island
 * keeps its size, no room overflows and none becomes small enough to be merged. Of the changes from one island the last in the
 * list is used first. Stops after about `limit` changes.
 */
export function exchangeRings(changes: readonly RoomChange[], limit: number): RoomChange[][] {
  const leaving = new Map<number, RoomChange[]>()
  for (const change of changes) {
    const others = leaving.get(change.from)
    if (others) others.push(change)
    else leaving.set(change.from, [change])
  }
  const rings: RoomChange[][] = []
  let chosen = 0
  for (const start of leaving.keys()) {
    // Follows the changes from island to island; an island visited again closes a ring, one without a change is a dead end.
    const path: RoomChange[] = []
    const visited = new Map<number, number>()
    let here = start
    while (chosen < limit) {
      const ring = visited.get(here)
      if (ring !== undefined) {
        const closed = path.splice(ring)
        for (const change of closed) visited.delete(change.from)
        chosen += closed.length
        rings.push(closed)
        continue
      }
      const next = leaving.get(here)?.pop()
      if (next) {
        visited.set(here, path.length)
        path.push(next)
        here = next.to
        continue
      }
      const back = path.pop()
      if (!back) break
      here = back.from
      visited.delete(here)
    }
  }
  return rings
}

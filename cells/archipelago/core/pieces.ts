import { type Dweller, squaredDistance } from './island.ts'

/**
 * Takes a group apart into the pieces that hops of at most `reach` metres connect, in the order their first members are met.
 * Quadratic in the worst case, yet a group is at most a roomful, and in a crowd one glance finds nearly everybody.
 */
export function piecesOf(group: Iterable<Dweller>, reach: number): Dweller[][] {
  const reachSquared = reach * reach
  const pieces: Dweller[][] = []
  let unreached = [...group]
  while (unreached.length > 0) {
    const piece = unreached.slice(0, 1)
    unreached = unreached.slice(1)
    // The piece grows while we walk it, so the array is also the queue.
    for (const dweller of piece) {
      if (unreached.length === 0) break
      const beyond: Dweller[] = []
      for (const other of unreached) (squaredDistance(dweller, other) <= reachSquared ? piece : beyond).push(other)
      unreached = beyond
    }
    pieces.push(piece)
  }
  return pieces
}

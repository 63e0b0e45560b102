import { int, NONE, real } from './columns.ts'
import type { Neighbourhoods } from './neighbourhoods.ts'

/** An island is scattered if on average less than this share of its members' neighbours are in it. */
const SCATTERED_BELOW_SHARE = 0.85

/** Scattered islands that overlap, and their peers in the order of the curve. */
export interface ScatteredGroup {
  readonly islands: number[]
  readonly ranks: number[]
}

/**
 * Finds groups of two or more scattered islands that could exchange members: joined wherever neighbours on the curve are near.
 */
export function scatteredGroupsOf(neighbours: Neighbourhoods, rows: number): ScatteredGroup[] {
  const isScattered = scatteredIslands(neighbours, rows)
  const into = Int32Array.from({ length: rows }, (_, island) => island)
  const root = (island: number): number => {
    let at = island
    while (int(into, at) !== at) {
      into[at] = int(into, int(into, at))
      at = int(into, at)
    }
    return at
  }
  let before = -1
  for (let rank = 0; rank < neighbours.count; rank++) {
    if (int(isScattered, int(neighbours.island, rank)) === 0) continue
    if (before >= 0 && neighbours.areNear(before, rank))
      into[root(int(neighbours.island, before))] = root(int(neighbours.island, rank))
    before = rank
  }
  // By island: the group of its root, made when the first island of the group is met.
  const groups: ScatteredGroup[] = []
  const groupOf = new Int32Array(rows).fill(NONE)
  for (let island = 0; island < rows; island++) {
    if (int(isScattered, island) === 0) continue
    const top = root(island)
    if (int(groupOf, top) === NONE) groupOf[top] = groups.push({ islands: [], ranks: [] }) - 1
    groupOf[island] = int(groupOf, top)
    groups[int(groupOf, island)]?.islands.push(island)
  }
  for (let rank = 0; rank < neighbours.count; rank++) {
    const group = int(groupOf, int(neighbours.island, rank))
    if (group !== NONE) groups[group]?.ranks.push(rank)
  }
  return groups.filter(({ islands }) => islands.length > 1)
}

function scatteredIslands(neighbours: Neighbourhoods, rows: number): Int32Array {
  const members = new Int32Array(rows)
  const shares = new Float64Array(rows)
  for (let rank = 0; rank < neighbours.count; rank++) {
    const island = int(neighbours.island, rank)
    members[island] = int(members, island) + 1
    shares[island] = real(shares, island) + real(neighbours.share, rank)
  }
  return members.map((count, island) => (count > 0 && real(shares, island) < SCATTERED_BELOW_SHARE * count ? 1 : 0))
}

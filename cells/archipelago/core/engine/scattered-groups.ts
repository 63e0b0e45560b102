import { int, NONE, real } from './columns.ts'
import type { Neighbourhoods } from './neighbourhoods.ts'

/** An island is scattered if on average less than this share of its members' neighbours are in it. */
const SCATTERED_BELOW_SHARE = 0.85

/** Scattered islands that overlap, and the number of their peers. */
export interface ScatteredGroup {
  readonly islands: number[]
  size: number
}

/**
 * Finds groups of two or more scattered islands that could exchange members: joined wherever neighbours on the curve are near.
 */
export function scatteredGroupsOf(neighbours: Neighbourhoods, rows: number): ScatteredGroup[] {
  const members = new Int32Array(rows)
  const isScattered = scatteredIslands(neighbours, members)
  const into = joinedIslands(neighbours, isScattered)
  // By island: the group of its root, made when the first island of the group is met.
  const groups: ScatteredGroup[] = []
  const groupOf = new Int32Array(rows).fill(NONE)
  for (let island = 0; island < rows; island++) {
    if (int(isScattered, island) === 0) continue
    const top = rootOf(into, island)
    if (int(groupOf, top) === NONE) groupOf[top] = groups.push({ islands: [], size: 0 }) - 1
    const group = groups[int(groupOf, top)]
    if (!group) continue
    group.islands.push(island)
    group.size += int(members, island)
  }
  return groups.filter(({ islands }) => islands.length > 1)
}

/** The ranks of each group, in the order of the curve. */
export function ranksOf(groups: readonly ScatteredGroup[], { count, island }: Neighbourhoods, rows: number): number[][] {
  const ranks: number[][] = groups.map(() => [])
  if (groups.length === 0) return ranks
  const groupOf = new Int32Array(rows).fill(NONE)
  for (const [group, { islands }] of groups.entries()) for (const one of islands) groupOf[one] = group
  for (let rank = 0; rank < count; rank++) {
    const group = groupOf[island[rank] as number] as number
    if (group !== NONE) ranks[group]?.push(rank)
  }
  return ranks
}

/** By island, 1 for a scattered one; counts its members. */
function scatteredIslands({ count, island: islandOf, share }: Neighbourhoods, members: Int32Array): Int32Array {
  const rows = members.length
  const shares = new Float64Array(rows)
  for (let rank = 0; rank < count; rank++) {
    const island = islandOf[rank] as number
    members[island] = (members[island] as number) + 1
    shares[island] = (shares[island] as number) + (share[rank] as number)
  }
  const isScattered = new Int32Array(rows)
  for (let island = 0; island < rows; island++)
    if (real(shares, island) < SCATTERED_BELOW_SHARE * int(members, island)) isScattered[island] = 1
  return isScattered
}

/** Union-find: scattered islands are joined where two of their peers are neighbours on the curve, and near. */
function joinedIslands(neighbours: Neighbourhoods, isScattered: Int32Array): Int32Array {
  const { count, island } = neighbours
  const into = new Int32Array(isScattered.length)
  for (let one = 0; one < into.length; one++) into[one] = one
  let before = NONE
  for (let rank = 0; rank < count; rank++) {
    if (isScattered[island[rank] as number] === 0) continue
    if (before !== NONE && island[before] !== island[rank] && neighbours.areNear(before, rank))
      into[rootOf(into, int(island, before))] = rootOf(into, int(island, rank))
    before = rank
  }
  return into
}

function rootOf(into: Int32Array, island: number): number {
  let at = island
  while (int(into, at) !== at) {
    into[at] = int(into, int(into, at))
    at = int(into, at)
  }
  return at
}

import { int, real } from './columns.ts'
import type { Neighbourhoods } from './neighbourhoods.ts'

/** An island whose members have less company than this share, on average, is scattered. */
const SCATTERED_BELOW_SHARE = 0.85

/** Scattered islands that are mixed with one another, and everybody in them in the order of the curve. */
export interface ScatteredGroup {
  readonly islands: number[]
  readonly ranks: number[]
}

/** Finds the crowds whose islands could be sorted out: two or more scattered ones, linked wherever neighbours on the curve are near. */
export function scatteredGroupsOf(survey: Neighbourhoods, rows: number): ScatteredGroup[] {
  const isScattered = scatteredIslands(survey, rows)
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
  for (let rank = 0; rank < survey.count; rank++) {
    if (int(isScattered, int(survey.island, rank)) === 0) continue
    if (before >= 0 && survey.areNear(before, rank)) into[root(int(survey.island, before))] = root(int(survey.island, rank))
    before = rank
  }
  const crowds = new Map<number, ScatteredGroup>()
  const crowdOf = (island: number): ScatteredGroup => {
    const key = root(island)
    const crowd = crowds.get(key) ?? { islands: [], ranks: [] }
    crowds.set(key, crowd)
    return crowd
  }
  for (let island = 0; island < rows; island++) if (int(isScattered, island) === 1) crowdOf(island).islands.push(island)
  for (let rank = 0; rank < survey.count; rank++) {
    const island = int(survey.island, rank)
    if (int(isScattered, island) === 1) crowdOf(island).ranks.push(rank)
  }
  return [...crowds.values()].filter(({ islands }) => islands.length > 1)
}

function scatteredIslands(survey: Neighbourhoods, rows: number): Int32Array {
  const members = new Int32Array(rows)
  const company = new Float64Array(rows)
  for (let rank = 0; rank < survey.count; rank++) {
    const island = int(survey.island, rank)
    members[island] = int(members, island) + 1
    company[island] = real(company, island) + real(survey.share, rank)
  }
  return members.map((count, island) => (count > 0 && real(company, island) < SCATTERED_BELOW_SHARE * count ? 1 : 0))
}

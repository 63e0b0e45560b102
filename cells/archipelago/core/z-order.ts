import type { Dweller } from './island.ts'
import { WORLD_EDGE } from './tiles.ts'

/**
 * Orders peers along a curve that visits neighbourhoods one after the other (Morton order over metres, then by address), so that crowds
 * which arrive together are packed by where they stand and not by who spoke first.
 */
export function zOrder(a: Dweller, b: Dweller): number {
  const [ax, az, bx, bz] = [whole(a.x), whole(a.z), whole(b.x), whole(b.z)]
  // The coordinate whose difference has the higher top bit decides; no interleaving needed.
  const byX = highestBitIsLower(az ^ bz, ax ^ bx) ? ax - bx : az - bz
  return byX || ax - bx || (a.peer < b.peer ? -1 : 1)
}

// NaN becomes 0: whoever stands nowhere still needs one place in the order.
const whole = (metres: number): number => (metres + WORLD_EDGE) | 0

const highestBitIsLower = (a: number, b: number): boolean => a < b && a < (a ^ b)

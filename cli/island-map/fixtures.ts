import { peerId, seededRandom, someIslands } from '../../cells/archipelago/core/fixtures.ts'
import type { PeerId, Position } from '../../cells/wire/peer.ts'

/** A place where peers gather: its middle, their distance from it, and the share of a crowd that is there. */
const PLACES = [
  { x: 0, z: 0, radius: 126, share: 0.28 },
  { x: 540, z: -380, radius: 90, share: 0.11 },
  { x: -620, z: 410, radius: 81, share: 0.1 },
  { x: 880, z: 620, radius: 108, share: 0.08 },
  { x: -900, z: -560, radius: 72, share: 0.07 },
  { x: 180, z: 760, radius: 54, share: 0.05 },
]
/** A street from west to east on which some of the others are. */
const STREET = { z: 120, length: 2_200, width: 50, share: 0.4 }
const CITY = { width: 2_400, height: 2_000 }

/**
 * What `/stats/islands` would say of a crowd in a city, clustered by the engine of the archipelago; the same for the same
 * numbers.
 */
export function someCity(size: number, seed = 8) {
  const random = seededRandom(seed)
  const around = () => (random() + random() + random() - 1.5) / 1.5
  const islands = someIslands()
  const positions = new Map<PeerId, Position>()
  const somewhere = (): Position => {
    let share = random()
    for (const place of PLACES) {
      if (share < place.share) return { x: place.x + around() * place.radius, y: 0, z: place.z + around() * place.radius }
      share -= place.share
    }
    if (random() < STREET.share) return { x: (random() - 0.5) * STREET.length, y: 0, z: STREET.z + (around() * STREET.width) / 2 }
    return { x: (random() - 0.5) * CITY.width, y: 0, z: (random() - 0.5) * CITY.height }
  }
  for (let n = 0; n < size; n++) {
    const position = somewhere()
    positions.set(peerId(n), position)
    islands.upsert(peerId(n), position)
  }
  islands.flush()
  return {
    islands: Array.from(islands.all(), ({ id, peers }) => ({
      id,
      peers: peers.map((peer) => ({ id: peer, position: coordinates(positions.get(peer)) })),
    })),
  }
}

/** A peer as statistics show it. */
export const aPeer = (n: number, x: unknown, z: unknown) => ({ id: peerId(n), position: [x, 0, z] })

const coordinates = ({ x, y, z }: Position = { x: Number.NaN, y: 0, z: Number.NaN }) => [x, y, z]

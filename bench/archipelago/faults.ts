import type { Islands, PlacedPeer } from '../../cells/archipelago/core/islands.ts'
import type { PeerId } from '../../cells/wire/peer.ts'

/** Counts that must be 0 after every flush (clustering.md §5.2, 3, 6, 13). */
export interface Faults {
  disconnected: number
  unmerged: number
  missing: number
  oversize: number
}

const JOIN = 64
const LEAVE = 80
const MAX = 100

/**
 * Counts violated rules with an algorithm that shares no code with the engine: a coarse grid, every peer of a small island
 * against all near it.
 */
export function faultsIn(islands: Islands, peers: Iterable<PeerId>): Faults {
  const faults: Faults = { disconnected: 0, unmerged: 0, missing: 0, oversize: 0 }
  const sizes = new Map<string, number>()
  const tiles = new Map<string, { room: string; x: number; z: number }[]>()
  const unseen = new Set(peers)
  for (const { id } of islands.all()) {
    const members = islands.membersOf(id)
    sizes.set(id, members.length)
    if (members.length > MAX) faults.oversize++
    if (!isConnected(members)) faults.disconnected++
    for (const { peer, position } of members) {
      if (!unseen.delete(peer)) faults.missing++
      const key = `${Math.floor(position.x / JOIN)},${Math.floor(position.z / JOIN)}`
      const tile = tiles.get(key) ?? []
      tiles.set(key, tile)
      tile.push({ room: id, x: position.x, z: position.z })
    }
  }
  faults.missing += unseen.size
  const pairs = new Set<string>()
  for (const [key, tile] of tiles) {
    const [east = 0, north = 0] = key.split(',').map(Number)
    const around = [-1, 0, 1].flatMap((dx) => [-1, 0, 1].flatMap((dz) => tiles.get(`${east + dx},${north + dz}`) ?? []))
    for (const one of tile) {
      const size = sizes.get(one.room) ?? 0
      // Of two islands that fit into one room, one fills at most half of it.
      if (size * 2 > MAX) continue
      for (const other of around) {
        if (other.room === one.room || size + (sizes.get(other.room) ?? 0) > MAX) continue
        if (Math.hypot(other.x - one.x, other.z - one.z) <= JOIN) pairs.add([one.room, other.room].sort().join())
      }
    }
  }
  faults.unmerged = pairs.size
  return faults
}

function isConnected(members: readonly PlacedPeer[]): boolean {
  const [first, ...rest] = members
  let unreached = rest
  const reached = first ? [first] : []
  for (const { position } of reached) {
    const isNear = (other: PlacedPeer) => Math.hypot(other.position.x - position.x, other.position.z - position.z) <= LEAVE
    reached.push(...unreached.filter(isNear))
    unreached = unreached.filter((other) => !isNear(other))
  }
  return unreached.length === 0
}

/**
 * The share of each peer's ten nearest, within the join distance, that are in its island: the mean over a sample of the peers
 * that have any near.
 */
export function near10(x: Float64Array, z: Float64Array, roomOf: (n: number) => string | undefined, samples: number): number {
  let sum = 0
  let counted = 0
  for (let s = 0; s < samples; s++) {
    const one = Math.floor((s * x.length) / samples)
    const nearest: { n: number; distance: number }[] = []
    let limit = JOIN ** 2
    for (let n = 0; n < x.length; n++) {
      const distance = ((x[n] ?? 0) - (x[one] ?? 0)) ** 2 + ((z[n] ?? 0) - (z[one] ?? 0)) ** 2
      if (n === one || distance > limit) continue
      nearest.push({ n, distance })
      nearest.sort((a, b) => a.distance - b.distance)
      if (nearest.length <= 10) continue
      nearest.pop()
      limit = nearest.at(-1)?.distance ?? limit
    }
    if (nearest.length === 0) continue
    sum += nearest.filter(({ n }) => roomOf(n) === roomOf(one)).length / nearest.length
    counted++
  }
  return counted === 0 ? 1 : sum / counted
}

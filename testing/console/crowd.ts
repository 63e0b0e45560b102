import { type Clock, momentOf } from '../../cells/chassis/clock.ts'
import type { Snapshot } from '../../cells/stats/core/snapshot.ts'
import type { PeerId } from '../../cells/wire/peer.ts'

const ISLAND_SIZE = 100
/** In metres. */
const SQUARE = 64
/** Places where people meet, in parcels. */
const PLAZAS = [
  [0, 0, 9],
  [-62, 38, 6],
  [71, -54, 7],
  [34, 88, 5],
  [-95, -80, 8],
  [110, 60, 4],
  [-30, -118, 5],
] as const

const walletOf = (n: number): PeerId => `0x${(n + 1).toString(16).padStart(40, '0')}`

/** The same numbers each time: pictures of one crowd can be compared. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Peers around a few plazas of a realm, some anywhere, in islands of their neighbours. */
export function crowd(size: number, slots: number) {
  const random = numbers(size + slots)
  const spread = () => random() + random() + random() - 1.5
  const people = Array.from({ length: size }, (_, n) => {
    const [east, north, width] = PLAZAS[Math.floor(random() ** 2 * PLAZAS.length)] ?? PLAZAS[0]
    const isAlone = random() < 0.3
    const reach = slots === 1 ? 0.15 : 1
    const x = isAlone ? (random() - 0.5) * 290 * reach : (east + spread() * width * 2) * reach
    const z = isAlone ? (random() - 0.5) * 290 * reach : (north + spread() * width * 2) * reach
    return { id: walletOf(n), cell: `realms.main.${n % slots}`, x: x * 16, z: z * 16 }
  })
  const heartbeat = (snapshot: Snapshot, clock: Clock, from: number, to: number) => {
    for (let n = from; n < to; n++) {
      const person = people[n % Math.max(1, size)]
      if (!person) return
      person.x += (random() - 0.5) * 6
      person.z += (random() - 0.5) * 6
      snapshot.recordHeartbeat(person.cell, person.id, { x: person.x, y: 1, z: person.z }, momentOf(clock))
    }
  }
  let next = 0
  return {
    /** All peers are here, in islands. */
    report(snapshot: Snapshot, clock: Clock): void {
      heartbeat(snapshot, clock, 0, size)
      for (let slot = 0; slot < slots; slot++) {
        const cell = `realms.main.${slot}`
        const own = people.filter((person) => person.cell === cell)
        snapshot.recordDiscovery(cell, own.length, momentOf(clock))
        snapshot.recordIslands(
          cell,
          groupsOf(own).map((group, n) => islandOf(`${slot}-${n}`, group)),
          momentOf(clock),
        )
      }
    },
    /** A part of them moves. */
    move(snapshot: Snapshot, clock: Clock): void {
      const some = Math.min(size, 2_000)
      heartbeat(snapshot, clock, next, next + some)
      next = (next + some) % Math.max(1, size)
    },
  }
}

/** Neighbours: those of one square of 64 m, in islands of at most 100. */
function groupsOf<Person extends { x: number; z: number }>(people: readonly Person[]): Person[][] {
  const squares = Map.groupBy(people, ({ x, z }) => `${Math.floor(x / SQUARE)},${Math.floor(z / SQUARE)}`)
  return [...squares.values()].flatMap((near) =>
    Array.from({ length: Math.ceil(near.length / ISLAND_SIZE) }, (_, n) => near.slice(n * ISLAND_SIZE, (n + 1) * ISLAND_SIZE)),
  )
}

function islandOf(id: string, group: readonly { id: PeerId; x: number; z: number }[]) {
  const middle = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const center = { x: middle(group.map(({ x }) => x)), y: 0, z: middle(group.map(({ z }) => z)) }
  const distances = group.map(({ x, z }) => Math.hypot(x - center.x, z - center.z)).sort((a, b) => a - b)
  return {
    id,
    maxPeers: ISLAND_SIZE,
    center,
    radius: distances[Math.floor(distances.length * 0.9)] ?? 0,
    peers: group.map((person) => person.id),
  }
}

import type { PeerId, Position } from '../../wire/peer.ts'
import { type Dweller, favouriteRoom, Island } from './island.ts'
import type { Flush, IslandRules, Islands, IslandView, Move, MoveCause, Standing } from './islands.ts'
import { piecesOf } from './pieces.ts'
import { Tiles, WORLD_EDGE } from './tiles.ts'
import { zOrder } from './z-order.ts'

const NOTHING: Flush = { changes: [] }

/** An engine over a hash grid that is built anew in each flush. */
export const createGridIslands = (rules: IslandRules): Islands => new GridIslands(rules)

/** A peer's room before the flush and the first thing that took it out of there. */
type Departures = Map<Dweller, { room: string | undefined; cause: MoveCause }>

class GridIslands implements Islands {
  readonly #rules: IslandRules
  readonly #dwellers = new Map<PeerId, Dweller>()
  readonly #islands = new Map<string, Island>()
  /** Islands in which somebody stepped or left: the only ones that can fall apart or meet others. */
  readonly #stirred = new Set<Island>()
  #arrivals = new Set<Dweller>()
  #founded = 0

  constructor(rules: IslandRules) {
    this.#rules = rules
  }

  get peerCount(): number {
    return this.#dwellers.size
  }

  get islandCount(): number {
    return this.#islands.size
  }

  has(peer: PeerId): boolean {
    return this.#dwellers.has(peer)
  }

  upsert(peer: PeerId, position: Position, desiredRoom?: string): void {
    const dweller = this.#dwellers.get(peer) ?? this.#arrive(peer, position)
    if (desiredRoom !== undefined) dweller.prefers = desiredRoom || undefined
    const { x, z } = whereabouts(position)
    dweller.position = position
    if (Object.is(x, dweller.x) && Object.is(z, dweller.z)) return
    dweller.x = x
    dweller.z = z
    if (dweller.island) this.#stirred.add(dweller.island)
  }

  remove(peer: PeerId): void {
    const dweller = this.#dwellers.get(peer)
    if (!dweller) return
    this.#dwellers.delete(peer)
    this.#arrivals.delete(dweller)
    const { island } = dweller
    if (!island) return
    island.members.delete(dweller)
    this.#stirred.add(island)
    if (island.size === 0) this.#vanish(island)
  }

  flush(): Flush {
    if (this.#stirred.size === 0 && this.#arrivals.size === 0) return NOTHING
    const departures: Departures = new Map()
    const unsettled = new Set(this.#stirred)
    this.#stirred.clear()
    for (const island of [...unsettled]) for (const piece of this.#split(island, departures)) unsettled.add(piece)
    for (const island of this.#place(departures)) unsettled.add(island)
    this.#merge(unsettled, departures)
    for (const island of unsettled) this.#name(island)
    return { changes: movesOf(departures) }
  }

  roomOf(peer: PeerId): string | undefined {
    return this.#dwellers.get(peer)?.island?.id
  }

  membersOf(room: string): readonly Standing[] {
    return [...(this.#islands.get(room)?.members ?? [])]
  }

  *all(): Iterable<IslandView> {
    for (const [id, island] of this.#islands) yield viewOf(id, island)
  }

  #arrive(peer: PeerId, position: Position): Dweller {
    const dweller: Dweller = { peer, position, ...whereabouts(position), prefers: undefined, island: undefined }
    this.#dwellers.set(peer, dweller)
    this.#arrivals.add(dweller)
    return dweller
  }

  /** §5.4: the largest piece keeps the island, the first met of equals; each other piece becomes an island of its own. */
  #split(island: Island, departures: Departures): Island[] {
    if (island.size < 2) return []
    const pieces = piecesOf(island.members, this.#rules.leaveDistance)
    if (pieces.length === 1) return []
    const largest = pieces.reduce((best, piece) => (piece.length > best.length ? piece : best))
    return pieces
      .filter((piece) => piece !== largest)
      .map((piece) => {
        const cause = piece.length === 1 ? 'moved' : 'split'
        for (const dweller of piece) {
          depart(dweller, cause, departures)
          island.members.delete(dweller)
        }
        return this.#found(piece)
      })
  }

  #place(departures: Departures): Island[] {
    const arrivals = [...this.#arrivals].sort(zOrder)
    this.#arrivals = new Set()
    return arrivals.map((dweller) => {
      depart(dweller, 'joined', departures)
      return this.#found([dweller])
    })
  }

  /**
   * Joins each unsettled island, the biggest first, with all that touch it and fit. Islands nobody stirred are on the map from the start,
   * the others enter it when it is their turn, so each contact is looked at when the later of the two arrives. One pass is enough:
   * islands only grow, so what does not fit now will not fit later, and only real contacts are joined, so nothing falls apart again.
   */
  #merge(unsettled: ReadonlySet<Island>, departures: Departures): void {
    const { joinDistance, maxPeers } = this.#rules
    const tiles = new Tiles(joinDistance)
    const open = (island: Island) => island.size < maxPeers
    for (const island of this.#islands.values()) if (!unsettled.has(island) && open(island)) tiles.add(island, island.members)
    for (const island of [...unsettled].filter(open).sort(Island.order)) {
      const members = [...island.members]
      const favourite = this.#favouriteOf(island)
      let current = island
      for (;;) {
        const contact = tiles.bestContact(members, maxPeers - current.size, current, favourite)
        if (!contact) break
        current = this.#unite(current, contact, tiles, departures)
      }
      if (!open(current)) tiles.remove(current)
      else if (!tiles.has(current)) tiles.add(current, current.members)
    }
  }

  /** §5.9: a wish counts only for an island that is bigger or older. */
  #favouriteOf(island: Island): Island | undefined {
    const room = favouriteRoom(island.members)
    const favourite = room === undefined ? undefined : this.#islands.get(room)
    return favourite && Island.order(favourite, island) < 0 ? favourite : undefined
  }

  /** §5.5: the first in the order of islands keeps its id, the peers of the other move. */
  #unite(one: Island, other: Island, tiles: Tiles, departures: Departures): Island {
    const [winner, loser] = Island.order(one, other) < 0 ? [one, other] : [other, one]
    tiles.remove(loser)
    for (const dweller of loser.members) {
      depart(dweller, 'merged', departures)
      dweller.island = winner
      winner.members.add(dweller)
    }
    if (tiles.has(winner)) tiles.add(winner, loser.members)
    loser.members.clear()
    this.#vanish(loser)
    return winner
  }

  #found(dwellers: readonly Dweller[]): Island {
    const island = new Island(this.#founded++)
    for (const dweller of dwellers) {
      dweller.island = island
      island.members.add(dweller)
    }
    return island
  }

  #vanish(island: Island): void {
    this.#stirred.delete(island)
    if (island.id !== undefined) this.#islands.delete(island.id)
  }

  #name(island: Island): void {
    if (island.id !== undefined || island.size === 0) return
    island.id = this.#rules.nextId()
    this.#islands.set(island.id, island)
  }
}

/** Remembers where a peer was before this flush, once, and what took it away. */
function depart(dweller: Dweller, cause: MoveCause, departures: Departures): void {
  if (!departures.has(dweller)) departures.set(dweller, { room: dweller.island?.id, cause })
}

function movesOf(departures: Departures): Move[] {
  const moves: Move[] = []
  for (const [{ peer, island }, { room: before, cause }] of departures) {
    const room = island?.id
    if (room !== undefined && room !== before) moves.push({ peer, room, cause })
  }
  return moves
}

function viewOf(id: string, { members, size }: Island): IslandView {
  const middle = { x: 0, z: 0 }
  for (const { x, z } of members) {
    middle.x += x / size
    middle.z += z / size
  }
  let radius = 0
  for (const { x, z } of members) radius = Math.max(radius, Math.hypot(x - middle.x, z - middle.z))
  const isSomewhere = !Number.isNaN(middle.x)
  return {
    id,
    peers: Array.from(members, ({ peer }) => peer),
    center: isSomewhere ? { x: middle.x, y: 0, z: middle.z } : undefined,
    radius: isSomewhere ? radius : 0,
  }
}

/** Where on the ground a position is: nowhere, if a coordinate is no number or lies beyond the edge of the world. */
const whereabouts = ({ x, z }: Position): { x: number; z: number } =>
  Math.abs(x) <= WORLD_EDGE && Math.abs(z) <= WORLD_EDGE ? { x, z } : { x: Number.NaN, z: Number.NaN }

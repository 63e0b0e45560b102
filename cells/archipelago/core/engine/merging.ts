import { FIRST_ROWS, grown, int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { IslandTiles } from './island-tiles.ts'
import type { PeerTable } from './peer-table.ts'
import { TILES_AROUND } from './tile-grid.ts'
import { TileIndex } from './tile-index.ts'

/**
 * Merges whole islands that are within reach of each other and fit into one room (clustering.md §5.2). Of two that fit, one fills
 * at most half a room, so only these small ones search, the smallest first, for the largest that has room for them. One pass is
 * enough: islands only grow meanwhile, so what does not fit now will not fit later, and only islands within reach are merged, so
 * none becomes disconnected.
 */
export class Merging {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #tiles: IslandTiles
  readonly #index: TileIndex
  readonly #maxPeers: number
  /** Union-find: the island into which each was merged, itself at first. */
  #into = new Int32Array(FIRST_ROWS)

  constructor(peers: PeerTable, islands: IslandTable, tiles: IslandTiles, maxPeers: number) {
    this.#peers = peers
    this.#islands = islands
    this.#tiles = tiles
    this.#index = new TileIndex(islands, tiles, maxPeers)
    this.#maxPeers = maxPeers
  }

  /** Merges islands; calls `onDepart` for each peer before it changes islands. */
  merge(onDepart: (peer: number) => void): void {
    const small = this.#smallIslands()
    if (small.length === 0) return
    this.#index.rebuild()
    this.#resetRoots()
    if (this.#peers.preferenceCount > 0) for (const island of small) this.#mergeIntoPreferred(island, onDepart)
    for (const island of small) {
      // An island that was merged into another continues as part of that one.
      while (int(this.#into, island) === island && this.#isSmall(island)) {
        const partner = this.#partnerOf(island, NONE)
        if (partner === NONE) break
        if (this.#islands.outranks(partner, island)) this.#absorb(partner, island, onDepart)
        else this.#absorb(island, partner, onDepart)
      }
    }
  }

  #isSmall(island: number): boolean {
    return int(this.#islands.seatsTaken, island) * 2 <= this.#maxPeers
  }

  /** The islands that fill at most half a room, the smallest first, of equals the youngest. */
  #smallIslands(): number[] {
    const { rows, size } = this.#islands
    const small: number[] = []
    for (let island = 0; island < rows; island++) if (size[island] !== 0 && this.#isSmall(island)) small.push(island)
    return small.sort((a, b) => (this.#islands.outranks(a, b) ? 1 : -1))
  }

  #resetRoots(): void {
    const { rows } = this.#islands
    if (this.#into.length < rows) this.#into = grown(this.#into, rows * 2)
    const into = this.#into
    for (let island = 0; island < rows; island++) into[island] = island
  }

  #root(island: number): number {
    const into = this.#into
    let root = island
    while (into[root] !== root) {
      into[root] = int(into, int(into, root))
      root = int(into, root)
    }
    return root
  }

  /** Merges an island into the one its members prefer, if that outranks it and has room (§5.9). */
  #mergeIntoPreferred(island: number, onDepart: (peer: number) => void): void {
    if (int(this.#into, island) !== island) return
    const preferred = preferredIslandOf(island, this.#peers, this.#islands)
    if (preferred === NONE || this.#root(preferred) !== preferred || !this.#islands.outranks(preferred, island)) return
    if (this.#partnerOf(island, preferred) === preferred) this.#absorb(preferred, island, onDepart)
  }

  /**
   * The partner of an island, `preferred` or (NONE) any: of those in reach that have room, the one that was largest when merging
   * began, of equals the oldest; NONE if there is none. Two islands that are not dirty did not fit the last time, and do not now.
   */
  #partnerOf(island: number, preferred: number): number {
    const { tile, island: islandOf, grid } = this.#tiles
    const { seatsTaken, isDirty, serial } = this.#islands
    const index = this.#index
    const { seats: seatsOf, entry: entryAt } = index
    const left = this.#maxPeers - int(seatsTaken, island)
    const isDirtyItself = int(isDirty, island) === 1
    let best = NONE
    let most = 0
    for (let here = index.firstOf(island); here !== NONE; here = index.nextOf(here)) {
      const tileHere = int(tile, here)
      for (let i = 0; i < TILES_AROUND; i++) {
        const nearTile = grid.around(tileHere, i)
        if (nearTile === NONE) continue
        const start = index.startOf(nearTile)
        for (let at = index.endOf(nearTile, left) - 1; at >= start; at--) {
          const seats = seatsOf[at] as number
          if (seats < most) break
          const entry = entryAt[at] as number
          const other = this.#root(int(islandOf, entry))
          if (
            other === island ||
            other === best ||
            int(seatsTaken, other) > left ||
            !(isDirtyItself || int(isDirty, other) === 1)
          )
            continue
          if (preferred !== NONE && other !== preferred) continue
          if (best !== NONE && seats === most && int(serial, best) < int(serial, other)) continue
          if (!this.#tiles.areInReach(here, entry)) continue
          best = other
          most = seats
        }
      }
    }
    return best
  }

  /** The winner has more peers, or is older; the loser's peers move and its id is dropped (§5.5). */
  #absorb(winner: number, loser: number, onDepart: (peer: number) => void): void {
    this.#into[loser] = winner
    this.#index.unite(winner, loser)
    for (let peer = int(this.#islands.first, loser); peer !== NONE; peer = int(this.#peers.next, peer)) onDepart(peer)
    this.#islands.absorb(winner, loser)
  }
}

/**
 * The island that most members of an island prefer, NONE if there is none; of equals the one that was preferred first
 * (clustering.md §5.9).
 */
function preferredIslandOf(island: number, peers: PeerTable, islands: IslandTable): number {
  const votes = new Map<string, number>()
  for (let peer = int(islands.first, island); peer !== NONE; peer = int(peers.next, peer)) {
    const room = peers.preferredRoom[peer]
    if (room !== undefined) votes.set(room, (votes.get(room) ?? 0) + 1)
  }
  let preferred: string | undefined
  for (const [room, count] of votes) if (preferred === undefined || count > (votes.get(preferred) ?? 0)) preferred = room
  return preferred === undefined ? NONE : islands.rowOf(preferred)
}

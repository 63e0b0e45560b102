import { int, NONE, real } from './columns.ts'
import { CurveRuns } from './curve-runs.ts'
import { ExchangeRings, type RoomChange } from './exchange-rings.ts'
import type { IslandTable } from './island-table.ts'
import { MoveBudget } from './move-budget.ts'
import { Neighbourhoods } from './neighbourhoods.ts'
import type { PeerTable } from './peer-table.ts'
import { ranksOf, type ScatteredGroup, scatteredGroupsOf } from './scattered-groups.ts'

/** A move has to raise the share of near peers in the same island by at least this much. */
const MIN_SHARE_GAIN = 0.2
/** A peer with this share of its near peers in its island is not moved. */
const SATISFIED_SHARE = 0.6
/** A single peer moves to the island of its neighbours only if at least this share of them is in it. */
const MIN_MAJORITY_SHARE = 0.4
/** A group of which a larger share moved or arrived recently is still gathering. */
const MAX_MOVING_SHARE = 0.03
/** Flushes during which a group that never comes to rest is rebalanced, before it is left alone again. */
const REGROUPING_FLUSHES = 8
/** One flush moves at most one in so many peers, but always a minimum: more reconnects at once would overload the rooms. */
const MAX_MOVES_DIVISOR = 10
const MIN_MOVES_LIMIT = 2500
/** A round takes place at most every so many peers per flush: the more peers, the less often. */
const PEERS_SURVEYED_PER_FLUSH = 5000
/** With more peers than this a round is spread over several flushes. */
const MAX_PEERS_FOR_ONE_FLUSH = 5000
/** Peers whose neighbours are counted in one flush of such a round. */
const PEERS_MEASURED_PER_FLUSH = 20_000
/** Peers for which a better island is looked for in one flush, where a group is divided: only then there are many to be found. */
const PEERS_COMPARED_PER_FLUSH = 10_000

/**
 * Rebalancing: in a crowd larger than an island, neighbours should share an island. A group of scattered islands is divided into
 * runs along the curve, and the peers that gain by it exchange their places; so does a single peer whose neighbours are all in
 * another island. Islands keep their sizes, the moves of each peer are limited, and a peer moves only for a minimum gain.
 */
export class Rebalancing {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #spacing: number
  readonly #budget: MoveBudget
  readonly #neighbours: Neighbourhoods
  readonly #runs: CurveRuns
  readonly #rings = new ExchangeRings()
  /** By serial number of an island: the flush since which it has been scattered. */
  #scatteredSince = new Map<number, number>()
  /** Islands of groups that are still gathering: a peer moved now would only be moved again. */
  readonly #waiting = new Set<number>()
  #round: Iterator<void> | undefined
  #nextRound = 0
  /** Whether another round could find a move: a peer moved, came, left or changed islands, or has to wait for its next move. */
  #mayImprove = false

  /** @param reach metres within which peers count as near; @param spacing flushes between two moves of a peer */
  constructor(peers: PeerTable, islands: IslandTable, reach: number, spacing: number) {
    this.#peers = peers
    this.#islands = islands
    this.#spacing = spacing
    this.#budget = new MoveBudget(peers, spacing)
    this.#neighbours = new Neighbourhoods(peers, reach)
    this.#runs = new CurveRuns(islands)
  }

  add(row: number): void {
    this.#budget.add(row)
  }

  moved(row: number): void {
    this.#budget.moved(row)
    this.#mayImprove = true
  }

  removed(): void {
    this.#mayImprove = true
  }

  /** Runs one step of a round; calls `onDepart` for each peer before it changes islands. */
  rebalance(onDepart: (peer: number) => void): void {
    const now = ++this.#budget.now
    if (!this.#round) {
      if (!this.#mayImprove || now < this.#nextRound) return
      this.#nextRound = now + this.#flushesPerRound
      this.#mayImprove = false
      // Peers that all arrive at once are placed along the curve: there is nothing to rebalance.
      if (this.#islands.rowsById.size === 0) return
      this.#round = this.#runRound(onDepart)
    }
    if (this.#round.next().done) this.#round = undefined
  }

  /** Sorts, measures, plans and moves; with many peers in several flushes, so that none takes long and none moves too many. */
  *#runRound(onDepart: (peer: number) => void): Iterator<void> {
    const isLarge = this.#peers.count > MAX_PEERS_FOR_ONE_FLUSH
    this.#neighbours.sort()
    if (isLarge) yield
    const { count } = this.#neighbours
    for (let from = 0; from < count; from += PEERS_MEASURED_PER_FLUSH) {
      this.#neighbours.measureShares(from, from + PEERS_MEASURED_PER_FLUSH)
      if (isLarge) yield
    }
    const groups = this.#readyGroups()
    if (count > PEERS_MEASURED_PER_FLUSH) yield
    this.#plan(groups)
    this.#rings.begin(this.#islands.rows)
    const atOnce = groups.length > 0 ? PEERS_COMPARED_PER_FLUSH : PEERS_MEASURED_PER_FLUSH
    for (let from = 0; from < count; from += atOnce) {
      if (isLarge) yield
      this.#addChanges(from, Math.min(count, from + atOnce))
    }
    const limit = this.#limit
    let moved = 0
    let isFresh = count <= atOnce
    for (const ring of this.#rings.find(limit * this.#flushesPerRound)) {
      if (moved >= limit) {
        moved = 0
        isFresh = false
        yield
      }
      if (!isFresh && !ring.every((change) => this.#isStillValid(change))) continue
      moved += ring.length
      for (const { peer, to } of ring) {
        onDepart(peer)
        this.#islands.leave(peer)
        this.#islands.join(to, peer)
        this.#budget.spend(peer)
      }
      this.#mayImprove = true
    }
  }

  /** Whether a change planned in an earlier flush is still valid: a peer that is not standing may have walked away. */
  #isStillValid({ peer, from }: RoomChange): boolean {
    return this.#peers.islandOf(peer) === from && this.#mayMove(peer) && this.#budget.isStanding(peer)
  }

  /** Flushes from one round to the next. */
  get #flushesPerRound(): number {
    return Math.ceil(this.#peers.count / PEERS_SURVEYED_PER_FLUSH)
  }

  /** Peers that one flush may move at most. */
  get #limit(): number {
    return Math.max(MIN_MOVES_LIMIT, this.#peers.count / Math.min(MAX_MOVES_DIVISOR, this.#spacing))
  }

  /** The scattered groups that can be divided now; the islands of the others wait. */
  #readyGroups(): ScatteredGroup[] {
    const since = this.#scatteredSince
    this.#scatteredSince = new Map()
    this.#waiting.clear()
    const ready: ScatteredGroup[] = []
    const { count, peer, island: islandOf } = this.#neighbours
    const { rows } = this.#islands
    const moving = this.#budget.movingIn(rows, peer, islandOf, count)
    for (const group of scatteredGroupsOf(this.#neighbours, rows)) {
      if (this.#isReady(group, since, moving)) {
        ready.push(group)
        continue
      }
      this.#mayImprove = true
      for (const island of group.islands) this.#waiting.add(island)
    }
    return ready
  }

  #plan(groups: readonly ScatteredGroup[]): void {
    this.#runs.begin()
    const ranks = ranksOf(groups, this.#neighbours, this.#islands.rows)
    for (const [i, group] of groups.entries())
      this.#runs.assign(group, ranks[i] ?? [], this.#neighbours, (peer) => this.#mayMove(peer))
  }

  /**
   * A group is rebalanced once it has come to rest; one that never does, for a while whenever its peers may be moved again,
   * unless it is too large to be moved at once: before its last peers had moved the first would have walked away.
   */
  #isReady({ islands, size }: ScatteredGroup, since: ReadonlyMap<number, number>, moving: Int32Array): boolean {
    const { now } = this.#budget
    const { serial } = this.#islands
    let first = now
    for (const island of islands) first = Math.min(first, since.get(int(serial, island)) ?? now)
    const waited = now - first
    const startsAgain = waited > this.#spacing + REGROUPING_FLUSHES
    for (const island of islands)
      this.#scatteredSince.set(int(serial, island), startsAgain ? now : (since.get(int(serial, island)) ?? now))
    if (waited >= this.#spacing && size <= 2 * this.#limit) return true
    let inMotion = 0
    for (const island of islands) inMotion += int(moving, island)
    return inMotion <= size * MAX_MOVING_SHARE
  }

  /**
   * A peer in its preferred island stays there (clustering.md §5.9), and a peer alone in its island has none to exchange places
   * with.
   */
  #mayMove(peer: number): boolean {
    const island = this.#peers.islandOf(peer)
    if (island === NONE || !this.#budget.allows(peer) || int(this.#islands.size, island) === 1) return false
    const preferred = this.#peers.preferredRoom[peer]
    return preferred === undefined || preferred !== this.#islands.ids[island]
  }

  /** Adds the peers, from one rank up to, not including, another, that gain by a change; the distance is that to the middle of their island's run. */
  #addChanges(start: number, end: number): void {
    const neighbours = this.#neighbours
    for (let rank = start; rank < end; rank++) {
      if (real(neighbours.share, rank) >= SATISFIED_SHARE || this.#waiting.has(int(neighbours.island, rank))) continue
      const peer = int(neighbours.peer, rank)
      // It left, or changed islands, since the round began.
      if (this.#peers.islandOf(peer) !== int(neighbours.island, rank)) continue
      if (!this.#budget.allows(peer) || !this.#budget.isStanding(peer)) this.#mayImprove = true
      if (!this.#mayMove(peer)) continue
      const to = this.#betterIsland(rank, peer)
      if (to === NONE) continue
      const from = int(neighbours.island, rank)
      const middle = this.#runs.middleOf(from)
      const metres = middle === undefined ? 0 : Math.floor(Math.sqrt(neighbours.squaredDistance(rank, middle)))
      this.#rings.add({ peer, from, to }, metres)
    }
  }

  /** The island of its run, else, for a standing peer, the island of most of its neighbours; NONE if neither gains enough. */
  #betterIsland(rank: number, peer: number): number {
    const neighbours = this.#neighbours
    const here = int(neighbours.island, rank)
    const minShare = real(neighbours.share, rank) + MIN_SHARE_GAIN
    const planned = int(neighbours.intended, rank)
    if (planned !== here && neighbours.shareIn(rank, planned) >= minShare) return planned
    if (!this.#budget.isStanding(peer)) return NONE
    const majority = neighbours.majorityIsland(rank)
    return majority === here || neighbours.majorityShare < Math.max(minShare, MIN_MAJORITY_SHARE) ? NONE : majority
  }
}

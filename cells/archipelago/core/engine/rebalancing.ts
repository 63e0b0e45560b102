import { int, NONE, real } from './columns.ts'
import { CurveRuns } from './curve-runs.ts'
import { exchangeRings, type RoomChange } from './exchange-rings.ts'
import type { IslandTable } from './island-table.ts'
import { MoveBudget } from './move-budget.ts'
import { Neighbourhoods } from './neighbourhoods.ts'
import type { PeerTable } from './peer-table.ts'
import { type ScatteredGroup, scatteredGroupsOf } from './scattered-groups.ts'

/** Who moves gains at least this share of those near. */
const MIN_SHARE_GAIN = 0.2
/** Who has this share of those near is content. */
const SATISFIED_SHARE = 0.6
/** Who stands among strangers goes to the island that has at least this share of those near. */
const MIN_MAJORITY_SHARE = 0.4
/** A crowd of which a larger share came or walked lately is still gathering. */
const MAX_MOVING_SHARE = 0.03
/** Flushes for which a crowd that never comes to rest is sorted out before it is left alone again. */
const REGROUPING_FLUSHES = 8
/** One flush moves no more than one in so many peers, though always a few: else it were a stampede on the rooms. */
const MAX_MOVES_DIVISOR = 10
const MIN_MOVES_LIMIT = 2500
/** Peers that may be surveyed in each flush; a larger city is surveyed the less often. */
const PEERS_SURVEYED_PER_FLUSH = 5000
/** A city with more peers than this is large. */
const MAX_PEERS_FOR_ONE_FLUSH = 20_000

/**
 * Good company: in a crowd larger than an island, the people next to you should be in your island. A scattered crowd is cut into
 * neighbourhoods and whoever gains by it changes places with others; so does the single one who stands among strangers. Islands keep their
 * sizes, the moves of each peer are budgeted, and nobody moves for less than it is worth.
 */
export class Rebalancing {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #spacing: number
  readonly #budget: MoveBudget
  readonly #survey: Neighbourhoods
  readonly #cutting: CurveRuns
  /** By birth of an island: since which flush it is scattered. */
  #scatteredSince = new Map<number, number>()
  /** Islands of crowds that are still gathering: whoever is moved now would only be moved again. */
  readonly #waiting = new Set<number>()
  #round: Iterator<void> | undefined
  #nextRound = 0
  /** Whether another survey could find something to do: somebody stepped, came or left, moved, or has to wait for a move. */
  #isRestless = false

  /** @param reach metres beyond which somebody is no company; @param spacing flushes between two moves of a peer */
  constructor(peers: PeerTable, islands: IslandTable, reach: number, spacing: number) {
    this.#peers = peers
    this.#islands = islands
    this.#spacing = spacing
    this.#budget = new MoveBudget(peers, spacing)
    this.#survey = new Neighbourhoods(peers, reach)
    this.#cutting = new CurveRuns(islands)
  }

  add(slot: number): void {
    this.#budget.add(slot)
  }

  moved(slot: number): void {
    this.#budget.moved(slot)
    this.#isRestless = true
  }

  removed(): void {
    this.#isRestless = true
  }

  /** Improves the company; `depart` hears of each peer that leaves an island for another, before it does. */
  rebalance(depart: (peer: number) => void): void {
    const now = ++this.#budget.now
    if (!this.#round) {
      if (!this.#isRestless || now < this.#nextRound) return
      this.#nextRound = now + this.#flushesPerRound
      this.#isRestless = false
      this.#round = this.#takeRound(depart)
    }
    if (this.#round.next().done) this.#round = undefined
  }

  /** Surveys, plans and moves; in a large city one after the other in several flushes, so that none is long and none moves too many. */
  *#takeRound(depart: (peer: number) => void): Iterator<void> {
    const isLarge = this.#peers.count > MAX_PEERS_FOR_ONE_FLUSH
    this.#survey.sort()
    if (isLarge) yield
    this.#survey.measureShares()
    if (isLarge) yield
    this.#plan()
    const limit = this.#limit
    let moved = 0
    let isFresh = true
    for (const ring of exchangeRings(this.#wanderers(), limit * this.#flushesPerRound)) {
      if (moved >= limit) {
        moved = 0
        isFresh = false
        yield
      }
      if (!isFresh && !ring.every((wanderer) => this.#stillWishes(wanderer))) continue
      moved += ring.length
      for (const { peer, to } of ring) {
        depart(peer)
        this.#islands.leave(peer)
        this.#islands.join(to, peer)
        this.#budget.spend(peer)
      }
      this.#isRestless = true
    }
  }

  /** Whether what was planned for somebody in an earlier flush still holds: whoever does not stand has walked away from it. */
  #stillWishes({ peer, from }: RoomChange): boolean {
    return this.#peers.islandOf(peer) === from && this.#mayMove(peer) && this.#budget.isStanding(peer)
  }

  /** A larger city is surveyed the less often. */
  get #flushesPerRound(): number {
    return Math.ceil(this.#peers.count / PEERS_SURVEYED_PER_FLUSH)
  }

  /** Peers that one flush may move. */
  get #limit(): number {
    return Math.max(MIN_MOVES_LIMIT, this.#peers.count / Math.min(MAX_MOVES_DIVISOR, this.#spacing))
  }

  #plan(): void {
    const since = this.#scatteredSince
    this.#scatteredSince = new Map()
    this.#cutting.begin()
    this.#waiting.clear()
    for (const crowd of scatteredGroupsOf(this.#survey, this.#islands.rows)) {
      if (this.#isReady(crowd, since)) {
        this.#cutting.assign(crowd, this.#survey, (peer) => this.#mayMove(peer))
        continue
      }
      this.#isRestless = true
      for (const island of crowd.islands) this.#waiting.add(island)
    }
  }

  /**
   * A crowd is sorted out when it has come to rest; one that never does is, for a while, whenever the moves of its peers have come back. Not
   * one too large to be moved at a stroke, though: before the last have moved the first have walked away.
   */
  #isReady({ islands, ranks }: ScatteredGroup, since: ReadonlyMap<number, number>): boolean {
    const { now } = this.#budget
    const births = islands.map((island) => int(this.#islands.serial, island))
    const waited = births.reduce((longest, birth) => Math.max(longest, now - (since.get(birth) ?? now)), 0)
    const startsAgain = waited > this.#spacing + REGROUPING_FLUSHES
    for (const birth of births) this.#scatteredSince.set(birth, startsAgain ? now : (since.get(birth) ?? now))
    if (waited >= this.#spacing && ranks.length <= 2 * this.#limit) return true
    let inMotion = 0
    for (const rank of ranks) if (!this.#budget.isStanding(int(this.#survey.peer, rank))) inMotion++
    return inMotion <= ranks.length * MAX_MOVING_SHARE
  }

  /** Who is where it wishes to be stays there (clustering.md §5.9), and who is alone has nobody to change places with. */
  #mayMove(peer: number): boolean {
    const island = this.#peers.islandOf(peer)
    if (island === NONE || !this.#budget.allows(peer) || int(this.#islands.size, island) === 1) return false
    const wish = this.#peers.preferredRoom[peer]
    return wish === undefined || wish !== this.#islands.ids[island]
  }

  /** Whoever gains by changing places, those last who are the farthest from where their island is to be: they go first. */
  #wanderers(): RoomChange[] {
    const wanderers: RoomChange[] = []
    const astray = new Map<number, number>()
    const survey = this.#survey
    for (let rank = 0; rank < survey.count; rank++) {
      if (real(survey.share, rank) >= SATISFIED_SHARE) continue
      const peer = int(survey.peer, rank)
      // It left, or moved on, since the survey.
      if (this.#peers.islandOf(peer) !== int(survey.island, rank)) continue
      if (!this.#budget.allows(peer) || !this.#budget.isStanding(peer)) this.#isRestless = true
      if (!this.#mayMove(peer) || this.#waiting.has(int(survey.island, rank))) continue
      const to = this.#betterThanHere(rank, peer)
      if (to === NONE) continue
      const middle = this.#cutting.middleOf(int(survey.island, rank))
      astray.set(peer, middle === undefined ? 0 : survey.squaredDistance(rank, middle))
      wanderers.push({ peer, from: int(survey.island, rank), to })
    }
    return wanderers.sort((a, b) => (astray.get(a.peer) ?? 0) - (astray.get(b.peer) ?? 0))
  }

  /** The island of its run, else, for one who stands, the island of those around; NONE when neither is worth the move. */
  #betterThanHere(rank: number, peer: number): number {
    const survey = this.#survey
    const here = int(survey.island, rank)
    const worthIt = real(survey.share, rank) + MIN_SHARE_GAIN
    const planned = int(survey.intended, rank)
    if (planned !== here && survey.shareIn(rank, planned) >= worthIt) return planned
    if (!this.#budget.isStanding(peer)) return NONE
    const around = survey.majorityIsland(rank)
    if (around === NONE || around === here || survey.shareIn(rank, around) < Math.max(worthIt, MIN_MAJORITY_SHARE)) return NONE
    return around
  }
}

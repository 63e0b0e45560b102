import { longer } from './columns.ts'
import { TIERS } from './messages/server-message.ts'
import type { Grid, Player } from './player.ts'
import type { PlayerEntries } from './player-entries.ts'
import { VIEW, VIEW_LENGTH } from './view-list.ts'

/** How far players see each other. */
export interface VisibilityLimits {
  /** Metres up to which a player is in a tier, by tier. */
  tierMetres: readonly number[]
  /** The nearest so many players can be in a tier, by tier; the last number bounds all whom one player sees. */
  tierPlayers: readonly number[]
  /** A player that is seen stays so up to this many times the distance. */
  hysteresis: number
}

/** What clients expect of distances; an explorer draws about a hundred avatars. */
export const defaultVisibility: VisibilityLimits = {
  tierMetres: [30, 60, 200],
  tierPlayers: [24, 64, 100],
  hysteresis: 1.1,
}

/** Is told who comes into view and who goes out of it. */
export interface VisibilityListener {
  enter(observer: Player, player: Player, tier: number): void
  /** The view in this row ends. */
  leave(observer: Player, row: number): void
}

/** Width of the distances that are counted together, in metres. */
const BAND = 1
const OUT_OF_SIGHT = 0xffff
const FIRST_ROWS = 128

/**
 * Finds whom a player sees, and in which tier: the nearest ones, up to a number. Distances are counted in bands of a metre, so that no
 * crowd has to be sorted.
 */
export class Visibility {
  readonly #entries: PlayerEntries
  readonly #limits: VisibilityLimits
  readonly #range: number
  readonly #maxPlayers: number
  readonly #bands: Uint32Array
  /** The band of each view of the observer, by row. */
  #viewBands = new Uint16Array(FIRST_ROWS)
  /** Others in range and their bands; only the first `#count` count, so that the arrays are used again. */
  readonly #found: Player[] = []
  #foundBands = new Uint16Array(FIRST_ROWS)
  #count = 0
  /** The last band of each tier, and how many players of that band are in it. */
  readonly #lastBands = new Int32Array(TIERS)
  readonly #free = new Int32Array(TIERS)
  #round = 0

  constructor(entries: PlayerEntries, limits: VisibilityLimits = defaultVisibility) {
    this.#entries = entries
    this.#limits = limits
    this.#range = limits.tierMetres.at(-1) ?? 0
    this.#maxPlayers = limits.tierPlayers.at(-1) ?? 0
    this.#bands = new Uint32Array(Math.ceil(this.#range / BAND) + 1)
  }

  /** Sets the tier of the views of those whom the observer still sees, and tells the listener of the others. */
  update(observer: Player, grid: Grid, listener: VisibilityListener): void {
    this.#round++
    this.#bands.fill(0)
    this.#findOthers(observer, grid, this.#countViews(observer))
    this.#divide()
    const { views } = observer
    views.nearestTier = TIERS
    // Backwards: the last row takes the place of one that is removed.
    for (let row = views.count - 1; row >= 0; row--) {
      const tier = this.#tierOf(this.#viewBands[row] ?? OUT_OF_SIGHT)
      if (tier < 0) listener.leave(observer, row)
      else {
        views.set(row, VIEW.tier, tier)
        if (tier < views.nearestTier) views.nearestTier = tier
      }
    }
    for (let i = 0; i < this.#count; i++) {
      const tier = this.#tierOf(this.#foundBands[i] ?? OUT_OF_SIGHT)
      const player = this.#found[i]
      if (player && tier >= 0) listener.enter(observer, player, tier)
    }
  }

  /** Shows a player that has just arrived to those around it, unless they see as many as they may; their next looks put it into its tier. */
  arrive(player: Player, grid: Grid, listener: VisibilityListener): void {
    const { x, z, subject } = player
    const { tierMetres } = this.#limits
    for (const { players, places } of grid.around(x, z, this.#range)) {
      for (let i = 0; i < players.length; i++) {
        const other = players[i]
        if (!other?.client || other === player || other.views.count >= this.#maxPlayers) continue
        const metres = Math.hypot((places[2 * i] ?? 0) - x, (places[2 * i + 1] ?? 0) - z)
        if (metres > this.#range || other.views.rowOf(subject) >= 0) continue
        const tier = tierMetres.findIndex((limit) => metres <= limit)
        listener.enter(other, player, tier)
      }
    }
  }

  /**
   * Counts the players that the observer sees already, which count as nearer than they are; one that has left the realm, too, until the
   * observer is told. Returns the distance from which on others are farther than as many players as it may see.
   */
  #countViews({ views, x, z }: Player): number {
    const { count, table } = views
    const { places, seenIn } = this.#entries
    if (this.#viewBands.length < count) this.#viewBands = new Uint16Array(2 * count)
    let inRange = 0
    let farthest = 0
    for (let row = 0; row < count; row++) {
      const entry = table[row * VIEW_LENGTH + VIEW.entry] as number
      seenIn[entry] = this.#round
      const dx = (places[2 * entry] as number) - x
      const dz = (places[2 * entry + 1] as number) - z
      const felt = Math.sqrt(dx * dx + dz * dz) / this.#limits.hysteresis
      if (felt > this.#range) {
        this.#viewBands[row] = OUT_OF_SIGHT
        continue
      }
      const band = Math.floor(felt / BAND)
      this.#viewBands[row] = band
      this.#bands[band] = (this.#bands[band] ?? 0) + 1
      inRange++
      if (band > farthest) farthest = band
    }
    return inRange < this.#maxPlayers ? this.#range : Math.min(this.#range, (farthest + 1) * BAND)
  }

  /** Counts the players up to a distance that the observer does not see yet. */
  #findOthers(observer: Player, grid: Grid, metres: number): void {
    const { x, z } = observer
    const limit = metres * metres
    this.#count = 0
    const { seenIn } = this.#entries
    for (const { players, entries, places } of grid.around(x, z, metres)) {
      for (let i = 0; i < players.length; i++) {
        const dx = (places[2 * i] ?? 0) - x
        const dz = (places[2 * i + 1] ?? 0) - z
        const squared = dx * dx + dz * dz
        if (squared > limit) continue
        if (seenIn[entries[i] ?? 0] === this.#round) continue
        const player = players[i]
        if (!player || player === observer) continue
        this.#keep(player, Math.floor(Math.sqrt(squared) / BAND))
      }
    }
  }

  #keep(player: Player, band: number): void {
    if (this.#count === this.#foundBands.length) this.#foundBands = longer(this.#foundBands, new Uint16Array(2 * this.#count))
    this.#bands[band] = (this.#bands[band] ?? 0) + 1
    this.#found[this.#count] = player
    this.#foundBands[this.#count++] = band
  }

  /** Finds the last band of each tier: by its distance, or where its number of players is reached, which may be in the midst of it. */
  #divide(): void {
    const { tierMetres, tierPlayers } = this.#limits
    let nearer = 0
    let tier = 0
    for (let band = 0; tier < TIERS && band < this.#bands.length; band++) {
      const players = this.#bands[band] ?? 0
      for (; tier < TIERS; tier++) {
        const isLast = (band + 1) * BAND >= (tierMetres[tier] ?? 0)
        const free = (tierPlayers[tier] ?? 0) - nearer
        if (!isLast && players <= free) break
        this.#lastBands[tier] = band
        this.#free[tier] = free
      }
      nearer += players
    }
  }

  /** The tier of the next player of a band; -1 = it is not seen. */
  #tierOf(band: number): number {
    for (let tier = 0; tier < TIERS; tier++) {
      const last = this.#lastBands[tier] ?? 0
      if (band < last) return tier
      if (band > last || (this.#free[tier] ?? 0) <= 0) continue
      // The number of a tier includes those of nearer ones.
      for (let farther = tier; this.#lastBands[farther] === band; farther++) this.#free[farther] = (this.#free[farther] ?? 0) - 1
      return tier
    }
    return -1
  }
}

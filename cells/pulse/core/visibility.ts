import { TIERS } from './messages/server-message.ts'
import type { GridCell, Player } from './player.ts'
import type { PlayerGrid } from './player-grid.ts'

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

/** Width of the distances that are counted together, in metres. */
const BAND = 1

/**
 * Finds whom a player sees, and in which tier: the nearest ones, up to a number. Distances are counted in bands of a metre, so that no
 * crowd has to be sorted.
 */
export class Visibility {
  readonly #limits: VisibilityLimits
  readonly #bands: Uint32Array
  /** Players in range and their bands; only the first `#count` count, so that the arrays are used again. */
  readonly #found: Player[] = []
  readonly #foundBands: number[] = []
  #count = 0
  /** The last band of each tier, and how many players of that band are in it. */
  readonly #lastBands = new Int32Array(TIERS)
  readonly #free = new Int32Array(TIERS)
  #round = 0

  constructor(limits: VisibilityLimits = defaultVisibility) {
    this.#limits = limits
    this.#bands = new Uint32Array(Math.ceil((limits.tierMetres.at(-1) ?? 0) / BAND) + 1)
  }

  /**
   * Calls `enter` for each player that the observer sees and did not see before, sets the tier of the views of those it still sees,
   * and calls `leave` for each it does not see any more.
   */
  update(
    observer: Player,
    grid: PlayerGrid,
    enter: (player: Player, tier: number) => void,
    leave: (player: Player) => void,
  ): void {
    this.#round++
    for (const view of observer.views) view.player.seenIn = this.#round
    this.#find(observer, grid)
    this.#divide()
    for (let i = 0; i < this.#count; i++) {
      const player = this.#found[i]
      const tier = this.#tierOf(this.#foundBands[i] ?? 0)
      if (!player || tier === undefined) continue
      const view = player.seenIn === this.#round ? observer.viewOf.get(player.subject) : undefined
      if (view) {
        view.tier = tier
        view.foundIn = this.#round
      } else enter(player, tier)
    }
    // Backwards: the last view takes the place of one that is removed. Those that entered are not in the round.
    for (let i = observer.views.length - 1; i >= 0; i--) {
      const view = observer.views[i]
      if (view && view.foundIn !== this.#round && view.foundIn !== 0) leave(view.player)
      else if (view) view.foundIn = this.#round
    }
  }

  /** Counts the players in range by the band of their distance. One that is seen counts as nearer than it is. */
  #find(observer: Player, grid: PlayerGrid): void {
    const { tierMetres, hysteresis } = this.#limits
    const range = tierMetres.at(-1) ?? 0
    this.#bands.fill(0)
    this.#count = 0
    grid.around(observer.x, observer.z, range * hysteresis, (cell: GridCell) => {
      for (const player of cell) {
        if (player === observer) continue
        const [dx, dz] = [player.x - observer.x, player.z - observer.z]
        const distance = Math.sqrt(dx * dx + dz * dz)
        const felt = player.seenIn === this.#round ? distance / hysteresis : distance
        if (felt > range) continue
        const band = Math.floor(felt / BAND)
        this.#bands[band] = (this.#bands[band] ?? 0) + 1
        this.#found[this.#count] = player
        this.#foundBands[this.#count++] = band
      }
    })
  }

  /** Finds the last band of each tier: by its distance, or where its number of players is reached, which may be in the midst of it. */
  #divide(): void {
    const { tierMetres, tierPlayers } = this.#limits
    let nearer = 0
    let tier = 0
    for (let band = 0; band < this.#bands.length; band++) {
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

  #tierOf(band: number): number | undefined {
    for (let tier = 0; tier < TIERS; tier++) {
      const last = this.#lastBands[tier] ?? 0
      if (band < last) return tier
      const free = this.#free[tier] ?? 0
      if (band > last || free <= 0) continue
      this.#free[tier] = free - 1
      return tier
    }
    return undefined
  }
}

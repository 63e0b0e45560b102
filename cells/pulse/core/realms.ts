import type { Player } from './player.ts'
import { PlayerGrid } from './player-grid.ts'
import type { HiddenReason, HiddenReasonOf } from './realm-sessions.ts'

const MAX_NUMBER = 8_192

/** Which players are in which realm, and which of them are shown there. Realms are compared without regard to case. */
export class Realms {
  readonly #grids = new Map<string, PlayerGrid>()
  readonly #hiddenReason: HiddenReasonOf
  readonly #onHidden: (player: Player) => void
  #nextNumber = 0

  /** @param onHidden is called with a player that sees no other player any more */
  constructor(hiddenReason: HiddenReasonOf, onHidden: (player: Player) => void) {
    this.#hiddenReason = hiddenReason
    this.#onHidden = onHidden
  }

  /** A player has announced that it is in a realm, which it may have been before. */
  enter(player: Player, spelled: string): void {
    const realm = spelled.toLowerCase()
    const hidden = this.#hiddenReason(realm, player.wallet) !== undefined
    if (player.realm !== undefined && (hidden || player.realm !== realm)) this.#hide(player)
    player.spelledRealm = spelled
    if (!hidden) this.#show(player, realm)
  }

  /** It was shown in its realm by another relay. */
  restore(player: Player): void {
    if (player.realm !== undefined) this.#gridOf(player.realm).place(player)
  }

  /** Shows or hides a player whose permission has changed since it announced its realm; returns the reason if it is hidden. */
  review(player: Player): HiddenReason | undefined {
    if (player.spelledRealm === undefined) return undefined
    const realm = player.spelledRealm.toLowerCase()
    const reason = this.#hiddenReason(realm, player.wallet)
    if (reason && player.realm !== undefined) this.#hide(player)
    else if (!reason && player.realm === undefined) this.#show(player, realm)
    return reason
  }

  /** Those who are shown in a realm, which is in lower case. */
  playersIn(realm: string): Iterable<Player> {
    return this.#grids.get(realm)?.players() ?? []
  }

  /** Those who see it are told when it is their turn. */
  leave(player: Player): void {
    const { grid, realm = '' } = player
    grid?.remove(player)
    if (grid?.isEmpty) this.#grids.delete(realm)
  }

  #show(player: Player, realm: string): void {
    player.realm = realm
    player.hasMoved = true
    this.#gridOf(realm).place(player)
  }

  #hide(player: Player): void {
    this.leave(player)
    this.#onHidden(player)
    player.realm = undefined
  }

  #gridOf(realm: string): PlayerGrid {
    const known = this.#grids.get(realm)
    if (known) return known
    // Numbers are used again: few exist at a time, and one that is used twice costs nothing but time.
    this.#nextNumber = (this.#nextNumber + 1) % MAX_NUMBER
    const grid = new PlayerGrid(this.#nextNumber)
    this.#grids.set(realm, grid)
    return grid
  }
}

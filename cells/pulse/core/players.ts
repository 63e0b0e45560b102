import type { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import type { PeerId } from '../../wire/peer.ts'
import { readPlayers, writePlayers } from './frozen-relay.ts'
import { Player } from './player.ts'
import { PlayerEntries } from './player-entries.ts'
import { SubjectIds } from './subject-ids.ts'

/** All players of a relay: those with a client, and those whose connection was lost, for as long as they may come back. */
export class Players {
  readonly entries = new PlayerEntries()
  readonly #subjects: SubjectIds
  readonly #byWallet = new Map<PeerId, Player>()
  readonly #list: Player[] = []
  /** Players without a client, and until when they stay. */
  readonly #lingering = new Map<Player, number>()
  /** How often a player has come or gone. */
  changes = 0

  /** @param maxWallets wallets whose numbers are remembered */
  constructor(maxWallets: number) {
    this.#subjects = new SubjectIds(maxWallets)
  }

  /** Players with a client. */
  get size(): number {
    return this.#list.length - this.#lingering.size
  }

  /** In an order that changes only where one is removed: the last one takes its place. */
  get all(): readonly Player[] {
    return this.#list
  }

  find(wallet: PeerId): Player | undefined {
    return this.#byWallet.get(wallet)
  }

  create(wallet: PeerId): Player {
    const { subject, sequence } = this.#subjects.of(wallet)
    const player = new Player(subject, wallet, sequence, this.entries)
    this.#add(player)
    return player
  }

  /** Its connection was lost. */
  linger(player: Player, untilMs: number): void {
    this.#lingering.set(player, untilMs)
  }

  /** It has a client again. */
  isBack(player: Player): void {
    this.#lingering.delete(player)
  }

  /** Those who have not come back in time. */
  overdue(nowMs: number): Player[] {
    return [...this.#lingering].flatMap(([player, untilMs]) => (untilMs <= nowMs ? [player] : []))
  }

  /** Its number and its sequence go on when it comes back. */
  remove(player: Player): void {
    this.#lingering.delete(player)
    this.#byWallet.delete(player.wallet)
    const last = this.#list.pop()
    if (last && last !== player) {
      this.#list[player.index] = last
      last.index = player.index
    }
    this.entries.give(player.entry)
    this.changes++
    this.#subjects.keep(player.wallet, { subject: player.subject, sequence: player.sequence })
  }

  /** Writes what `thaw` reads in another process. */
  freeze(writer: ByteWriter, nowMs: number): void {
    this.#subjects.freeze(writer)
    const handed = this.#list.map((player) => {
      const until = this.#lingering.get(player)
      return { player, lingerMs: until === undefined ? undefined : until - nowMs }
    })
    writePlayers(writer, handed, nowMs)
  }

  /** Takes players over, each without a client and for at most `lingerMs`. @throws RangeError when the bytes are not those of `freeze` */
  thaw(frozen: ByteReader, lingerMs: number, nowMs: number): void {
    this.#subjects.thaw(frozen)
    for (const handed of readPlayers(frozen, this.entries, nowMs)) {
      this.#add(handed.player)
      this.#lingering.set(handed.player, nowMs + (handed.lingerMs ?? lingerMs))
    }
  }

  #add(player: Player): void {
    player.index = this.#list.push(player) - 1
    this.#byWallet.set(player.wallet, player)
    this.changes++
  }
}

import type { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import type { PeerId, Position } from '../../wire/peer.ts'
import { Emotes } from './emotes.ts'
import { type AvatarState, FIELD, standStill } from './messages/avatar-state.ts'
import type { EmoteRequest, InitialState } from './messages/pulse-request.ts'
import { offsetOf } from './messages/server-message.ts'
import { clampParcel, worldY } from './parcel-grid.ts'
import type { Grid, Player, RelayClient } from './player.ts'
import { Players } from './players.ts'
import type { HiddenReason, HiddenReasonOf } from './realm-sessions.ts'
import { Realms } from './realms.ts'
import { FULL_RATES, type SendRates } from './send-rates.ts'
import { ServingOrder } from './serving-order.ts'
import { ViewSender } from './view-sender.ts'
import { defaultVisibility, Visibility, type VisibilityLimits } from './visibility.ts'

export interface RelayOptions {
  /** Milliseconds of a clock that never goes back; ticks are counted from `startedAtMs` on. */
  startedAtMs: number
  visibility?: VisibilityLimits
  /** Wallets whose numbers are remembered. */
  maxWallets?: number
  /** How long a player whose connection was lost stays visible, in milliseconds. */
  lingerMs?: number
  /** Why a wallet is hidden in a realm, in lower case: it neither sees nor is seen there. By default none is. */
  hiddenReason?: HiddenReasonOf
  /** What another relay has written with `freeze`: this one goes on in its place, as soon as each player has its client again. */
  frozen?: ByteReader
}

const MAX_WALLETS = 100_000
const LINGER_MS = 5_000

/**
 * Who is where, and who is told about it. Pure: time is passed in, messages go to the clients of the players. Players of one realm see
 * each other, realms are compared without regard to case.
 */
export class Relay {
  readonly #startedAtMs: number
  readonly #lingerMs: number
  readonly #visibility: Visibility
  readonly #sender: ViewSender
  readonly #players: Players
  readonly #realms: Realms
  readonly #emotes = new Emotes()
  readonly #order = new ServingOrder()
  #ticks = 0
  /** Ticks in which each observer's field of vision is looked at once. */
  #lookTicks = FULL_RATES.lookTicks

  constructor({
    startedAtMs,
    visibility = defaultVisibility,
    maxWallets = MAX_WALLETS,
    lingerMs = LINGER_MS,
    hiddenReason = () => undefined,
    frozen,
  }: RelayOptions) {
    // The ticks of the other relay go on.
    this.#startedAtMs = startedAtMs - (frozen?.f64() ?? 0)
    this.#lingerMs = lingerMs
    this.#players = new Players(maxWallets)
    this.#sender = new ViewSender(this.#players.entries)
    this.#realms = new Realms(hiddenReason, (player) => this.#sender.leaveAll(player))
    this.#visibility = new Visibility(this.#players.entries, visibility)
    if (frozen) this.#thaw(frozen, startedAtMs)
  }

  /** Players with a client. */
  get size(): number {
    return this.#players.size
  }

  /** Deltas that were sent, and those that were made for them. */
  get deltas(): { sent: number; encoded: number } {
    return this.#sender
  }

  find(wallet: PeerId): Player | undefined {
    return this.#players.find(wallet)
  }

  /** Gives a player a client; the one it had gets nothing more. Returns the player. */
  connect(wallet: PeerId, client: RelayClient, initial: InitialState | undefined, nowMs: number): Player {
    const player = this.#players.find(wallet) ?? this.#players.create(wallet)
    this.#players.isBack(player)
    // The new client knows nothing of what the former one was sent.
    this.#sender.forgetViews(player)
    player.client = client
    if (initial) this.#resume(player, initial, nowMs)
    return player
  }

  /** Gives a player that was handed over its client again, which knows what it was sent. */
  resume(wallet: PeerId, client: RelayClient): Player | undefined {
    const player = this.#players.find(wallet)
    if (!player || player.client) return undefined
    this.#players.isBack(player)
    player.client = client
    return player
  }

  /** Writes all that another relay needs to go on in the place of this one, which is not to be used any more. */
  freeze(writer: ByteWriter, nowMs: number): void {
    writer.f64(nowMs - this.#startedAtMs)
    this.#players.freeze(writer, nowMs)
  }

  /** The client of a player is gone. A player that left on its own leaves at once, one whose connection was lost may come back. */
  disconnect(player: Player, client: RelayClient, how: 'left' | 'lost', nowMs: number): void {
    if (player.client !== client) return
    player.client = undefined
    this.#sender.forgetViews(player)
    if (how === 'left') this.#remove(player)
    else this.#players.linger(player, nowMs + this.#lingerMs)
  }

  /** A state that a client sent; one that changes nothing is not passed on. */
  input(player: Player, state: AvatarState, nowMs: number): void {
    if (player.realm === undefined) return
    clampParcel(state)
    if (player.isAt(state)) return
    player.become(state, this.#tickAt(nowMs))
    player.grid?.place(player)
  }

  /** Arrives in a realm, or somewhere else in the same one. */
  teleport(player: Player, { state: target, realm }: { state: AvatarState; realm: string }, nowMs: number): void {
    const state = player.state()
    for (let field = FIELD.parcel; field <= FIELD.positionZ; field++) state[field] = target[field] ?? 0
    clampParcel(state)
    standStill(state)
    player.become(state, this.#tickAt(nowMs))
    player.markTeleport()
    this.#emotes.interrupt(player)
    this.#realms.enter(player, realm)
  }

  startEmote(player: Player, emote: EmoteRequest, state: AvatarState, nowMs: number): void {
    if (player.realm === undefined) return
    clampParcel(state)
    const tick = this.#tickAt(nowMs)
    player.become(state, tick)
    player.grid?.place(player)
    this.#emotes.start(player, emote, tick)
  }

  stopEmote(player: Player, nowMs: number): void {
    this.#emotes.stop(player, this.#tickAt(nowMs))
  }

  announceProfile(player: Player, version: number): void {
    player.profileVersion = version
    player.changed()
  }

  /** A client missed something of a player. One that it does not see is answered as far as it may know it. */
  resync(player: Player, request: { subject: number; knownSequence: number }): void {
    this.#sender.requestFull(player, request)
  }

  /** Shows and hides players whose permission has changed since they announced their realm; returns the reasons of those hidden. */
  review(): HiddenReason[] {
    const reasons: HiddenReason[] = []
    for (const player of this.#players.all) {
      const reason = this.#realms.review(player)
      if (reason) reasons.push(reason)
    }
    return reasons
  }

  /** The same, of the players with these wallets only. */
  reviewOnly(wallets: readonly PeerId[]): void {
    for (const wallet of wallets) {
      const player = this.#players.find(wallet)
      if (player) this.#realms.review(player)
    }
  }

  /** Where a wallet is in a realm, in lower case; undefined when it has not announced that it is there. */
  positionOf(wallet: PeerId, realm: string): Position | undefined {
    const player = this.#players.find(wallet)
    if (player?.spelledRealm?.toLowerCase() !== realm) return undefined
    return { x: player.x, y: worldY(player.states, offsetOf(player.sequence)), z: player.z }
  }

  /** Those who are shown in a realm, which is in lower case. */
  playersIn(realm: string): Iterable<{ readonly wallet: PeerId }> {
    return this.#realms.playersIn(realm)
  }

  /** A whole round: sends what has changed. To be called 20 times a second. */
  tick(nowMs: number, rates = FULL_RATES): void {
    this.begin(nowMs, rates)
    this.serve(0, 1)
  }

  /** Begins a round. */
  begin(nowMs: number, rates: SendRates): void {
    this.#ticks++
    for (const player of this.#players.overdue(nowMs)) this.#remove(player)
    this.#lookTicks = rates.lookTicks
    this.#emotes.endDue(this.#tickAt(nowMs))
    this.#sender.beginTick(this.#ticks, nowMs, rates)
    this.#order.follow(this.#players, this.#ticks)
  }

  /** Serves a part of the players in the round that has begun; part 0 is the first of `parts`. */
  serve(part: number, parts: number): void {
    const { players } = this.#order
    const end = Math.floor((players.length * (part + 1)) / parts)
    for (let i = Math.floor((players.length * part) / parts); i < end; i++) {
      const player = players[i]
      if (!player?.client || !player.grid) continue
      if (player.hasMoved || this.#isDue(player, i / players.length)) this.#look(player, player.grid)
      this.#sender.send(player)
    }
  }

  #thaw(frozen: ByteReader, nowMs: number): void {
    this.#players.thaw(frozen, this.#lingerMs, nowMs)
    for (const player of this.#players.all) {
      this.#emotes.resume(player)
      this.#realms.restore(player)
    }
  }

  #resume(player: Player, { state, realm, emote }: InitialState, nowMs: number): void {
    clampParcel(state)
    const tick = this.#tickAt(nowMs)
    player.become(state, tick)
    this.#emotes.interrupt(player)
    this.#realms.enter(player, realm)
    if (emote) this.#emotes.start(player, emote, Math.max(0, tick - emote.elapsedMs))
  }

  #remove(player: Player): void {
    this.#realms.leave(player)
    this.#emotes.forget(player)
    this.#sender.forget(player)
    this.#players.remove(player)
  }

  /**
   * Whether to look for whom a player sees: neighbours in the same round. Players change places in the order, so that one may be passed over.
   *
   * @param place its place in the order, from 0 to 1
   */
  #isDue({ lookedAt }: Player, place: number): boolean {
    const rounds = this.#lookTicks
    return Math.floor(place * rounds) === this.#ticks % rounds || this.#ticks - lookedAt >= 2 * rounds
  }

  #look(player: Player, grid: Grid): void {
    player.lookedAt = this.#ticks
    this.#visibility.update(player, grid, this.#sender)
    if (player.hasMoved) this.#visibility.arrive(player, grid, this.#sender)
    player.hasMoved = false
    this.#sender.repeat(player)
  }

  #tickAt(nowMs: number): number {
    return Math.floor(nowMs - this.#startedAtMs) >>> 0
  }
}

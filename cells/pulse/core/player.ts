import type { PeerId } from '../../wire/peer.ts'
import { type AvatarState, STATE_LENGTH } from './messages/avatar-state.ts'
import type { EmoteRequest } from './messages/pulse-request.ts'
import { EMOTE_STOP_REASON, offsetOf, REMEMBERED_STATES, type Subject } from './messages/server-message.ts'
import { worldX, worldZ } from './parcel-grid.ts'
import { PlayerEntries } from './player-entries.ts'
import { ViewList } from './view-list.ts'

/** The client of a player. Messages are copied before the call returns: their bytes are used again. */
export interface RelayClient {
  sendReliable(message: Uint8Array): void
  /**
   * `count` messages in parts of `bytes`, with the beginning and the end of each in `ranges`. Each may be lost, and is dropped when a later
   * one has overtaken it.
   */
  sendUnreliable(bytes: Uint8Array, ranges: Uint32Array, count: number): void
  /** No more messages follow in this round. */
  flush(): void
}

/** An emote that a player shows. */
export interface RunningEmote {
  emoteId: string
  mask: number | undefined
  /** In ticks. */
  startTick: number
  /** In ticks; undefined when it repeats until it is stopped. */
  endTick: number | undefined
}

/** The changes of players that are gone are of no interest. */
const goneEntries = new PlayerEntries()

/** The players of one square of a realm, with their entries and their places in the same order, so that most are passed over by their place alone. */
export interface GridCell {
  readonly players: Player[]
  readonly entries: number[]
  /** x and z of each player, in metres. */
  places: Float64Array
}

/** The players of one realm by their places. */
export interface Grid {
  /** Tells grids apart. */
  readonly number: number
  readonly isEmpty: boolean
  /** Puts a player where it is, or moves it there. */
  place(player: Player): void
  remove(player: Player): void
  /** The squares that are at most `radius` metres from a place; valid until the next call. */
  around(x: number, z: number, radius: number): readonly GridCell[]
}

/** A player in the relay: its last states, who sees it, and what its own client was sent. */
export class Player implements Subject {
  // What each observer looks at in each round comes first, so that it shares a line or two of the processor's cache.
  sequence: number
  /** The grid of its realm, which tells realms apart; undefined while it is in none, and once it was removed. */
  grid: Grid | undefined
  profileVersion = 0
  /** The sequence of its last teleport, emote or end of an emote. */
  eventAt = -1
  readonly entry: number
  readonly subject: number
  readonly wallet: PeerId
  readonly states = new Int32Array(REMEMBERED_STATES * STATE_LENGTH)
  tick = 0
  emote: RunningEmote | undefined
  /** How its client spells the realm, and the realm; both undefined until the client has announced it: it is invisible before. */
  spelledRealm: string | undefined
  realm: string | undefined
  /** In metres. */
  x = 0
  z = 0
  /** Undefined between a lost connection and the next one. */
  client: RelayClient | undefined
  /** Whether it has just arrived: whom it sees is not known yet. */
  hasMoved = false
  /** The round in which was looked last for whom it sees. */
  lookedAt = 0
  /** Sequences of its last teleport, emote and end of an emote: observers that were sent less get a message of their own. */
  teleportedAt = -1
  emoteStartedAt = -1
  emoteStoppedAt = -1
  emoteStopReason: number = EMOTE_STOP_REASON.completed
  /** Those it sees. */
  readonly views = new ViewList<Player>()
  /** Its place in the grid. */
  cell: GridCell | undefined
  cellKey = 0
  cellIndex = 0
  /** Its place in the list of all players. */
  index = 0
  readonly #entries: PlayerEntries

  /** @param entries where it has its entry; a player that is gone needs none */
  constructor(subject: number, wallet: PeerId, sequence: number, entries?: PlayerEntries) {
    this.#entries = entries ?? goneEntries
    this.entry = entries?.take() ?? 0
    this.subject = subject
    this.wallet = wallet
    this.sequence = sequence
    this.#entries.sequences[this.entry] = sequence
  }

  /** Something that observers are told of besides the state is another than before. */
  changed(): void {
    this.#entries.changed(this.entry)
  }

  /** Whether a state is the one it has. */
  isAt(state: AvatarState): boolean {
    const at = offsetOf(this.sequence)
    for (let i = 0; i < STATE_LENGTH; i++) if (this.states[at + i] !== state[i]) return false
    return true
  }

  /** Takes the next state. */
  become(state: AvatarState, tick: number): void {
    this.sequence = (this.sequence + 1) >>> 0
    this.#entries.sequences[this.entry] = this.sequence
    this.tick = tick
    this.states.set(state, offsetOf(this.sequence))
    this.locate()
  }

  /** Finds out from its state where it is. */
  locate(): void {
    const at = offsetOf(this.sequence)
    this.x = worldX(this.states, at)
    this.z = worldZ(this.states, at)
    this.#entries.moved(this.entry, this.x, this.z)
  }

  /** A copy of its state. */
  state(): AvatarState {
    const at = offsetOf(this.sequence)
    return this.states.slice(at, at + STATE_LENGTH)
  }

  markTeleport(): void {
    this.teleportedAt = this.eventAt = this.sequence
    this.changed()
  }

  startEmote({ emoteId, mask, durationMs }: EmoteRequest, startTick: number): void {
    this.emote = { emoteId, mask, startTick, endTick: durationMs === undefined ? undefined : startTick + durationMs }
    this.emoteStartedAt = this.eventAt = this.sequence
    this.changed()
  }

  stopEmote(reason: number): void {
    this.emote = undefined
    this.emoteStopReason = reason
    this.emoteStoppedAt = this.eventAt = this.sequence
    this.changed()
  }
}

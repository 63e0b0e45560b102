import type { PeerId } from '../../wire/peer.ts'
import { type AvatarState, STATE_LENGTH } from './messages/avatar-state.ts'
import type { EmoteRequest } from './messages/pulse-request.ts'
import { EMOTE_STOP_REASON, offsetOf, REMEMBERED_STATES, type Subject } from './messages/server-message.ts'
import { worldX, worldZ } from './parcel-grid.ts'

/** The client of a player. Messages are copied before the call returns: their bytes are used again. */
export interface RelayClient {
  sendReliable(message: Uint8Array): void
  /** May be lost, and is dropped when a later one has overtaken it. */
  sendUnreliable(message: Uint8Array): void
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

/** Players of one square of one realm. */
export type GridCell = Player[]

/** A player in the relay: its last states, who sees it, and what its own client was sent. */
export class Player implements Subject {
  readonly subject: number
  readonly wallet: PeerId
  readonly states = new Int32Array(REMEMBERED_STATES * STATE_LENGTH)
  sequence: number
  tick = 0
  profileVersion = 0
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
  /** Whether it was removed: who sees it is still to be told. */
  isGone = false
  /** Sequences of its last teleport, emote and end of an emote: observers that were sent less get a message of their own. */
  teleportedAt = -1
  emoteStartedAt = -1
  emoteStoppedAt = -1
  /** The sequence of the last of these. */
  eventAt = -1
  emoteStopReason: number = EMOTE_STOP_REASON.completed
  /** Those it sees. */
  readonly views: View[] = []
  /** By the number of the player that is seen. */
  readonly viewOf = new Map<number, View>()
  /** Its place in the grid. */
  cell: GridCell | undefined
  cellKey = 0
  /** The last look of an observer at those it sees already. */
  seenIn = 0
  /** The deltas of it that were made at a tick: index of the first one. */
  deltasOf = -1
  firstDelta = -1
  cellIndex = 0

  constructor(subject: number, wallet: PeerId, sequence: number) {
    this.subject = subject
    this.wallet = wallet
    this.sequence = sequence
  }

  /** Whether others can see it. */
  get isVisible(): boolean {
    return this.realm !== undefined && !this.isGone
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
    this.tick = tick
    const at = offsetOf(this.sequence)
    this.states.set(state, at)
    this.x = worldX(this.states, at)
    this.z = worldZ(this.states, at)
  }

  /** A copy of its state. */
  state(): AvatarState {
    const at = offsetOf(this.sequence)
    return this.states.slice(at, at + STATE_LENGTH)
  }

  markTeleport(): void {
    this.teleportedAt = this.eventAt = this.sequence
  }

  startEmote({ emoteId, mask, durationMs }: EmoteRequest, startTick: number): void {
    this.emote = { emoteId, mask, startTick, endTick: durationMs === undefined ? undefined : startTick + durationMs }
    this.emoteStartedAt = this.eventAt = this.sequence
  }

  stopEmote(reason: number): void {
    this.emote = undefined
    this.emoteStopReason = reason
    this.emoteStoppedAt = this.eventAt = this.sequence
  }
}

/** What the client of an observer knows of one player. */
export class View {
  readonly player: Player
  /** The sequence that was sent last. */
  sequence: number
  /** Tier of distance, and the one at which the last state was sent. */
  tier: number
  sentTier = 0
  profileVersion: number
  /** When the player was announced, in milliseconds, until the announcement was repeated. */
  joinedAt: number | undefined
  /** The client asked for the whole state, or for the player as a whole. */
  requested: 'nothing' | 'state' | 'player' = 'nothing'
  /** Spreads the work over ticks; the same for all observers of a player, so that they share its deltas. */
  readonly turn: number
  /** Its place among the views of the observer. */
  index = 0
  /** The last round of `findVisible` that found it. */
  foundIn = 0

  constructor(player: Player, tier: number, nowMs: number) {
    this.player = player
    this.turn = player.subject
    this.sequence = player.sequence
    this.tier = tier
    this.profileVersion = player.profileVersion
    this.joinedAt = nowMs
  }

  /** Whether the state that was sent last is still remembered, so that a delta can be made from it. */
  get hasBaseline(): boolean {
    return this.player.sequence - this.sequence < REMEMBERED_STATES
  }
}

import type { PeerId } from '../../wire/peer.ts'
import { emptyState, FIELD } from './messages/avatar-state.ts'
import { decodeServerMessage } from './messages/fixtures.ts'
import { parcelIndex } from './parcel-grid.ts'
import type { Player, RelayClient } from './player.ts'
import type { Relay } from './relay.ts'

type Fields = Record<string, unknown>
interface Snapshot {
  subjectId: number
  sequence: number
  serverTick: number
  state?: Fields
  playerState?: Fields
}

/** What a client knows of another player. */
export interface KnownPlayer {
  wallet: string
  realm: string
  sequence: number
  state: Fields
  profileVersion: number
  emote: string | undefined
}

const OPTIONAL = ['headYaw', 'headPitch', 'pointAtX', 'pointAtY', 'pointAtZ']
const DELTA_HEADER = ['subjectId', 'baselineSeq', 'newSeq', 'serverTick']

/** A client that keeps what it is sent by the rules of the explorers, and decodes it with a protobuf library. */
export class ModelClient implements RelayClient {
  readonly known = new Map<number, KnownPlayer>()
  /** Kinds of the messages it got, with the numbers of the players they are about. */
  readonly received: string[] = []
  /** Players whose state it asked for, until it comes. */
  readonly requested = new Set<number>()
  resyncs = 0
  /** Whether the next unreliable message arrives. */
  arrives: () => boolean = () => true
  #relay: Relay | undefined
  readonly #ask: ((subject: number, knownSequence: number) => void) | undefined
  #player: Player | undefined

  /** @param ask sends the request for a state; without it the client asks the relay itself, once it has signed in */
  constructor(relay: Relay | undefined, ask?: (subject: number, knownSequence: number) => void) {
    this.#relay = relay
    this.#ask = ask
  }

  /** Signs in as a player. */
  connect(wallet: PeerId, nowMs: number, initial?: Parameters<Relay['connect']>[2]): Player {
    if (!this.#relay) throw new Error('this client signs in over the network')
    this.#player = this.#relay.connect(wallet, this, initial, nowMs)
    return this.#player
  }

  /** Goes on with another relay, to which its player was handed over. */
  resume(relay: Relay, wallet: PeerId): Player | undefined {
    this.#relay = relay
    this.#player = relay.resume(wallet, this)
    return this.#player
  }

  sendReliable(bytes: Uint8Array): void {
    const message = decodeServerMessage(bytes)
    const [[kind, fields] = ['', {}]] = Object.entries(message)
    this.#take(kind, fields)
  }

  sendUnreliable(bytes: Uint8Array, ranges: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.arrives()) this.sendReliable(bytes.subarray(ranges[2 * i], ranges[2 * i + 1]))
  }

  flush(): void {}

  /** What it knows of a wallet. */
  of(wallet: PeerId): KnownPlayer | undefined {
    return [...this.known.values()].find((player) => player.wallet === wallet)
  }

  #take(kind: string, fields: Fields): void {
    const { subjectId = (fields.state as Snapshot | undefined)?.subjectId } = fields as { subjectId?: number }
    this.received.push(`${kind} ${subjectId}`)
    if (kind === 'playerJoined') this.#joined(fields as never)
    const player = this.known.get(subjectId ?? 0)
    if (!player) return
    if (kind === 'playerLeft') this.known.delete(subjectId ?? 0)
    else if (kind === 'playerStateFull' || kind === 'teleported') this.#snap(player, fields as never)
    else if (kind === 'emoteStarted' || kind === 'emoteStopped') {
      this.#snap(player, fields as never)
      player.emote = kind === 'emoteStarted' ? (fields.emoteId as string) : undefined
    } else if (kind === 'playerProfileVersionAnnounced') player.profileVersion = (fields.version as number | undefined) ?? 0
    else if (kind === 'playerStateDelta') this.#apply(player, fields as never)
  }

  #joined(joined: { userId: string; realm: string; profileVersion?: number; state: Snapshot }): void {
    const { subjectId } = joined.state
    const before = this.known.get(subjectId)
    const player = before ?? {
      wallet: joined.userId,
      realm: joined.realm,
      sequence: 0,
      state: {},
      profileVersion: 0,
      emote: undefined,
    }
    player.profileVersion = joined.profileVersion ?? 0
    this.known.set(subjectId, player)
    this.#snap(player, joined.state)
  }

  #snap(player: KnownPlayer, { subjectId, sequence, state, playerState }: Snapshot): void {
    player.sequence = sequence ?? 0
    player.state = { ...(state ?? playerState) }
    this.requested.delete(subjectId)
  }

  #apply(player: KnownPlayer, delta: { subjectId: number; baselineSeq: number; newSeq: number } & Fields): void {
    if (delta.newSeq <= player.sequence) return
    if (delta.baselineSeq !== player.sequence) {
      this.#resync(delta.subjectId, player.sequence)
      return
    }
    player.sequence = delta.newSeq
    for (const [name, value] of Object.entries(delta)) {
      if (DELTA_HEADER.includes(name)) continue
      if (value === 0 && !OPTIONAL.includes(name)) delete player.state[name]
      else player.state[name] = value
    }
  }

  #resync(subject: number, knownSequence: number): void {
    if (this.requested.has(subject) || (!this.#ask && !this.#player)) return
    this.requested.add(subject)
    this.resyncs++
    if (this.#ask) this.#ask(subject, knownSequence)
    else if (this.#player) this.#relay?.resync(this.#player, { subject, knownSequence })
  }
}

export const walletOf = (index: number): PeerId => `0x${index.toString(16).padStart(40, '0')}`

/** A state at a place: x and z in metres, which may be anywhere in the world. */
export function standingAt(x: number, z: number, fields: Partial<Record<keyof typeof FIELD, number>> = {}) {
  const state = emptyState()
  state[FIELD.parcel] = parcelIndex(Math.floor(x / 16), Math.floor(z / 16))
  state[FIELD.positionX] = Math.round(((x - Math.floor(x / 16) * 16) / 16) * 255)
  state[FIELD.positionZ] = Math.round(((z - Math.floor(z / 16) * 16) / 16) * 255)
  for (const [name, value] of Object.entries(fields)) state[FIELD[name as keyof typeof FIELD]] = value
  return state
}

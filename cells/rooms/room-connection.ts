import { WebSocket } from 'ws'
import type { BugReporter } from '../chassis/bug-reporter.ts'
import type { ClientAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import type { Bans } from '../identity/bans.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { freshChallenge, verifyChallenge } from '../sockets/challenge.ts'
import { closeSocket } from '../sockets/close-socket.ts'
import { START } from '../sockets/core/sign-in.ts'
import type { UnauthenticatedConnection } from '../sockets/core/unauthenticated.ts'
import type { OpenedSocket } from '../sockets/upgrades.ts'
import type { WriteCoalescer } from '../sockets/write-coalescer.ts'
import type { PeerId } from '../wire/peer.ts'
import { decodeRoomMessage, roomPackets } from '../wire/room-packets.ts'
import type { Admissions } from './core/admissions.ts'
import type { Hub, Member } from './core/hub.ts'
import { type RoomCloseReason, roomCloseOf } from './core/room-close-reasons.ts'
import { type RoomEffect, type RoomEvent, type RoomFacts, type RoomState, roomTransition } from './core/room-handshake.ts'
import { SenderRates } from './core/sender-rates.ts'
import type { RoomLimits } from './limits.ts'
import type { RoomMetrics } from './metrics.ts'
import { RoomOutbox } from './room-outbox.ts'

/** What all connections share, and how a connection reports its member to the server. */
export interface RoomContext {
  hub: Hub
  admissions: Admissions
  verifier: ChainVerifier
  denyList: DenyList
  bans: Bans
  writes: WriteCoalescer
  clock: Clock
  log: Log
  bugs: BugReporter
  limits: RoomLimits
  metrics: RoomMetrics
  /** The connection of a member. */
  connectionOf(member: Member): RoomConnection | undefined
  onJoined(member: Member, connection: RoomConnection): void
  onLeft(member: Member): void
}

/** Milliseconds a client has to answer a close frame. */
const CLOSE_TIMEOUT_MS = 2_000

/** One socket of one client in one room: turns frames and timers into events, and performs the effects of the handshake. */
export class RoomConnection implements UnauthenticatedConnection {
  readonly room: string
  readonly openedAt: number
  readonly #client: ClientAddress
  readonly #socket: WebSocket
  readonly #outbox: RoomOutbox
  readonly #context: RoomContext
  readonly #facts: RoomFacts
  readonly #rates: SenderRates
  #state: RoomState = START
  #member: Member | undefined
  #cancelDeadline: () => void
  #lastReceivedAt: number

  constructor({ socket, stream, client }: OpenedSocket<WebSocket>, room: string, context: RoomContext) {
    const { clock, limits, hub, admissions, denyList } = context
    this.room = room
    this.#client = client
    this.#socket = socket
    this.#context = context
    this.#outbox = new RoomOutbox({
      ...context,
      ...{ socket, stream },
      onTooSlow: () => this.end('too_slow'),
      onFailed: (error) => this.#failed(error),
    })
    this.openedAt = this.#lastReceivedAt = clock.monotonic()
    this.#rates = new SenderRates(limits, this.openedAt)
    this.#facts = {
      freshChallenge,
      refusalOf: (peer) => (denyList.has(peer) ? 'denied' : undefined),
      isAdmitted: (peer) => admissions.allows(peer, room),
      isConnected: (peer) => hub.find(room, peer) !== undefined,
      isFull: () => hub.sizeOf(room) >= limits.maxMembersPerRoom,
    }
    this.#cancelDeadline = clock.after(limits.handshakeMs, () => this.end('timeout'))
    socket.on('message', (data) => this.#receive(data as Buffer))
    // The library answers pings by itself: each is as much work as a message, and counts as one.
    socket.on('ping', () => {
      if (this.#count(0) === 'above') this.end('too_fast')
    })
    socket.on('pong', () => this.#count(0))
    socket.on('close', () => this.end('gone'))
    // At protocol errors and oversized messages the library closes the socket, which arrives here as 'close'.
    socket.on('error', (error) => context.log.debug({ err: error, room }, 'a room socket failed'))
  }

  /** Whether its client is in the room. */
  get isMember(): boolean {
    return this.#state.at === 'joined'
  }

  /** The wallet of its client, once it has signed. */
  get peer(): PeerId | undefined {
    return 'peer' in this.#state ? this.#state.peer : undefined
  }

  get isSilent(): boolean {
    return this.#state === START
  }

  displace(): void {
    this.end('displaced')
  }

  /** An admission arrived; it may be for this client. */
  admissionsChanged(): void {
    this.#apply({ is: 'admission' })
  }

  /** Ends the session; only the first call has an effect. */
  end(reason: RoomCloseReason): void {
    this.#apply({ is: 'ended', reason })
  }

  /** Pings a client that is silent, ends one that stays silent. */
  checkLiveness(): void {
    const { clock, limits, metrics } = this.#context
    const silentMs = clock.monotonic() - this.#lastReceivedAt
    if (silentMs >= limits.idleMs) this.end('idle')
    else if (silentMs >= limits.pingAfterMs && this.#socket.readyState === WebSocket.OPEN) {
      metrics.pings.inc()
      this.#socket.ping()
    }
  }

  /** Counts a received frame, and ends a client that floods the server. */
  #count(bytes: number): ReturnType<SenderRates['count']> {
    this.#lastReceivedAt = this.#context.clock.monotonic()
    const rate = this.#rates.count(this.#lastReceivedAt, bytes)
    if (rate === 'flood') this.end('too_fast')
    return rate
  }

  #receive(data: Buffer): void {
    if (this.#state.at === 'closed') return
    const rate = this.#count(data.length)
    if (rate === 'flood') return
    try {
      const message = decodeRoomMessage(data)
      if (rate === 'within') this.#apply({ is: 'message', message })
      else if (message?.kind === 'update' && message.unreliable && this.#rates.mayDrop(this.#lastReceivedAt)) {
        this.#context.metrics.dropped.rate.inc()
      } else this.end('too_fast')
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Every event of a connection ends here: its exceptions end that connection and nothing else. */
  #apply(event: RoomEvent): void {
    try {
      const { state, effects } = roomTransition(this.#state, event, this.#facts)
      this.#state = state
      for (const effect of effects) this.#perform(effect)
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.#context.bugs.report('connection', error, { room: this.room })
    if (this.#state.at !== 'closed') {
      this.end('failed')
      return
    }
    // Ending it failed as well.
    if (this.#member) {
      this.#context.hub.leave(this.room, this.#member)
      this.#context.onLeft(this.#member)
    }
    this.#socket.terminate()
  }

  #perform(effect: RoomEffect): void {
    const { hub, clock, limits, metrics } = this.#context
    switch (effect.do) {
      case 'challenge':
        this.#outbox.send(roomPackets.challenge(effect.challenge, effect.alreadyConnected))
        return
      case 'verify':
        this.#verify(effect).catch((error: unknown) => this.#failed(error))
        return
      case 'wait':
        this.#cancelDeadline()
        this.#cancelDeadline = clock.after(limits.admissionGraceMs, () => this.end('not_admitted'))
        return
      case 'join':
        this.#join(effect.peer)
        return
      case 'relay':
        if (this.#member) {
          const receivers = hub.relay(this.room, this.#member, effect.body, effect.unreliable)
          metrics.relayed[effect.unreliable ? 'unreliable' : 'reliable'].inc(receivers)
        }
        return
      case 'leave':
        if (this.#member) {
          hub.leave(this.room, this.#member)
          this.#context.onLeft(this.#member)
        }
        return
      case 'close':
        this.#close(effect.reason)
    }
  }

  async #verify(signed: { authChainJson: string; challenge: string }): Promise<void> {
    const { verifier, bans } = this.#context
    const verdict = await verifyChallenge(verifier, signed, this.#client)
    this.#apply({ is: 'verdict', verdict, banned: verdict.ok && (await bans.isBanned(verdict.peer)) })
  }

  #join(peer: PeerId): void {
    const { hub, metrics, connectionOf, onJoined } = this.#context
    this.#cancelDeadline()
    const before = hub.find(this.room, peer)
    if (before) connectionOf(before)?.end('superseded')
    const outbox = this.#outbox
    const member: Member = {
      ...{ alias: hub.newAlias(), peer },
      send: (packet) => outbox.send(packet),
      relay: (packet, unreliable, from) => outbox.relay(packet, unreliable, from.alias),
    }
    this.#member = member
    onJoined(member, this)
    hub.join(this.room, member)
    metrics.joined.inc()
  }

  #close(reason: RoomCloseReason): void {
    this.#cancelDeadline()
    this.#context.metrics.ended.inc({ ending: reason })
    const close = roomCloseOf(reason)
    if (close.kicked !== undefined) this.#outbox.send(roomPackets.kicked(close.kicked))
    if (close.by === 'close') {
      const cancel = this.#context.clock.after(CLOSE_TIMEOUT_MS, () => this.#socket.terminate())
      this.#socket.once('close', cancel)
    }
    closeSocket(this.#socket, close)
  }
}

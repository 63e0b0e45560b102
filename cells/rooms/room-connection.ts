import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { TokenBucket } from '../chassis/token-bucket.ts'
import { parseAuthChain } from '../identity/chain.ts'
import type { ChainVerifier, Verdict } from '../identity/verifier.ts'
import type { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { decodeRoomMessage, roomPackets } from '../wire/room-packets.ts'
import type { Admissions } from './core/admissions.ts'
import type { Hub, Member } from './core/hub.ts'
import { type RoomCloseReason, roomCloseOf } from './core/room-close-reasons.ts'
import { type RoomEffect, type RoomEvent, type RoomFacts, type RoomState, roomStep, START } from './core/room-handshake.ts'
import type { RoomLimits } from './limits.ts'
import type { RoomMetrics } from './metrics.ts'

/** What connections share. */
export interface RoomContext {
  hub: Hub
  admissions: Admissions
  verifier: ChainVerifier
  writes: WriteCoalescer
  clock: Clock
  log: Log
  limits: RoomLimits
  metrics: RoomMetrics
  freshChallenge(): string
  /** The connection behind a member. */
  connectionOf(member: Member): RoomConnection | undefined
  onJoined(member: Member, connection: RoomConnection): void
  onLeft(member: Member): void
}

/** Milliseconds a client has to answer a close frame. */
const CLOSE_DEADLINE_MS = 2_000

/** One socket of one client in one room: turns frames and timers into events, and carries out what follows from them. */
export class RoomConnection {
  readonly room: string
  readonly #socket: WebSocket
  readonly #stream: Duplex
  readonly #premises: RoomContext
  readonly #facts: RoomFacts
  readonly #messages: TokenBucket
  readonly #bytes: TokenBucket
  #state: RoomState = START
  #member: Member | undefined
  #cancelDeadline: () => void
  #heardAt: number

  constructor(socket: WebSocket, stream: Duplex, room: string, premises: RoomContext) {
    const { clock, limits, hub, admissions } = premises
    this.room = room
    this.#socket = socket
    this.#stream = stream
    this.#premises = premises
    this.#heardAt = clock.now()
    this.#messages = new TokenBucket(limits.messages, this.#heardAt)
    this.#bytes = new TokenBucket(limits.bytes, this.#heardAt)
    this.#facts = {
      freshChallenge: premises.freshChallenge,
      isAdmitted: (peer) => admissions.allows(peer, room),
      isHere: (peer) => hub.find(room, peer) !== undefined,
      isFull: () => hub.sizeOf(room) >= limits.maxMembersPerRoom,
    }
    this.#cancelDeadline = clock.after(limits.handshakeMs, () => this.end('timeout'))
    socket.on('message', (data) => this.#receive(data as Buffer))
    // The library answers pings by itself: each is as much work as a message, and counts as one.
    socket.on('ping', () => {
      if (!this.#heard(0)) this.end('too_fast')
    })
    socket.on('pong', () => this.#heard(0))
    socket.on('close', () => this.end('gone'))
    // Protocol errors and oversized messages: the library closes, and tells us by the close.
    socket.on('error', (error) => premises.log.debug({ err: error, room }, 'a room socket failed'))
  }

  /** Whether its client is in the room. */
  get isMember(): boolean {
    return this.#state.at === 'joined'
  }

  /** Its admission may have arrived. */
  admissionsChanged(): void {
    this.#happen({ is: 'admission' })
  }

  /** Ends the session, once, in the given way. */
  end(ending: RoomCloseReason): void {
    this.#happen({ is: 'ended', ending })
  }

  /** Pings a client that is silent, gives up one that stays so. */
  checkLiveness(): void {
    const { clock, limits, metrics } = this.#premises
    const silentMs = clock.now() - this.#heardAt
    if (silentMs >= limits.idleMs) this.end('idle')
    else if (silentMs >= limits.pingAfterMs) {
      metrics.pings.inc()
      this.#socket.ping()
    }
  }

  #heard(bytes: number): boolean {
    const now = this.#premises.clock.now()
    this.#heardAt = now
    return this.#messages.take(now) && this.#bytes.take(now, bytes)
  }

  #receive(data: Buffer): void {
    const withinLimits = this.#heard(data.length)
    const message = decodeRoomMessage(data)
    if (withinLimits) this.#happen({ is: 'message', message })
    else if (message?.kind === 'update' && message.unreliable) this.#premises.metrics.dropped.rate.inc()
    else this.end('too_fast')
  }

  #happen(event: RoomEvent): void {
    const { state, effects } = roomStep(this.#state, event, this.#facts)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: RoomEffect): void {
    const { hub, clock, limits, metrics } = this.#premises
    switch (effect.do) {
      case 'challenge':
        this.#send(roomPackets.challenge(effect.challenge, effect.alreadyConnected), false)
        return
      case 'verify':
        void this.#verify(effect.authChainJson, effect.challenge)
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
          this.#premises.onLeft(this.#member)
        }
        return
      case 'end':
        this.#sayGoodbye(effect.ending)
    }
  }

  async #verify(authChainJson: string, challenge: string): Promise<void> {
    const chain = parseAuthChain(authChainJson)
    const verdict: Verdict = chain
      ? await this.#premises.verifier.verify(chain, challenge)
      : { ok: false, reason: 'not an auth chain' }
    this.#happen({ is: 'verdict', verdict })
  }

  #join(peer: Member['peer']): void {
    const { hub, metrics, connectionOf, onJoined } = this.#premises
    this.#cancelDeadline()
    const before = hub.find(this.room, peer)
    if (before) connectionOf(before)?.end('superseded')
    const member: Member = { alias: hub.newAlias(), peer, send: (packet, unreliable) => this.#send(packet, unreliable) }
    this.#member = member
    onJoined(member, this)
    hub.join(this.room, member)
    metrics.joined.inc()
  }

  #send(packet: Uint8Array, unreliable: boolean): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    const { limits, metrics, writes } = this.#premises
    const unsent = this.#socket.bufferedAmount
    if (unreliable && unsent > limits.unreliableBufferBytes) {
      metrics.dropped.buffer.inc()
    } else if (unsent > limits.reliableBufferBytes) {
      // Not here and now: we may be in the middle of telling a whole room something.
      queueMicrotask(() => this.end('too_slow'))
    } else {
      writes.coalesce(this.#stream)
      this.#socket.send(packet)
    }
  }

  #sayGoodbye(ending: RoomCloseReason): void {
    this.#cancelDeadline()
    this.#premises.metrics.ended.inc({ ending })
    const { kicked, code, reason, cut } = roomCloseOf(ending)
    if (cut) {
      this.#socket.terminate()
      return
    }
    if (kicked !== undefined) this.#send(roomPackets.kicked(kicked), false)
    const cancel = this.#premises.clock.after(CLOSE_DEADLINE_MS, () => this.#socket.terminate())
    this.#socket.once('close', cancel)
    this.#socket.close(code, reason)
  }
}

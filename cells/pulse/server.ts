import type { ByteReader, ByteWriter } from '../chassis/byte-buffers.ts'
import { networkOfAddress } from '../chassis/client-address.ts'
import type { PeerId } from '../wire/peer.ts'
import { SendLevel, type SendRates } from './core/send-rates.ts'
import { EnetHost } from './enet/host.ts'
import type { SendDatagram } from './enet/host-options.ts'
import type { EnetPeer } from './enet/peer.ts'
import type { EndCause } from './enet/peer-identity.ts'
import { PulseSession, type SessionContext } from './session.ts'

export interface PulseServerOptions {
  context: Omit<SessionContext, 'onSignedIn' | 'onEnded'>
  send: SendDatagram
  /** How often clients are sent what has changed, for measurements; by default as often as there is time for. */
  rates?: SendRates
  /** What another server has written with `freeze`. Its players must be those of the relay already. */
  frozen?: ByteReader | undefined
}

/** The relay's rounds, with the resends and time-outs of the connections, and the parts in which a round is done. */
export const TICK_MS = 50
export const PARTS = 5
const SIGN_IN_CHECK_TICKS = 20
/** Ticks between two reviews of who may be connected, and who may be seen: 1 s. */
const REVIEW_TICKS = 20

/** All connections of the relay: their sign-in, one session per wallet, and the rounds in which the relay sends. */
export class PulseServer {
  readonly host: EnetHost
  readonly #context: SessionContext
  readonly #sessions = new Map<EnetPeer, PulseSession>()
  readonly #byWallet = new Map<PeerId, PulseSession>()
  /** Sessions that have not signed in, and how many of them each network has. */
  readonly #unauthenticated = new Set<PulseSession>()
  readonly #perNetwork = new Map<string, number>()
  readonly #level = new SendLevel(TICK_MS)
  readonly #rates: SendRates | undefined
  /** The part of the round that is next, when the round began, and how long its parts have taken. */
  #part = 0
  #beganAt: number
  #tookMs = 0
  #lateMs = 0
  #ticks = 0
  #sentBefore = 0

  constructor({ context, send, rates, frozen }: PulseServerOptions) {
    this.#rates = rates
    this.#context = {
      ...context,
      onSignedIn: (session, wallet) => this.#signedIn(session, wallet),
      onEnded: (session) => this.#forget(session),
    }
    const options = {
      clock: () => context.clock.monotonic(),
      send,
      onConnect: (peer: EnetPeer) => this.#open(peer),
      onMessage: (peer: EnetPeer, _: number, bytes: Buffer) => this.#sessions.get(peer)?.receive(bytes),
      onDisconnect: (peer: EnetPeer, _: number, cause: EndCause) => this.#closed(peer, cause === 'left' ? 'left' : 'lost'),
    }
    this.#beganAt = context.clock.monotonic()
    this.host = new EnetHost(options, frozen?.block())
    if (frozen) this.#thaw(frozen)
  }

  get connectionCount(): number {
    return this.#sessions.size
  }

  find(wallet: PeerId): PulseSession | undefined {
    return this.#byWallet.get(wallet)
  }

  /** One round: everything that changed since the last one is sent. */
  tick(): void {
    do this.turn()
    while (this.#part > 0)
  }

  /** A part of a round, for a part of the players, so that what arrives meanwhile does not wait for the whole round. */
  turn(): void {
    const { relay, clock } = this.#context
    const startedAt = clock.monotonic()
    if (this.#part === 0) this.#begin(startedAt)
    relay.serve(this.#part, PARTS)
    this.#part = (this.#part + 1) % PARTS
    if (this.#part === 0) this.host.flush()
    this.#tookMs += clock.monotonic() - startedAt
    if (this.#part === 0) this.#end()
  }

  #begin(now: number): void {
    this.#lateMs = Math.max(0, now - this.#beganAt - TICK_MS)
    this.#beganAt = now
    this.#tookMs = 0
    this.host.resend()
    this.#ticks++
    if (this.#ticks % SIGN_IN_CHECK_TICKS === 0) this.#endLateSignIns(now)
    if (this.#ticks % REVIEW_TICKS === 0) this.#review()
    this.#context.relay.begin(now, this.#rates ?? this.#level.rates)
  }

  #end(): void {
    const { relay, metrics } = this.#context
    this.#level.observe(this.#tookMs, this.#lateMs)
    metrics.tick.observe(this.#tookMs / 1_000)
    metrics.level.set(this.#level.current)
    metrics.deltas.inc(relay.deltas.sent - this.#sentBefore)
    this.#sentBefore = relay.deltas.sent
  }

  /** Writes all that another process needs to go on with the connections; this server is not to be used any more. */
  freeze(writer: ByteWriter): void {
    const sessions = [...this.#sessions].filter(([peer]) => peer.state === 'connected')
    writer.block(this.host.freeze())
    writer.u16(sessions.length)
    for (const [peer, session] of sessions) {
      writer.u16(peer.id)
      session.freeze(writer)
    }
  }

  /** Ends the sessions of wallets that may not be connected any more. */
  endDenied(): void {
    for (const [wallet, session] of [...this.#byWallet]) if (this.#context.refusalOf(wallet)) session.end('banned')
  }

  /** Ends all sessions in such a way that explorers come back at once, to the process that follows. */
  endAll(): void {
    for (const session of [...this.#sessions.values()]) session.end('retry')
    this.host.service()
  }

  #thaw(reader: ByteReader): void {
    const peers = new Map([...this.host.peers()].map((peer) => [peer.id, peer]))
    for (let left = reader.u16(); left > 0; left--) {
      const peer = peers.get(reader.u16())
      if (!peer) throw new RangeError('a session has no connection')
      const session = this.#open(peer)
      session.thaw(reader)
      const { wallet } = session
      if (!wallet) continue
      this.#authenticated(session)
      this.#byWallet.set(wallet, session)
    }
  }

  #open(peer: EnetPeer): PulseSession {
    const session = new PulseSession(peer, this.#context)
    const { limits } = this.#context
    const network = networkOfAddress(peer.address)
    const ofNetwork = this.#perNetwork.get(network) ?? 0
    this.#sessions.set(peer, session)
    this.#unauthenticated.add(session)
    this.#perNetwork.set(network, ofNetwork + 1)
    if (ofNetwork >= limits.maxUnauthenticatedPerAddress) session.end('unauthenticatedOfAddress')
    else if (this.#unauthenticated.size > limits.maxUnauthenticated) session.end('unauthenticated')
    return session
  }

  #signedIn(session: PulseSession, wallet: PeerId): void {
    this.#authenticated(session)
    this.#byWallet.get(wallet)?.end('superseded')
    this.#byWallet.set(wallet, session)
  }

  #closed(peer: EnetPeer, how: 'left' | 'lost'): void {
    const session = this.#sessions.get(peer)
    if (!session) return
    session.ended(how)
    this.#forget(session)
  }

  #forget(session: PulseSession): void {
    this.#authenticated(session)
    this.#sessions.delete(session.peer as EnetPeer)
    const { wallet } = session
    if (wallet && this.#byWallet.get(wallet) === session) this.#byWallet.delete(wallet)
  }

  #authenticated(session: PulseSession): void {
    if (!this.#unauthenticated.delete(session)) return
    const network = networkOfAddress(session.peer.address)
    const others = (this.#perNetwork.get(network) ?? 1) - 1
    if (others > 0) this.#perNetwork.set(network, others)
    else this.#perNetwork.delete(network)
  }

  #review(): void {
    const { relay, metrics } = this.#context
    this.endDenied()
    metrics.hidden.reset()
    for (const reason of relay.review()) metrics.hidden.inc({ reason })
  }

  #endLateSignIns(now: number): void {
    const { signInMs } = this.#context.limits
    for (const session of [...this.#unauthenticated]) if (now - session.openedAt >= signInMs) session.end('signInTimeout')
  }
}

import type { BugReporter } from '../chassis/bug-reporter.ts'
import type { ByteReader, ByteWriter } from '../chassis/byte-buffers.ts'
import { isInternalAddress, networkOfAddress } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { TokenBucket } from '../chassis/token-bucket.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import type { PeerId } from '../wire/peer.ts'
import { ProtoWriter } from './core/messages/proto-writer.ts'
import { type InitialState, type PulseRequest, PulseRequestReader, type RequestError } from './core/messages/pulse-request.ts'
import { serverMessages } from './core/messages/server-message.ts'
import type { Player, RelayClient } from './core/player.ts'
import { END_REASON, type PulseEndReason } from './core/pulse-end-reason.ts'
import { RateWithGrace } from './core/rate-with-grace.ts'
import type { Relay } from './core/relay.ts'
import type { PulseLimits } from './limits.ts'
import type { PulseMetrics } from './metrics.ts'
import { readSignIn, type SignInClaim } from './sign-in-claim.ts'
import type { SignInMemory } from './sign-in-memory.ts'

/** A connection to one client, over whatever carries it. */
export interface ClientPeer {
  readonly address: string
  sendReliable(channel: number, bytes: Uint8Array): boolean
  sendAllUnreliable(channel: number, bytes: Uint8Array, ranges: Uint32Array, count: number): void
  /** Sends what is to be sent now, without waiting for more. */
  flush(): void
  /** Ends the connection once the client has what was sent before; its end is not reported. */
  disconnect(reason: number): void
}

/** What all sessions share, and how a session reports to the service. */
export interface SessionContext {
  relay: Relay
  verifier: ChainVerifier
  /** Why a wallet may not enter; undefined when it may. */
  refusalOf(wallet: PeerId): 'banned' | undefined
  remembered: SignInMemory
  clock: Clock
  limits: PulseLimits
  metrics: PulseMetrics
  bugs: BugReporter
  /** A wallet has signed in; its former session is to be ended before this one takes its place. */
  onSignedIn(session: PulseSession, wallet: PeerId): void
  /** This side ended the session. */
  onEnded(session: PulseSession): void
}

/** The channels of a connection: what must arrive, and states that a later one replaces. */
const RELIABLE = 0
const STATES = 1
/** More bytes than any client sends. */
const MAX_MESSAGE_BYTES = 4_096

const reader = new PulseRequestReader()
const writer = new ProtoWriter()

/** The player of a client that comes back, or has come back already, stays visible meanwhile. */
const MAY_RETURN: ReadonlySet<PulseEndReason> = new Set(['retry', 'superseded'])

const INVALID: Readonly<Record<RequestError, PulseEndReason>> = {
  corrupt: 'corrupt',
  bad_input: 'invalidInput',
  bad_emote: 'invalidEmote',
  bad_teleport: 'invalidTeleport',
  bad_handshake: 'invalidHandshake',
}

/** One client from its connection to its end: signs it in, passes on what it sends within its limits. */
export class PulseSession implements RelayClient {
  readonly openedAt: number
  readonly peer: ClientPeer
  readonly #context: SessionContext
  readonly #inputs: RateWithGrace
  readonly #events: RateWithGrace
  readonly #resyncs: TokenBucket
  readonly #profiles: TokenBucket
  readonly #invalid: TokenBucket
  #handshakes = 0
  /** The handshake whose signatures are checked. */
  #verifying: Uint8Array | undefined
  #isOver = false
  #player: Player | undefined

  constructor(peer: ClientPeer, context: SessionContext) {
    const { clock, limits } = context
    const now = clock.monotonic()
    this.openedAt = now
    this.peer = peer
    this.#context = context
    this.#inputs = new RateWithGrace(limits.inputs, now)
    this.#events = new RateWithGrace(limits.events, now)
    this.#resyncs = new TokenBucket(limits.resyncs, now)
    this.#profiles = new TokenBucket(limits.profiles, now)
    this.#invalid = new TokenBucket(limits.invalid, now)
  }

  /** The wallet it has signed in with. */
  get wallet(): PeerId | undefined {
    return this.#player?.wallet
  }

  sendReliable(message: Uint8Array): void {
    this.peer.sendReliable(RELIABLE, message)
  }

  sendUnreliable(bytes: Uint8Array, ranges: Uint32Array, count: number): void {
    this.peer.sendAllUnreliable(STATES, bytes, ranges, count)
  }

  flush(): void {
    this.peer.flush()
  }

  /** A message of the client; whatever it is, it ends this session at most. */
  receive(bytes: Uint8Array): void {
    if (this.#isOver) return
    try {
      if (bytes.length > MAX_MESSAGE_BYTES) this.#refuse('corrupt')
      else this.#take(reader.read(bytes), bytes)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Disconnects the client. Its player leaves at once, or stays for those seconds in which it may come back. */
  end(reason: PulseEndReason): void {
    if (this.#isOver) return
    this.peer.disconnect(END_REASON[reason])
    this.#close(reason, MAY_RETURN.has(reason) ? 'lost' : 'left')
    this.#context.onEnded(this)
  }

  /** The connection is over, by the client or by the network. */
  ended(how: 'left' | 'lost'): void {
    if (!this.#isOver) this.#close(how, how)
  }

  /** Writes what another process needs to go on with the client; this session is over, and its client is not told. */
  freeze(writer: ByteWriter): void {
    this.#isOver = true
    writer.text(this.wallet ?? '')
    // A handshake whose answer is still due counts again when it is repeated there.
    writer.u8(this.#handshakes - (this.#verifying ? 1 : 0))
    writer.block(this.#verifying ?? new Uint8Array())
  }

  /** Goes on with a client of another process. */
  thaw(reader: ByteReader): void {
    const wallet = reader.text()
    this.#handshakes = reader.u8()
    if (wallet) this.#player = this.#context.relay.resume(wallet as PeerId, this)
    const handshake = reader.block()
    if (handshake.length > 0) this.receive(handshake)
  }

  #close(ending: string, how: 'left' | 'lost'): void {
    this.#isOver = true
    const { relay, metrics, clock } = this.#context
    // A monitor, or a client that gave up: no player has left.
    const isPlayer = this.#player !== undefined || (ending !== 'left' && ending !== 'lost')
    metrics.ended.inc({ ending: isPlayer ? ending : 'beforeSignIn' })
    if (this.#player) relay.disconnect(this.#player, this, how, clock.monotonic())
  }

  #take(request: PulseRequest | RequestError, bytes: Uint8Array): void {
    if (typeof request === 'string') {
      this.#refuse(INVALID[request])
      return
    }
    if (request.kind === 'handshake') {
      if (!this.#player && !this.#verifying) this.#handshake(request, bytes).catch((error: unknown) => this.#failed(error))
      return
    }
    // Before the client has signed in, the rest is dropped, as explorers expect.
    if (this.#player) this.#pass(request, this.#player)
  }

  #pass(request: Exclude<PulseRequest, { kind: 'handshake' }>, player: Player): void {
    const { relay, clock } = this.#context
    const now = clock.monotonic()
    switch (request.kind) {
      case 'input':
        if (this.#isWithin(this.#inputs, 'inputRate', now)) relay.input(player, request.state, now)
        return
      case 'teleport':
        if (this.#isWithin(this.#events, 'eventRate', now)) relay.teleport(player, request, now)
        return
      case 'emoteStart':
        if (this.#isWithin(this.#events, 'eventRate', now)) relay.startEmote(player, request.emote, request.state, now)
        return
      case 'emoteStop':
        if (this.#isWithin(this.#events, 'eventRate', now)) relay.stopEmote(player, now)
        return
      case 'profile':
        if (this.#profiles.take(now)) relay.announceProfile(player, request.version)
        else this.#dropped('profileRate')
        return
      case 'resync':
        if (this.#resyncs.take(now)) relay.resync(player, request)
        else this.#dropped('resyncRate')
    }
  }

  #isWithin(rate: RateWithGrace, reason: PulseEndReason, now: number): boolean {
    const verdict = rate.take(now)
    if (verdict === 'dropped') this.#dropped(reason)
    if (verdict === 'abuse') this.end(reason)
    return verdict === 'allowed'
  }

  /** A message that no client sends. A few are dropped: explorers do not come back from being disconnected for it. */
  #refuse(reason: PulseEndReason): void {
    this.#dropped(reason)
    if (!this.#invalid.take(this.#context.clock.monotonic())) this.end(reason)
  }

  async #handshake(
    { authChain, initial }: { authChain: string; initial: InitialState | undefined },
    bytes: Uint8Array,
  ): Promise<void> {
    const { limits, clock, verifier, metrics } = this.#context
    if (++this.#handshakes > limits.handshakesPerConnection) {
      this.end('signInFailed')
      return
    }
    const claim = readSignIn(authChain, clock.now())
    if (typeof claim === 'string') {
      metrics.signIns.inc({ result: 'malformed' })
      this.#answer(claim)
      return
    }
    this.#verifying = Uint8Array.from(bytes)
    const { address } = this.peer
    const client = { network: networkOfAddress(address), isOneClient: !isInternalAddress(address) }
    const verdict = await verifier.verify({ ...claim, nowMs: clock.now() }, client)
    this.#verifying = undefined
    if (this.#isOver) return
    if (verdict.ok) this.#signIn(verdict.peer, claim, initial)
    else {
      metrics.signIns.inc({ result: verdict.undecided ? 'undecided' : 'bad_chain' })
      if (verdict.undecided) this.end('retry')
      else this.#answer(verdict.reason)
    }
  }

  #signIn(wallet: PeerId, { timestampMs }: SignInClaim, initial: InitialState | undefined): void {
    const { relay, clock, metrics, refusalOf, remembered, onSignedIn } = this.#context
    if (refusalOf(wallet)) {
      metrics.signIns.inc({ result: 'banned' })
      this.#answer('banned')
      this.end('banned')
    } else if (!remembered.isNew(wallet, timestampMs)) {
      metrics.signIns.inc({ result: 'replayed' })
      this.end('replayed')
    } else {
      metrics.signIns.inc({ result: 'ok' })
      onSignedIn(this, wallet)
      this.#answer()
      this.#player = relay.connect(wallet, this, initial, clock.monotonic())
    }
  }

  /** Answers a handshake; a refusal does not end the connection, so that the client may try once more. */
  #answer(error?: string): void {
    serverMessages.handshake(writer, error)
    this.sendReliable(writer.bytes)
  }

  #dropped(reason: string): void {
    this.#context.metrics.dropped.inc({ reason })
  }

  #failed(error: unknown): void {
    this.#context.bugs.report('connection', error, { wallet: this.wallet })
    this.end('retry')
  }
}

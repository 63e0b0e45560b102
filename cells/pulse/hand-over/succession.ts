import type { Clock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import type { SendDatagram } from '../enet/host-options.ts'
import type { LiveRelay } from '../live-relay.ts'
import type { PulseMetrics } from '../metrics.ts'
import { Giver } from './giver.ts'
import { Link } from './link.ts'
import { PredecessorPath } from './predecessor-path.ts'
import { type LinkPort, openLinkPort } from './secure-link.ts'
import { takeOver } from './taker.ts'

/** How a relay takes players over from another one, and hands them over to a third. */
export interface HandOverConfig {
  /** TCP port on which a successor asks for the players; 0 takes a free one. */
  port: number
  address?: string | undefined
  /** Name or address of the relay to take over from, which may be there or not, and its port if it is another one. */
  from?: string | undefined
  fromPort?: number | undefined
  /** Secrets of all relays of the site, of which any two have one in common; none = no hand-over. */
  secrets: () => readonly string[]
  /** How long a relay that is to stop waits for a successor, in milliseconds. */
  waitMs: number
}

export interface SuccessionDeps {
  /** Starts a relay without players, or with those of the state. @throws when the state cannot be used */
  start(send: SendDatagram, state?: Buffer): LiveRelay
  /** Sends a datagram from this process. */
  send: SendDatagram
  clock: Clock
  log: Log
  metrics: Pick<PulseMetrics, 'handOvers'>
}

/** For so long at most, datagrams that still reach a relay whose players were handed over are passed on after the request to stop. */
export const PASS_ON_MS = 20_000

/** The relay of this process: before, its players may have been those of another process, and afterwards they may be again. */
export class Succession {
  live: LiveRelay
  readonly #deps: SuccessionDeps
  readonly #config: HandOverConfig | undefined
  readonly #path: PredecessorPath
  readonly #giver: Giver
  #links: LinkPort | undefined
  #isTaking: boolean
  #hasWaited = false

  constructor(config: HandOverConfig | undefined, deps: SuccessionDeps) {
    const { start, send, clock, log, metrics } = deps
    this.#config = config
    this.#deps = deps
    this.#isTaking = config?.from !== undefined
    this.#path = new PredecessorPath(send)
    this.live = start(this.#path.send)
    const freeze = () => this.live.freeze()
    const resume = (state: Buffer | undefined) => {
      this.live = start(this.#path.send, state)
    }
    this.#giver = new Giver({ freeze, resume, send: this.#path.send, clock, log, metrics })
  }

  /** The TCP port on which a successor asks. */
  get port(): number | undefined {
    return this.#links?.port
  }

  /** Whether this relay serves players, and not another one. */
  get isServing(): boolean {
    return !this.#giver.hasGiven
  }

  /** Waits for the players of the predecessor, if there is one. @throws when the port for the successor is taken */
  async begin(): Promise<void> {
    if (!this.#config) return
    const { port, address, from, fromPort, secrets } = this.#config
    const onLink = (stream: ConstructorParameters<typeof Link>[0]) => this.#giver.accept(new Link(stream))
    this.#links = await openLinkPort({ port, address, secrets, onLink })
    const known = secrets()
    const { log, metrics } = this.#deps
    if (known.length === 0) log.warn('the file of HAND_OVER_KEY_FILE has no key: players are neither taken over nor handed over')
    if (from !== undefined && known.length > 0) {
      const use = (state: Buffer, link: Link) => this.#use(state, link)
      await takeOver({
        host: from,
        port: fromPort ?? this.#links.port,
        ownPort: this.#links.port,
        secrets: known,
        use,
        log,
        metrics,
      })
    }
    this.#isTaking = false
  }

  /** A datagram has arrived at this process. */
  receive(bytes: Buffer, address: string, port: number, length = bytes.length): void {
    // It may be of a client that is about to be taken over: it must not hear that it is unknown here.
    if (this.#isTaking) return
    this.#path.arrived(address, port)
    this.#dispatch(bytes, address, port, length)
  }

  /** Waits for a successor to take the players, while they are served; to be called before the process stops. */
  async leave(): Promise<void> {
    if (this.#hasWaited || !this.#config) return
    this.#hasWaited = true
    await this.#giver.awaitSuccessor(this.#config.waitMs)
  }

  /** Ends what is left: the datagrams of players who were handed over, or the sessions of those who were not. */
  async stop(): Promise<void> {
    await this.leave()
    if (this.#giver.hasGiven) await this.#giver.awaitQuiet(PASS_ON_MS)
    else this.live.server.endAll()
  }

  async close(): Promise<void> {
    await this.#links?.close()
  }

  #use(state: Buffer, link: Link): void {
    this.live = this.#deps.start(this.#path.send, state)
    this.#isTaking = false
    this.#path.open(link, this.live.server.host.peers(), (bytes, address, port) => this.#dispatch(bytes, address, port))
  }

  #dispatch(bytes: Buffer, address: string, port: number, length = bytes.length): void {
    if (this.#giver.hasGiven) this.#giver.pass(bytes.subarray(0, length), address, port)
    else this.live.server.host.receive(bytes, address, port, length)
  }
}

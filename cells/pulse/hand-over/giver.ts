import type { Clock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import type { SendDatagram } from '../enet/host-options.ts'
import type { PulseMetrics } from '../metrics.ts'
import { FRAME, type Link, readDatagram } from './link.ts'

export interface GiverDeps {
  /** Stops the relay, and returns its state. */
  freeze(): Buffer
  /** Starts the relay again, with a state or without players. */
  resume(state: Buffer | undefined): void
  /** Sends a datagram to a client. */
  send: SendDatagram
  clock: Clock
  log: Log
  metrics: Pick<PulseMetrics, 'handOvers'>
}

/** A successor that has not taken the players after so long is given up: clients wait five seconds for a sign of life. */
const TAKE_MS = 2_000
/** A client sends at least twice a second. */
const QUIET_MS = 3_000

/** Gives the players to the successor that asks first, and passes on the datagrams that still arrive here. */
export class Giver {
  readonly #deps: GiverDeps
  #successor: Link | undefined
  #isTaken = false
  #isStopping = false
  #passedOnAt = 0
  #given: () => void = () => undefined

  constructor(deps: GiverDeps) {
    this.#deps = deps
  }

  /** Whether another relay has the players. */
  get hasGiven(): boolean {
    return this.#successor !== undefined
  }

  /** A relay that has the key has connected. */
  accept(link: Link): void {
    link.onFrame = (kind) => {
      if (kind !== FRAME.ask || this.#successor) {
        link.send(FRAME.refuse)
        return
      }
      this.#give(link)
    }
  }

  /** Passes a datagram on. */
  pass(bytes: Buffer, address: string, port: number): void {
    this.#passedOnAt = this.#deps.clock.monotonic()
    this.#successor?.sendDatagram(bytes, address, port)
  }

  /** Waits for a successor before this relay stops. @returns whether there is one */
  async awaitSuccessor(ms: number): Promise<boolean> {
    this.#isStopping = true
    if (this.#isTaken) return true
    await new Promise<void>((resolve) => {
      const cancel = this.#deps.clock.after(ms, resolve)
      this.#given = () => {
        cancel()
        resolve()
      }
    })
    return this.#isTaken
  }

  /** Resolves when no client has reached this relay for some seconds, or the time is over. */
  async awaitQuiet(ms: number): Promise<void> {
    const { clock } = this.#deps
    for (const end = clock.monotonic() + ms; this.#successor && clock.monotonic() < end; ) {
      if (clock.monotonic() - this.#passedOnAt >= QUIET_MS) return
      await new Promise<void>((resolve) => clock.after(100, resolve))
    }
  }

  #give(link: Link): void {
    const { freeze, resume, send, clock, log, metrics } = this.#deps
    const startedAt = clock.monotonic()
    const state = freeze()
    this.#successor = link
    this.#passedOnAt = startedAt
    const cancel = clock.after(TAKE_MS, () => link.close())
    link.onFrame = (kind, frame) => {
      if (kind === FRAME.taken && !this.#isTaken) {
        cancel()
        this.#isTaken = true
        metrics.handOvers.inc({ role: 'predecessor', result: 'ok' })
        log.info({ bytes: state.length, ms: Math.round(clock.monotonic() - startedAt) }, 'another relay has taken the players')
        this.#given()
      } else if (kind !== FRAME.datagram || !readDatagram(frame, (bytes, ...to) => send(bytes, 0, bytes.length, to[1], to[0])))
        link.close()
    }
    link.onClose = () => {
      cancel()
      const wasTaken = this.#isTaken
      this.#successor = undefined
      this.#isTaken = false
      if (wasTaken && this.#isStopping) return
      if (!wasTaken) metrics.handOvers.inc({ role: 'predecessor', result: 'failed' })
      log.warn({ wasTaken }, 'the relay that asked for the players is gone: players are served here again')
      resume(wasTaken ? undefined : state)
    }
    link.send(FRAME.state, state)
  }
}

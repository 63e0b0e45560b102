import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import type { Clock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { type Rate, TokenBucket } from '../chassis/token-bucket.ts'

/** What the process of a relay tells its supervisor. */
export type FromRelay =
  /** It needs the UDP port now, and waits for the answer `PORT_IS_FREE`. */
  { kind: 'needsPort' } | { kind: 'serving'; port: number; stopDeadlineMs: number }
export const PORT_IS_FREE = 'portIsFree'

export interface Restart {
  /** The first one is 1. */
  number: number
  port: number
}

export interface RelaySupervisorOptions {
  /** Starts the process of the relay; at a restart with the UDP port that it had. */
  start: (restart?: Restart) => ChildProcess
  /** Takes the UDP port for as long as the relay does not have it; undefined when it cannot be had. */
  openPort: (restart?: Restart) => Promise<{ close(): Promise<void> } | undefined>
  /** Ends this process: the relay has ended and is not to be started again. */
  exit: (code: number) => void
  clock: Clock
  log: Log
}

/** More crashes than these are left to the platform, which waits longer after each. */
const RESTARTS: Rate = { perSecond: 1 / 60, burst: 3 }
const STOP_MARGIN_MS = 5_000
/** Exit code of a bug, see `runProcess`. */
const BUG = 70
/** The relay was still being loaded, and served no client. */
const ENDED_BY_SIGTERM = 128 + constants.signals.SIGTERM

/**
 * Runs the relay in a process of its own, and starts it again at once when that has crashed: a platform takes a second or more, and longer
 * each time. Clients are told in between that their connection is gone, so that they come back.
 */
export class RelaySupervisor implements Running {
  readonly #options: RelaySupervisorOptions
  #child: ChildProcess
  #port: Promise<{ close(): Promise<void> } | undefined>
  readonly #allowed: TokenBucket
  /** The UDP port at which it serves. */
  #serves: number | undefined
  #restarts = 0
  #onEnd: ((code: number) => void) | undefined
  /** That of the relay, with time for its process to end; until it serves, of one that has nothing to finish. */
  stopDeadlineMs = STOP_MARGIN_MS

  constructor(options: RelaySupervisorOptions) {
    this.#options = options
    this.#allowed = new TokenBucket(RESTARTS, options.clock.monotonic())
    this.#port = options.openPort()
    this.#child = this.#start()
  }

  /** Passes the request on, and resolves when the relay has ended. */
  async stop(): Promise<void> {
    const ended = new Promise<number>((resolve) => {
      this.#onEnd = resolve
    })
    this.#child.kill('SIGTERM')
    const code = await ended
    if (code !== 0 && code !== ENDED_BY_SIGTERM) this.#options.exit(code)
  }

  /** Passes a signal on to the relay, unless that is still being loaded: it would end of a signal that it does not know yet. */
  signal(signal: NodeJS.Signals): void {
    if (this.#serves !== undefined) this.#child.kill(signal)
  }

  #start(restart?: Restart): ChildProcess {
    this.#serves = undefined
    const child = this.#options.start(restart)
    child.on('message', (message: FromRelay) => this.#receive(child, message))
    child.once('exit', (code, signal) => this.#ended(code, signal))
    return child
  }

  #receive(child: ChildProcess, message: FromRelay): void {
    if (message.kind === 'serving') {
      this.#serves = message.port
      this.stopDeadlineMs = message.stopDeadlineMs + STOP_MARGIN_MS
    } else {
      void this.#port
        .then((port) => port?.close())
        .then(() => {
          if (child.connected) child.send(PORT_IS_FREE, () => {})
        })
    }
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    const { clock, log, exit, openPort } = this.#options
    const exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
    if (this.#onEnd) {
      this.#onEnd(exitCode)
      return
    }
    const port = this.#serves
    const hasCrashed = signal !== null || code === BUG
    if (!hasCrashed || port === undefined || !this.#allowed.take(clock.monotonic())) {
      exit(exitCode)
      return
    }
    const restart = { number: ++this.#restarts, port }
    log.error({ code, signal, restarts: restart.number }, 'the relay crashed and is started again')
    this.#port = openPort(restart)
    this.#child = this.#start(restart)
  }
}

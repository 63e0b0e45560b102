import { messageOf, UserError } from './errors.ts'
import type { Log } from './log.ts'

/** Something started that can be asked to end. */
export interface Running {
  /** Finishes what is under way, then lets go of everything. Called once; resolves when nothing is left. */
  stop(): Promise<void>
  /** How long stopping may take, in milliseconds, where it is not over in a minute. */
  readonly stopDeadlineMs?: number
}

/** How long a process may take to stop before it is cut off, unless what runs in it says otherwise. */
const STOP_DEADLINE_MS = 60_000

/** Stops several things one after the other, in the order given; a failure is logged and does not keep the rest alive. */
export const stopAll = (log: Log, ...parts: readonly (Running | undefined)[]): Running => ({
  stop: async () => {
    for (const part of parts) {
      await part?.stop().catch((error: unknown) => log.error({ error: messageOf(error) }, 'a part did not stop cleanly'))
    }
  },
})

/**
 * Runs a process from start to its last breath: starts it, waits for SIGTERM or SIGINT, stops it gracefully, exits 0.
 * A signal while it is still starting ends it at once, because nothing of it serves anybody yet; with `finishStarting` it is first
 * started, then stopped, for what would leave something behind. A second signal, or a stop that outlives its deadline, ends it at
 * once with exit code 130, 143 or 1.
 * A start that resolves with nothing did what it was there for: exit 0 as well.
 * When `outdated` resolves, with what is out of date, it stops just as gracefully: whoever runs it starts it anew.
 * A `UserError` is printed as a sentence with its own exit code; anything else unexpected is a bug: logged, exit code 70.
 */
export async function runProcess(
  log: Log,
  start: () => Promise<Running | undefined>,
  { outdated = never, finishStarting = false }: { outdated?: Promise<string>; finishStarting?: boolean } = {},
): Promise<never> {
  const asked = askedToStop()
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a bug ended the process')
    process.exit(70)
  })
  try {
    const running = await (finishStarting ? start() : Promise.race([start(), asked]))
    if (running === undefined || typeof running === 'string') process.exit(0)
    const reason = await Promise.race([asked, outdated])
    log.info({ reason }, 'stopping')
    const { stopDeadlineMs = STOP_DEADLINE_MS } = running
    setTimeout(() => {
      log.error({ stopDeadlineMs }, 'did not stop within the deadline')
      process.exit(1)
    }, stopDeadlineMs).unref()
    await running.stop()
    process.exit(0)
  } catch (error) {
    if (error instanceof UserError) {
      process.stderr.write(`${error.message}\n`)
      process.exit(error.exitCode)
    }
    log.fatal({ err: error }, 'could not start')
    process.exit(70)
  }
}

const never = new Promise<string>(() => {})

/** npm hands a Ctrl-C on that the terminal has sent to everybody already: within this, two are one. */
const SAME_SIGNAL_MS = 300

/** The first signal asks; whoever sends another does not want to wait. */
const askedToStop = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    let askedAt: number | undefined
    const heard = (signal: NodeJS.Signals) => {
      if (askedAt !== undefined && performance.now() - askedAt > SAME_SIGNAL_MS) process.exit(signal === 'SIGINT' ? 130 : 143)
      askedAt ??= performance.now()
      resolve(signal)
    }
    process.on('SIGINT', heard)
    process.on('SIGTERM', heard)
  })

import { messageOf, UserError } from './errors.ts'
import { exitProcess } from './exit-process.ts'
import type { Log } from './log.ts'

/** Something that was started and can be stopped. */
export interface Running {
  /** Finishes the work under way, then releases every resource. Called once; resolves when nothing is left. */
  stop(): Promise<void>
  /** How long stopping may take, in milliseconds; a minute by default. */
  readonly stopDeadlineMs?: number
}

/** How long a process may take to stop before it exits anyway, where `stopDeadlineMs` does not say otherwise. */
const STOP_DEADLINE_MS = 60_000

/** Stops several things one after the other, in the order given; a failure is logged, and the rest is stopped all the same. */
export const stopAll = (log: Log, ...parts: readonly (Running | undefined)[]): Running => ({
  stop: async () => {
    for (const part of parts) {
      await part?.stop().catch((error: unknown) => log.error({ error: messageOf(error) }, 'a part did not stop cleanly'))
    }
  },
})

/**
 * Runs a process: starts it, waits for SIGTERM or SIGINT, stops it gracefully, exits 0. A signal during the start ends the
 * process at once, because it serves no client yet; with `finishStarting` it is first started, then stopped, where an interrupted
 * start would leave something behind. A second signal, or a stop that exceeds its deadline, ends it at once with exit code 130,
 * 143 or 1. A start that resolves with nothing has done its work: exit 0 as well. When `outdated` resolves, with the reason, the
 * process stops just as gracefully, to be restarted by its supervisor. A `UserError` is printed as a sentence with its own exit
 * code; any other error is a bug: logged, exit code 70.
 */
export async function runProcess(
  log: Log,
  start: () => Promise<Running | undefined>,
  { outdated = never, finishStarting = false }: { outdated?: Promise<string>; finishStarting?: boolean } = {},
): Promise<never> {
  const signal = stopSignal()
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a bug ended the process')
    exitProcess(70)
  })
  try {
    const running = await (finishStarting ? start() : Promise.race([start(), signal]))
    if (running === undefined || typeof running === 'string') exitProcess(0)
    const reason = await Promise.race([signal, outdated])
    log.info({ reason }, 'stopping')
    const { stopDeadlineMs = STOP_DEADLINE_MS } = running
    setTimeout(() => {
      log.error({ stopDeadlineMs }, 'did not stop within the deadline')
      exitProcess(1)
    }, stopDeadlineMs).unref()
    await running.stop()
    exitProcess(0)
  } catch (error) {
    if (error instanceof UserError) {
      process.stderr.write(`${error.message}\n`)
      exitProcess(error.exitCode)
    }
    log.fatal({ err: error }, 'could not start')
    exitProcess(70)
  }
}

const never = new Promise<string>(() => {})

/**
 * npm forwards a Ctrl-C that the terminal has already sent to every process of its group: within this time, two signals count as
 * one.
 */
const SAME_SIGNAL_MS = 300

/** Resolves at the first signal; a second one ends the process at once. */
const stopSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (signal: NodeJS.Signals) => {
      if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) exitProcess(signal === 'SIGINT' ? 130 : 143)
      firstAt ??= performance.now()
      resolve(signal)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })

import type { Clock } from '../chassis/clock.ts'
import { dueNow } from './core/pace.ts'

/** Connections to be ended at a limited rate. */
export interface Drain<Connection> {
  /** Those that are not ended yet, oldest first. Read again at each step: connections that open meanwhile are ended last. */
  remaining(): readonly Connection[]
  end(connection: Connection): void
  durationMs: number
  /** Whether the first connection is ended at once, or after its share of the duration. */
  firstAtOnce: boolean
  clock: Clock
}

const STEP_MS = 100
const CHECK_MS = 10

/**
 * Ends connections evenly over a duration, so that the servers which the clients reconnect to receive a steady stream of
 * handshakes. Resolves when none remains, and at the end of the duration at the latest.
 */
export function drain<Connection>({ remaining, end, durationMs, firstAtOnce, clock }: Drain<Connection>): Promise<void> {
  const startedAt = clock.monotonic()
  let ended = 0
  return new Promise((resolve) => {
    const step = () => {
      const open = remaining()
      const elapsedMs = clock.monotonic() - startedAt
      const due = dueNow({ ended, waiting: open.length, elapsedMs, durationMs, stepMs: STEP_MS, firstAtOnce })
      for (const connection of open.slice(0, due)) end(connection)
      ended += due
      if (open.length === 0 || elapsedMs >= durationMs) resolve()
      else clock.after(Math.min(STEP_MS, durationMs - elapsedMs), step)
    }
    step()
  })
}

/** Waits until a set is empty, at most so long: for clients to answer close frames. */
export async function untilEmpty(connections: ReadonlySet<unknown>, atMostMs: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + atMostMs
  while (connections.size > 0 && clock.monotonic() < deadline) await new Promise<void>((check) => clock.after(CHECK_MS, check))
}

import type { Clock } from '../chassis/clock.ts'
import { PARTS, TICK_MS } from './server.ts'

/** From the beginning of a turn to that of the next one. */
const TURN_MS = TICK_MS / PARTS
/**
 * After a turn, at least this share of the time it took is for what arrives. Without it, a relay that is late would do one turn after the
 * other: Node reads 32 datagrams in between, and the system drops what does not fit into its buffer, acknowledgements included.
 */
const READING_SHARE = 0.5
/** But no longer than this: the process may have been stopped in the middle of a turn. */
const MAX_READING_MS = TICK_MS

/** Calls for turns at even intervals: one that comes late is not made up for. */
export function startRounds(turn: () => void, clock: Clock): { stop(): void } {
  let cancel = () => {}
  let dueAt = clock.monotonic()
  const run = () => {
    const beganAt = clock.monotonic()
    turn()
    const endedAt = clock.monotonic()
    dueAt = Math.max(dueAt + TURN_MS, endedAt + Math.min(MAX_READING_MS, (endedAt - beganAt) * READING_SHARE))
    cancel = clock.after(dueAt - endedAt, run)
  }
  run()
  return { stop: () => cancel() }
}

import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { decodeSessionPage, encodeSyncRequest, type SessionState } from '../wire/state-sync.ts'
import type { Subjects } from '../wire/subjects.ts'

/** What a roll call works with. */
export interface SyncRequestDeps {
  bus: Bus
  subjects: Subjects
  clock: Clock
  /** Like no other asker. */
  requester: string
  onSession(entry: SessionState): void
}

/** Connectors that answer are this quick, in ms; nobody knows how many there are. */
const QUIET_MS = 500
/** Longer than this, in ms, nobody is waited for: better to place some peers anew than to place nobody. */
const DEADLINE_MS = 3_000
/** Answers that come later than the deadline still count, for so long. */
const LATE_MS = 10_000
const MAX_CONNECTORS = 1_000

/**
 * Asks every connector who is here and in which room, and hands each answer on as it comes. `onDone` is called once nobody answers any more,
 * or after a deadline. The returned function stops listening.
 */
export function requestSync(
  { bus, subjects, clock, requester, onSession }: SyncRequestDeps,
  onDone: (connectors: number) => void,
): () => void {
  const pagesMissing = new Map<string, number>()
  let isDone = false
  let cancelQuiet = () => {}

  function done(): void {
    if (isDone) return
    isDone = true
    cancelQuiet()
    cancelDeadline()
    onDone(pagesMissing.size)
  }
  const waitForQuiet = () => {
    cancelQuiet()
    if ([...pagesMissing.values()].every((missing) => missing <= 0)) cancelQuiet = clock.after(QUIET_MS, done)
  }

  const stopListening = bus.subscribe(subjects.syncReply(requester), (payload) => {
    const page = decodeSessionPage(payload)
    if (!page || (pagesMissing.size >= MAX_CONNECTORS && !pagesMissing.has(page.connector))) return
    pagesMissing.set(page.connector, (pagesMissing.get(page.connector) ?? page.count) - 1)
    for (const entry of page.entries) onSession(entry)
    if (!isDone) waitForQuiet()
  })
  const cancelDeadline = clock.after(DEADLINE_MS, done)
  const cancelListening = clock.after(DEADLINE_MS + LATE_MS, stopListening)
  bus.publish(subjects.syncRequest, encodeSyncRequest(requester))
  waitForQuiet()

  return () => {
    isDone = true
    cancelQuiet()
    cancelDeadline()
    cancelListening()
    stopListening()
  }
}

import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { decodeSessionPage, encodeSyncRequest, type SessionState } from '../wire/state-sync.ts'
import type { Subjects } from '../wire/subjects.ts'

export interface SyncRequestDeps {
  bus: Bus
  subjects: Subjects
  clock: Clock
  /** Unique to this request: the replies are published to a subject with this id. */
  requester: string
  onSession(entry: SessionState): void
}

/** Connectors reply within this time, in ms; their number is not known in advance. */
const QUIET_MS = 500
/** Longer than this, in ms, no reply is awaited: placing some peers anew is better than placing none. */
const DEADLINE_MS = 3_000
/** How long replies are still processed after the deadline, in ms. */
const LATE_MS = 10_000
const MAX_CONNECTORS = 1_000

/**
 * Requests the sessions of every connector and passes each on as it arrives. `onDone` is called once no more replies arrive, or
 * at the deadline. The returned function cancels the request.
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
  const restartQuietTimer = () => {
    cancelQuiet()
    if ([...pagesMissing.values()].every((missing) => missing <= 0)) cancelQuiet = clock.after(QUIET_MS, done)
  }

  const unsubscribe = bus.subscribe(subjects.syncReply(requester), (payload) => {
    const page = decodeSessionPage(payload)
    if (!page || (pagesMissing.size >= MAX_CONNECTORS && !pagesMissing.has(page.connector))) return
    pagesMissing.set(page.connector, (pagesMissing.get(page.connector) ?? page.count) - 1)
    for (const session of page.entries) onSession(session)
    if (!isDone) restartQuietTimer()
  })
  const cancelDeadline = clock.after(DEADLINE_MS, done)
  const cancelUnsubscribe = clock.after(DEADLINE_MS + LATE_MS, unsubscribe)
  bus.publish(subjects.syncRequest, encodeSyncRequest(requester))
  restartQuietTimer()

  return () => {
    isDone = true
    cancelQuiet()
    cancelDeadline()
    cancelUnsubscribe()
    unsubscribe()
  }
}

import { randomBytes } from 'node:crypto'
import type { Bus } from '../bus/bus.ts'
import { decodeSyncRequest, encodeSessionPage, SESSIONS_PER_PAGE, type SessionState } from '../wire/state-sync.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { ConnectorMetrics } from './metrics.ts'
import type { PlayerConnection } from './player-connection.ts'
import type { SessionRegistry } from './session-registry.ts'

/** What an answer is made of. */
export interface StateSyncDeps {
  bus: Bus
  subjects: Subjects
  sessions: SessionRegistry<PlayerConnection>
  metrics: ConnectorMetrics
}

/** Askers answered at a time; each of them costs a message per page and turn of the event loop. */
const MAX_ASKERS = 8

/**
 * Answers archipelagos that ask who is here, where, and in which room as far as the player knows: what an archipelago needs to go on where
 * another one ended. A page per turn of the event loop, so that players are heard in between. The returned function stops listening.
 */
export function answerSyncRequests({ bus, subjects, sessions, metrics }: StateSyncDeps): () => void {
  const connector = randomBytes(6).toString('hex')
  const asking = new Set<string>()

  function answer(asker: string): void {
    const present = [...sessions].flatMap(([, { session }]) => session ?? [])
    const count = Math.max(1, Math.ceil(present.length / SESSIONS_PER_PAGE))
    const say = (index: number) => {
      const entries = present.slice(index * SESSIONS_PER_PAGE, (index + 1) * SESSIONS_PER_PAGE).map(entryOf)
      bus.publish(subjects.syncReply(asker), encodeSessionPage({ connector, index, count, entries }))
      if (index + 1 < count) setImmediate(say, index + 1)
      else asking.delete(asker)
    }
    say(0)
  }

  return bus.subscribe(subjects.syncRequest, (payload) => {
    const asker = decodeSyncRequest(payload)
    if (!asker || asking.has(asker) || asking.size >= MAX_ASKERS) return
    metrics.rollCalls.inc()
    asking.add(asker)
    answer(asker)
  })
}

// Read when the page is said: a session may have been told another room since the answer began.
const entryOf = ({ peer, id, lastHeartbeat, announced }: NonNullable<PlayerConnection['session']>): SessionState => ({
  peer,
  session: id,
  position: lastHeartbeat?.position,
  room: announced?.room,
  term: announced?.term,
})

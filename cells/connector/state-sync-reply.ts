import { randomBytes } from 'node:crypto'
import type { Bus } from '../bus/bus.ts'
import { decodeSyncRequest, encodeSessionPage, SESSIONS_PER_PAGE, type SessionState } from '../wire/state-sync.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { ClientConnection, PlayerSession } from './client-connection.ts'
import type { ConnectorMetrics } from './metrics.ts'
import type { SessionRegistry } from './session-registry.ts'

export interface StateSyncDeps {
  bus: Bus
  subjects: Subjects
  sessions: SessionRegistry<ClientConnection>
  metrics: ConnectorMetrics
}

/** Requests answered at a time; each costs a message per turn of the event loop. */
const MAX_REPLIES = 8

/**
 * Answers the state sync of archipelagos with every session, its position and the room that was last announced to it: what an
 * archipelago needs to continue where another one ended. It publishes a page per turn of the event loop, so that sockets are
 * served in between. The returned function unsubscribes.
 */
export function answerSyncRequests({ bus, subjects, sessions, metrics }: StateSyncDeps): () => void {
  const connector = randomBytes(6).toString('hex')
  const requesters = new Set<string>()

  function reply(requester: string): void {
    const present = [...sessions].flatMap(([, { session }]) => session ?? [])
    const count = Math.max(1, Math.ceil(present.length / SESSIONS_PER_PAGE))
    const publishPage = (index: number) => {
      const entries = present.slice(index * SESSIONS_PER_PAGE, (index + 1) * SESSIONS_PER_PAGE).map(entryOf)
      bus.publish(subjects.syncReply(requester), encodeSessionPage({ connector, index, count, entries }))
      if (index + 1 < count) setImmediate(publishPage, index + 1)
      else requesters.delete(requester)
    }
    publishPage(0)
  }

  return bus.subscribe(subjects.syncRequest, (payload) => {
    const requester = decodeSyncRequest(payload)
    if (!requester || requesters.has(requester) || requesters.size >= MAX_REPLIES) return
    metrics.stateSyncs.inc()
    requesters.add(requester)
    reply(requester)
  })
}

// Read when its page is published: another room may have been announced to a session since the reply began.
const entryOf = ({ peer, id, lastHeartbeat, announced }: PlayerSession): SessionState => ({
  peer,
  session: id,
  position: lastHeartbeat?.position,
  room: announced?.room,
  term: announced?.term,
})

import type { Bus } from '../bus/bus.ts'
import { fencingTokenOf, textFieldOf } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { decodeIslandGroup } from '../wire/island-group.ts'
import { ISLAND_ID_FIELD } from '../wire/packets.ts'
import { MAX_ROOM_LENGTH } from '../wire/session-messages.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { Announcements } from './core/announcements.ts'
import type { ArchipelagoMetrics } from './metrics.ts'
import { subscribeToPeers } from './peer-messages.ts'

interface FollowedAnnouncementsDeps {
  bus: Bus
  subjects: Subjects
  metrics: ArchipelagoMetrics
  announcements: Announcements
  /** Whether a message of a term is to be processed. */
  acceptsTerm(term: FencingToken | undefined): boolean
}

/** Records what the active archipelago announces, to single peers and to those of a connector. @returns what ends that */
export function followAnnouncements(deps: FollowedAnnouncementsDeps): () => void {
  const { bus, subjects, metrics, announcements, acceptsTerm } = deps
  const stops = [
    subscribeToPeers(deps, subjects.every.islandChanged, (peer, payload) => {
      const room = acceptsTerm(fencingTokenOf(payload)) && textFieldOf(payload, ISLAND_ID_FIELD)
      if (room && room.length <= MAX_ROOM_LENGTH) announcements.recordAnnounced(peer, room)
      return undefined
    }),
    bus.subscribe(subjects.every.islandGroup, (payload) => {
      const group = decodeIslandGroup(payload)
      if (!group) metrics.ignored.malformed.inc()
      else if (acceptsTerm(fencingTokenOf(payload)))
        for (const { peer } of group.members) announcements.recordAnnounced(peer, group.room)
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

import type { Bus } from '../bus/bus.ts'
import { encodeAdmission } from '../wire/admission.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { RoomTransport } from './room-transport.ts'

export interface WsRoomOptions {
  /** Base URL of the embedded rooms as players reach them: `wss://host/cells/0/rooms`. */
  url: string
  bus: Bus
  subjects: Subjects
  /** The leadership term of the archipelago that publishes the admissions. */
  term?: () => FencingToken | undefined
}

/** A transport to embedded rooms, which can also take a player out of the room of a scene again. */
export interface WsRoomTransport extends RoomTransport {
  revoke(peer: PeerId, room: string): void
}

/** Rooms are embedded rooms; the admission is published on the bus before the player gets the URL. */
export const createWsRoomTransport = ({ url, bus, subjects, term }: WsRoomOptions): WsRoomTransport => ({
  kind: 'ws-room',
  async connectionString(peer, room, kind) {
    const current = term?.()
    bus.publish(subjects.admission(peer), encodeAdmission({ room, kind, ...(current !== undefined && { term: current }) }))
    await bus.flush()
    return `ws-room:${url}/${encodeURIComponent(room)}`
  },
  revoke: (peer, room) => bus.publish(subjects.admission(peer), encodeAdmission({ room, kind: 'revoked' })),
})

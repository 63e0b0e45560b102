import type { PeerId } from '../wire/peer.ts'

/** The media behind rooms: turns "this peer may enter this room" into the string an explorer dials (ADR-180, comms.md §7). */
export interface RoomTransport {
  readonly kind: 'livekit' | 'ws-room'
  /** At once, where nobody has to be asked. @throws when the room cannot be opened to the peer now; the caller tries again later */
  connectionString(peer: PeerId, room: string, kind: 'island' | 'scene'): string | Promise<string>
}

import type { PeerId } from '../wire/peer.ts'

/** The media behind rooms: creates the string with which the explorer of a peer connects to a room (ADR-180, comms.md §7). */
export interface RoomTransport {
  readonly kind: 'livekit' | 'ws-room'
  /**
   * Synchronous where no other service is involved. Undefined where the peer may not enter the room: a refusal, which trying again
   * at once does not change.
   *
   * @throws when the room cannot be opened to the peer now; the caller tries again later
   */
  connectionString(peer: PeerId, room: string, kind: 'island' | 'scene'): ConnectionString | Promise<ConnectionString>
}

/** Undefined is a refusal. */
export type ConnectionString = string | undefined

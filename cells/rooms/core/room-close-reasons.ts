/** How we end a session: what the client is told before the close frame, and the code in it; `cut` means there is no use in either. */
export interface RoomClose {
  /** Text of `peer_kicked`: whoever is told so does not come back (comms.md §13.7). */
  kicked?: string
  code: number
  reason: string
  cut?: true
}

/** Every way a session ends. */
export const roomCloses = {
  /** The other side left, or the line went dead. */
  gone: { code: 1000, reason: '', cut: true },
  malformed: { code: 1007, reason: 'cannot decode WsPacket' },
  unexpected: { code: 1002, reason: 'not now' },
  bad_address: { code: 1008, reason: 'not an address' },
  bad_chain: { code: 1008, reason: 'the signature does not hold' },
  timeout: { code: 1008, reason: 'the handshake took too long' },
  not_admitted: { kicked: 'you were not admitted to this room', code: 1008, reason: 'not admitted' },
  room_full: { kicked: 'the room is full', code: 1013, reason: 'full' },
  superseded: { kicked: 'you entered from elsewhere', code: 1000, reason: 'superseded' },
  /** The peer belongs to another island now and did not leave this one. */
  moved: { code: 1000, reason: 'moved to another room' },
  too_fast: { code: 1008, reason: 'too many messages' },
  /** Its buffer is full of what may not be dropped: a close frame would only queue behind it. */
  too_slow: { code: 1013, reason: 'too slow', cut: true },
  idle: { code: 1001, reason: 'silent', cut: true },
  stopping: { code: 1012, reason: 'restarting' },
} satisfies Record<string, RoomClose>

export type RoomCloseReason = keyof typeof roomCloses

/** What is said at the end. */
export const roomCloseOf = (ending: RoomCloseReason): RoomClose => roomCloses[ending]

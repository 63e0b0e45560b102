import type { SocketClose } from '../../sockets/close-socket.ts'

/** What a client receives when a session in a room ends. */
export type RoomClose = SocketClose & {
  /** Text of `peer_kicked`, sent before the close frame: clients that receive it do not reconnect (comms.md §13.7). */
  kicked?: string
}

/** Every reason for which a session ends; the keys are labels of metrics. */
export const roomCloses = {
  /** The client left, or its connection broke. */
  gone: { by: 'terminate' },
  malformed: { by: 'close', code: 1007, text: 'cannot decode WsPacket' },
  unexpected: { by: 'close', code: 1002, text: 'not now' },
  bad_address: { by: 'close', code: 1008, text: 'not an address' },
  bad_chain: { by: 'close', code: 1008, text: 'the signature does not hold' },
  /** The signature was not checked: there are too many others to check. */
  busy: { by: 'close', code: 1013, text: 'try again later' },
  /** Too many clients are signing in: this one gave way to one of another address. */
  displaced: { by: 'terminate' },
  denied: { by: 'close', code: 1008, text: 'not admitted' },
  banned: { kicked: 'you are banned', by: 'close', code: 1008, text: 'banned' },
  kicked: { kicked: 'you were kicked', by: 'close', code: 1008, text: 'kicked' },
  timeout: { by: 'close', code: 1008, text: 'the handshake took too long' },
  not_admitted: { kicked: 'you were not admitted to this room', by: 'close', code: 1008, text: 'not admitted' },
  room_full: { kicked: 'the room is full', by: 'close', code: 1013, text: 'full' },
  superseded: { kicked: 'you entered from elsewhere', by: 'close', code: 1000, text: 'superseded' },
  /** The peer belongs to another island now and did not leave this one. */
  moved: { by: 'close', code: 1000, text: 'moved to another room' },
  too_fast: { by: 'close', code: 1008, text: 'too many messages' },
  /** Its buffer is full of what may not be dropped: a close frame would only queue behind it. */
  too_slow: { by: 'terminate' },
  idle: { by: 'terminate' },
  /** An exception that the code did not expect; it ends no other session. */
  failed: { by: 'close', code: 1011, text: 'an unexpected error' },
  stopping: { by: 'close', code: 1012, text: 'restarting' },
} satisfies Record<string, RoomClose>

export type RoomCloseReason = keyof typeof roomCloses

/** How to close a socket for a reason. */
export const roomCloseOf = (reason: RoomCloseReason): RoomClose => roomCloses[reason]

import type { SocketClose } from '../../sockets/close-socket.ts'
import type { DisconnectReason } from '../../wire/session-messages.ts'

/** What the client and the bus receive when a socket is closed (comms.md §4.2). */
export type ConnectorClose = SocketClose & {
  /** Whether `kicked` is sent first: for banned, kicked or replaced players only, some explorers show a dialog and do not reconnect. */
  kicked?: true
  /** The reason in the disconnect message, `left` by default. Dropped and drained players are expected to reconnect. */
  disconnect?: DisconnectReason
}

/** Every reason for which a connector closes a socket; the keys are labels of metrics. */
export const connectorCloses = {
  malformed: { by: 'close', code: 1007, text: 'Cannot decode ClientPacket' },
  unexpected: { by: 'close' },
  bad_address: { by: 'close' },
  bad_chain: { by: 'close' },
  // The signature was not checked: the connector has too many others to check.
  busy: { by: 'close', code: 1013, text: 'try again later' },
  denied: { by: 'close' },
  timeout: { by: 'close' },
  banned: { kicked: true, by: 'close' },
  kicked: { kicked: true, by: 'close' },
  superseded: { kicked: true, by: 'close' },
  // Too many clients are signing in: this one gave way to one of another address.
  displaced: { by: 'terminate' },
  // Ten times the rate of heartbeats for five seconds, in messages and pings.
  too_fast: { by: 'close', code: 1008, text: 'too many messages' },
  // 1012 "service restart": explorers reconnect at once, to another connector.
  drained: { by: 'close', code: 1012, disconnect: 'drained' },
  idle: { by: 'terminate', disconnect: 'dropped' },
  slow: { by: 'terminate', disconnect: 'dropped' },
  // An exception that the code did not expect; it ends no other connection.
  failed: { by: 'close', code: 1011, text: 'an unexpected error', disconnect: 'dropped' },
  // The connection broke; explorers reconnect.
  lost: { by: 'none', disconnect: 'dropped' },
  // The client sent a close frame.
  gone: { by: 'none' },
} as const satisfies Record<string, ConnectorClose>

export type ConnectorCloseReason = keyof typeof connectorCloses

/** How to close a socket for a reason. */
export const connectorCloseOf = (reason: ConnectorCloseReason): ConnectorClose => connectorCloses[reason]

import type { DisconnectReason as Leaving } from '../../wire/session-messages.ts'

/** What the client sees of an ending (comms.md §4.2). */
export interface ConnectorClose {
  /** Whether `kicked` is said first: for banned or replaced players only, some explorers show a dialog and stay away. */
  kicked?: true
  /** `close` with the code and reason given, or with an empty payload when there is none; `drop` cuts the line; `none`: it is cut already. */
  by: 'close' | 'drop' | 'none'
  code?: number
  reason?: string
  /** Whether its player is expected back, so that his place is kept for a while; has left for good unless told. */
  leaves?: Leaving
}

/** Every way a socket ends. */
export const connectorCloses = {
  malformed: { by: 'close', code: 1007, reason: 'Cannot decode ClientPacket' },
  unexpected: { by: 'close' },
  bad_address: { by: 'close' },
  bad_chain: { by: 'close' },
  denied: { by: 'close' },
  timeout: { by: 'close' },
  banned: { kicked: true, by: 'close' },
  superseded: { kicked: true, by: 'close' },
  // 1012 "service restart": explorers reconnect at once and land elsewhere.
  drained: { by: 'close', code: 1012, leaves: 'drained' },
  idle: { by: 'drop', leaves: 'dropped' },
  slow: { by: 'drop', leaves: 'dropped' },
  // The line broke; explorers come back.
  lost: { by: 'none', leaves: 'dropped' },
  // The client said goodbye.
  gone: { by: 'none' },
} as const satisfies Record<string, ConnectorClose>

/** The name of an ending; also its label in the metrics. */
export type ConnectorCloseReason = keyof typeof connectorCloses

/** What to say and do at an ending. */
export const connectorCloseOf = (ending: ConnectorCloseReason): ConnectorClose => connectorCloses[ending]

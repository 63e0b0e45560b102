import { httpStatusOf, type RefusalCode } from '../../cells/chassis/errors.ts'
import { type ConnectorCloseReason, connectorCloses } from '../../cells/connector/core/connector-close-reasons.ts'
import { type RoomCloseReason, roomCloses } from '../../cells/rooms/core/room-close-reasons.ts'
import type { SocketClose } from '../../cells/sockets/close-socket.ts'
import { code, pageOf, tableOf } from './markdown.ts'

/** Exit codes of every process; a test compares the numbers with those in the code. */
export const exitCodes: Readonly<Record<number, string>> = {
  0: 'The command did what it was asked to, or the process was asked to stop and stopped.',
  1: 'Something the process needs cannot be used: a broker, a database, a cluster, a folder in use. Or it did not stop in time. `realmctl`: what was asked for is refused, does not exist, or is not well.',
  2: 'The command line, the environment or the manifest is invalid; the message names every mistake.',
  3: 'The port is taken, or needs privileges.',
  4: '`realmctl`: a realm, a gatekeeper, an API server, or the LiveKit that was asked for does not answer.',
  5: '`realmctl`: a file or folder cannot be written.',
  70: 'A bug: please report it with the log.',
  124: '`realmctl`: it is not done within the time that `--wait` gives, or that `install` waits.',
  130: 'Ctrl-C (SIGINT) ended a command of `realmctl`, which says what stays half done. `up`, `forward`, `load` and every process stop first, and end with this code at a second Ctrl-C.',
  143: 'A second SIGTERM ended the process before it had stopped.',
}

const refusals: Readonly<Record<RefusalCode, string>> = {
  INVALID: 'The request is malformed.',
  UNAUTHORIZED: 'A token or signature is missing or wrong.',
  FORBIDDEN: 'The caller is known and may not do this, for example a banned wallet.',
  NOT_FOUND: 'There is no such realm, room or path.',
  TOO_LARGE: 'The body is longer than the service accepts.',
  NOT_SUPPORTED: 'The realm lacks what this needs, such as a LiveKit.',
  UNAVAILABLE: 'The service cannot answer now: it is starting, overloaded, or lacks what it depends on. Try again.',
}

const connectorReasons: Readonly<Record<ConnectorCloseReason, string>> = {
  malformed: 'A message is not valid protobuf.',
  unexpected: 'A message does not belong to this step of the handshake.',
  bad_address: 'The client gave an invalid wallet address.',
  bad_chain: 'The signature of the handshake is invalid.',
  busy: 'Too many signatures are waiting to be checked; the client tries again later.',
  denied: 'The wallet is on the deny list.',
  timeout: 'The client took too long for a step of the handshake.',
  banned: 'The wallet is banned.',
  kicked: 'A moderator removed the player once; the player may come back.',
  superseded: 'The same wallet signed in again.',
  displaced: 'Too many clients are signing in; this one gave way to one of another address.',
  too_fast: 'The client sent ten times as many messages as the limit for five seconds.',
  drained: 'The connector stops; the client reconnects to another one.',
  failed: 'An exception that the code did not expect: a bug, reported in the log; other connections go on.',
  idle: 'No message for `IDLE_TIMEOUT_MS`.',
  slow: 'The client does not read what it is sent.',
  lost: 'The connection broke.',
  gone: 'The client closed the connection.',
}

const roomReasons: Readonly<Record<RoomCloseReason, string>> = {
  gone: 'The client closed the connection, or it broke.',
  malformed: 'A message is not valid protobuf.',
  unexpected: 'A message does not belong to this step of the handshake.',
  bad_address: 'The client gave an invalid wallet address.',
  bad_chain: 'The signature of the handshake is invalid.',
  busy: 'Too many signatures are waiting to be checked; the client tries again later.',
  denied: 'The wallet is on the deny list.',
  banned: 'The wallet is banned, whatever it was admitted to.',
  kicked: 'A moderator removed the player once; the player may come back.',
  timeout: 'The handshake took too long.',
  displaced: 'Too many clients are signing in; this one gave way to one of another address.',
  not_admitted: 'The peer has no admission for this room.',
  room_full: 'The room is full.',
  superseded: 'The same wallet joined again.',
  moved: 'The peer was given another room and did not leave this one.',
  too_fast: 'The peer sends more reliable messages than the limit, or for some seconds more than twice as many unreliable ones.',
  too_slow: 'The peer has read next to nothing of what it was sent for half a minute, or far too much is waiting for it.',
  failed: 'An exception that the code did not expect: a bug, reported in the log; other sessions go on.',
  idle: 'The connection does not answer.',
  stopping: 'The process stops; the client reconnects.',
}

/** The part of a close reason that is shown, of either server. */
type ShownClose = SocketClose & { kicked?: string | boolean }

/** docs/reference/codes.md: what a caller, a client or a script can match on. */
export const codesReference = (): string =>
  pageOf(
    'Codes',
    'Exit codes, HTTP statuses and WebSocket close codes: what scripts and clients can match on.',
    [
      '## Exit codes',
      'Of `realmctl` and of every process. With any code but 0, standard error has a sentence that says why.',
      tableOf(
        ['code', 'meaning'],
        Object.entries(exitCodes).map(([number, meaning]) => [number, meaning]),
      ),
    ].join('\n\n'),
    [
      '## HTTP refusals',
      'Of every service; the body is `{"error": "…"}` where the API of Decentraland has no other.',
      tableOf(
        ['status', 'code', 'meaning'],
        Object.entries(refusals).map(([name, meaning]) => [String(httpStatusOf[name as RefusalCode]), code(name), meaning]),
      ),
      'Further: 429 with `retry-after` for a wallet that sends too many requests to a gatekeeper, 405 with `allow` for a method that the path does not have, 500 for a bug, 503 with `retry-after` while a process starts, also for WebSockets.',
    ].join('\n\n'),
    [
      '## WebSocket close codes of connectors',
      'The name is also the label `ending` of the metric `realm_connector_sessions_ended_total`. *Kicked* means that the client is sent `kicked` first, after which it does not reconnect.',
      closeTable(connectorCloses, connectorReasons),
    ].join('\n\n'),
    [
      '## WebSocket close codes of embedded rooms',
      'The name is also the label `ending` of the metric `realm_rooms_sessions_ended_total`. *Kicked* means that the client is sent `peer_kicked` first.',
      closeTable(roomCloses, roomReasons),
    ].join('\n\n'),
  )

const closeTable = (closes: Readonly<Record<string, ShownClose>>, meanings: Readonly<Record<string, string>>): string =>
  tableOf(
    ['name', 'code', 'close reason', 'kicked', 'meaning'],
    Object.entries(closes).map(([name, close]) => [
      code(name),
      closeText(close),
      code(close.by === 'close' ? close.text : undefined),
      close.kicked === undefined ? '' : 'yes',
      meanings[name] ?? '',
    ]),
  )

function closeText(close: ShownClose): string {
  if (close.by === 'none') return ''
  if (close.by === 'terminate') return 'no close frame'
  return close.code === undefined ? 'none given' : String(close.code)
}

import { type FencingToken, parseFencingToken } from './fencing-token.ts'
import { type PeerId, type Position, parsePeerId } from './peer.ts'
import { MAX_ROOM_LENGTH } from './session-messages.ts'

/** A session as its connector knows it; an archipelago rebuilds its state from these. */
export interface SessionState {
  peer: PeerId
  session: FencingToken
  /** The last position received; undefined before the first heartbeat. */
  position: Position | undefined
  /** The room last announced to the player, and the term of that announcement. */
  room: string | undefined
  term: FencingToken | undefined
}

/** One of the messages in which a connector lists its sessions in reply to a sync request. */
export interface SessionPage {
  /** Id of the connector that replies. */
  connector: string
  index: number
  /** Number of pages in this reply; at least one, also of a connector without sessions. */
  count: number
  entries: readonly SessionState[]
}

/** Keeps a page well below the largest message a broker accepts. */
export const SESSIONS_PER_PAGE = 500
const MAX_PAGES = 2_000
const MAX_PAGE_BYTES = 512 * 1024
const MAX_NAME_LENGTH = 64

/** Ends the id of a requester that follows what is announced in island groups. */
const FOLLOWS_GROUPS = '-groups'

/** The id of a request: the nth of an archipelago, which follows island groups. */
export const requesterOf = (bootId: string, n: number): string => `${bootId}-${n}${FOLLOWS_GROUPS}`

/** Whether the archipelago that sent a sync request, on standby, follows what is announced in island groups. */
export const followsGroups = (requester: string): boolean => requester.endsWith(FOLLOWS_GROUPS)

/** A sync request carries the id of the requester; replies are published to the subject of that id. */
export const encodeSyncRequest = (requester: string): Uint8Array => Buffer.from(requester)

/** The id of the requester; undefined when it could not be the last token of a subject. */
export function decodeSyncRequest(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_NAME_LENGTH) return undefined
  const requester = Buffer.from(bytes).toString()
  return /^[0-9a-zA-Z-]+$/.test(requester) ? requester : undefined
}

export const encodeSessionPage = ({ connector, index, count, entries }: SessionPage): Uint8Array =>
  Buffer.from(
    JSON.stringify([
      connector,
      index,
      count,
      entries.map(({ peer, session, position, room, term }) => [
        peer,
        session,
        position ? [position.x, position.y, position.z] : null,
        room ?? null,
        term ?? null,
      ]),
    ]),
  )

/** Undefined when the bytes are no page; malformed entries are left out. */
export function decodeSessionPage(bytes: Uint8Array): SessionPage | undefined {
  if (bytes.length > MAX_PAGE_BYTES) return undefined
  let page: unknown
  try {
    page = JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
  if (!Array.isArray(page)) return undefined
  const [connector, index, count, entries] = page as unknown[]
  if (typeof connector !== 'string' || connector.length > MAX_NAME_LENGTH || !Array.isArray(entries)) return undefined
  if (!isCount(index) || !isCount(count) || index >= count || count > MAX_PAGES) return undefined
  return {
    connector,
    index,
    count,
    entries: entries.slice(0, SESSIONS_PER_PAGE).flatMap((entry: unknown) => sessionOf(entry) ?? []),
  }
}

function sessionOf(given: unknown): SessionState | undefined {
  if (!Array.isArray(given)) return undefined
  const [address, token, coordinates, announcedRoom, term] = given as unknown[]
  const peer = parsePeerId(address)
  const session = parseFencingToken(stringOf(token))
  if (!peer || !session) return undefined
  const room = stringOf(announcedRoom)
  return {
    peer,
    session,
    position: positionOf(coordinates),
    room: room && room.length <= MAX_ROOM_LENGTH ? room : undefined,
    term: parseFencingToken(stringOf(term)),
  }
}

function positionOf(coordinates: unknown): Position | undefined {
  if (!Array.isArray(coordinates)) return undefined
  const [x, y, z] = coordinates as unknown[]
  return typeof x === 'number' && typeof y === 'number' && typeof z === 'number' ? { x, y, z } : undefined
}

const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

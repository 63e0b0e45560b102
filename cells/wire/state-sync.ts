import { type FencingToken, parseFencingToken } from './fencing-token.ts'
import { type PeerId, type Position, parsePeerId } from './peer.ts'
import { MAX_ROOM_LENGTH } from './session-messages.ts'

/** A session as its connector knows it. */
export interface SessionState {
  peer: PeerId
  session: FencingToken
  /** Where the player last was; nothing before its first heartbeat. */
  position: Position | undefined
  /** The room it was last told, and in which term. */
  room: string | undefined
  term: FencingToken | undefined
}

/** One of the messages in which a connector says who is there. */
export interface SessionPage {
  /** Who says it. */
  connector: string
  index: number
  /** Pages of this answer in all; at least one, also of a connector without sessions. */
  count: number
  entries: readonly SessionState[]
}

/** Sessions on a page: well below what a broker takes in one message. */
export const SESSIONS_PER_PAGE = 500
const MAX_PAGES = 2_000
const MAX_PAGE_BYTES = 512 * 1024
const MAX_NAME_LENGTH = 64

/** A question names who asks; the answers go to that name. */
export const encodeSyncRequest = (asker: string): Uint8Array => Buffer.from(asker)

/** Who asks; nothing when that is no word a subject could end in. */
export function decodeSyncRequest(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_NAME_LENGTH) return undefined
  const asker = Buffer.from(bytes).toString()
  return /^[0-9a-zA-Z-]+$/.test(asker) ? asker : undefined
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

/** Nothing when the bytes are no page; entries that make no sense are left out. */
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
  const [address, stamp, place, room, term] = given as unknown[]
  const peer = parsePeerId(address)
  const session = parseFencingToken(textOr(stamp))
  if (!peer || !session) return undefined
  const said = textOr(room)
  return {
    peer,
    session,
    position: positionOf(place),
    room: said && said.length <= MAX_ROOM_LENGTH ? said : undefined,
    term: parseFencingToken(textOr(term)),
  }
}

function positionOf(place: unknown): Position | undefined {
  if (!Array.isArray(place)) return undefined
  const [x, y, z] = place as unknown[]
  return typeof x === 'number' && typeof y === 'number' && typeof z === 'number' ? { x, y, z } : undefined
}

const textOr = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

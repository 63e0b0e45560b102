import { varintAt } from './extension-fields.ts'
import { delimiter } from './packets.ts'
import { type PeerId, parsePeerId } from './peer.ts'
import { MAX_ROOM_LENGTH } from './session-messages.ts'

/** One of the players that are told of an island together. What they are sent is `before`, the list of the group, and `after`. */
export interface GroupMember {
  readonly peer: PeerId
  /** The fields of their own IslandChangedMessage. */
  readonly before: Uint8Array
  /** What the list lacks for this player. */
  readonly after: Uint8Array | undefined
}

/** Changes of island of players who are at one connector and get the same list of peers, which is in the message once. */
export interface IslandGroup {
  readonly room: string
  readonly list: Uint8Array
  readonly members: readonly GroupMember[]
}

const ROOM_FIELD = 1
const LIST_FIELD = 2
const MEMBER_FIELD = 3
const AFTER_FIELD = 4
const ADDRESS_BYTES = 42

const MAX_MEMBERS = 100
/** A broker refuses messages longer than 1 MiB, headers included. */
const MAX_MESSAGE_BYTES = 900_000
/** Lists that the connector sends for one message: it has other players to serve. */
const MAX_LISTS_BYTES = 8 * 1024 * 1024
/** Around a member: two tags and two lengths. */
const MEMBER_OVERHEAD = ADDRESS_BYTES + 12

const tagOf = (field: number): number => (field << 3) | 2

/** A group in pieces, to be concatenated; extension fields may follow. */
export function encodeIslandGroup({ room, list, members }: IslandGroup): Uint8Array[] {
  const name = Buffer.from(room)
  const pieces = [delimiter(tagOf(ROOM_FIELD), name.length), name, delimiter(tagOf(LIST_FIELD), list.length), list]
  for (const { peer, before, after } of members) {
    pieces.push(delimiter(tagOf(MEMBER_FIELD), ADDRESS_BYTES + before.length), Buffer.from(peer, 'latin1'), before)
    if (after) pieces.push(delimiter(tagOf(AFTER_FIELD), after.length), after)
  }
  return pieces
}

/** Divides the members of a group among as many messages as their lengths need. A member that is too long has one of its own. */
export function* splitMembers(members: readonly GroupMember[], listBytes: number): Generator<readonly GroupMember[]> {
  const most = Math.max(1, Math.min(MAX_MEMBERS, Math.floor(MAX_LISTS_BYTES / Math.max(1, listBytes))))
  let from = 0
  let bytes = listBytes
  for (const [at, { before, after }] of members.entries()) {
    const length = MEMBER_OVERHEAD + before.length + (after?.length ?? 0)
    if (at > from && (at - from >= most || bytes + length > MAX_MESSAGE_BYTES)) {
      yield members.slice(from, at)
      from = at
      bytes = listBytes
    }
    bytes += length
  }
  if (from < members.length) yield members.slice(from)
}

/** Undefined when the bytes are no group, or one of more than `splitMembers` puts into a message. */
export function decodeIslandGroup(bytes: Uint8Array): IslandGroup | undefined {
  let room = ''
  let list: Uint8Array = new Uint8Array(0)
  const members: GroupMember[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = varintAt(bytes, at)
    const length = tag && varintAt(bytes, tag.end)
    if (!tag || (tag.value & 7) !== 2 || !length || length.end + length.value > bytes.length) return undefined
    at = length.end + length.value
    const content = bytes.subarray(length.end, at)
    const field = tag.value >>> 3
    if (field === ROOM_FIELD) room = textOf(content)
    else if (field === LIST_FIELD) list = content
    else if (field === MEMBER_FIELD) {
      const peer = parsePeerId(textOf(content.subarray(0, ADDRESS_BYTES)))
      if (!peer || members.length === MAX_MEMBERS) return undefined
      members.push({ peer, before: content.subarray(ADDRESS_BYTES), after: undefined })
    } else if (field === AFTER_FIELD) {
      const last = members.pop()
      if (!last) return undefined
      members.push({ ...last, after: content })
    }
  }
  const isTooMuch = members.length > 1 && members.length * list.length > MAX_LISTS_BYTES
  return room === '' || room.length > MAX_ROOM_LENGTH || isTooMuch ? undefined : { room, list, members }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()

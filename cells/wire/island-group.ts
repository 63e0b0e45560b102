import { varintAt } from './extension-fields.ts'
import { FieldWriter } from './field-writer.ts'
import { type IslandFields, writeIslandFields } from './island-fields.ts'
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

const tagOf = (field: number): number => (field << 3) | 2

/** Writes groups, each as one message, into memory that it keeps: divided so that a broker takes each, and its connector can send all of it. */
export class IslandGroupWriter {
  readonly #fields = new FieldWriter()
  #members = 0
  #mostMembers = 0

  /** The message with the members so far, valid until another one is begun; extension fields may follow. */
  get message(): Uint8Array {
    return this.#fields.written
  }

  begin(room: string, list: Uint8Array): void {
    this.#members = 0
    this.#mostMembers = Math.min(MAX_MEMBERS, Math.floor(MAX_LISTS_BYTES / Math.max(1, list.length)))
    this.#fields.truncate(0)
    this.#fields.text(tagOf(ROOM_FIELD), room)
    this.#fields.bytes(tagOf(LIST_FIELD), list)
  }

  /** False when the message has no room for this member: it belongs into another one. The first member always has room. */
  add(peer: PeerId, own: IslandFields, after?: Uint8Array): boolean {
    const fields = this.#fields
    const { length } = fields
    const member = fields.open(tagOf(MEMBER_FIELD))
    fields.ascii(peer)
    writeIslandFields(fields, own)
    fields.close(member)
    if (after) fields.bytes(tagOf(AFTER_FIELD), after)
    const isTooMuch = this.#members >= this.#mostMembers || fields.length > MAX_MESSAGE_BYTES
    if (this.#members > 0 && isTooMuch) {
      fields.truncate(length)
      return false
    }
    this.#members++
    return true
  }
}

/** Undefined when the bytes are no group, or one of more than `IslandGroupWriter` puts into a message. */
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

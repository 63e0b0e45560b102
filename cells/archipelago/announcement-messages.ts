import { encodeIslandFields } from '../wire/island-fields.ts'
import { encodeIslandGroup, type GroupMember, splitMembers } from '../wire/island-group.ts'
import { encodePeerList } from '../wire/peer-list.ts'
import { roomKnown } from './core/announcements.ts'
import type { Islands } from './core/islands.ts'
import type { Presence } from './core/presence.ts'

/** A peer that is told its room, and with what it enters there. */
export interface Receiver {
  readonly presence: Readonly<Presence>
  readonly connStr: string
}

/** A message in pieces, for several peers. */
interface GroupMessage {
  receivers: readonly Receiver[]
  pieces: readonly Uint8Array[]
}

interface PeerList {
  bytes: Uint8Array
  isComplete: boolean
}

/** The messages that tell peers of their rooms. The list of the peers of a room is encoded once for all of them. */
export class AnnouncementMessages {
  readonly #islands: Islands
  readonly #maxPeersListed: number
  /** By room; valid until the next flush, or until a member has to leave. */
  readonly #lists = new Map<string, PeerList>()

  /** @param maxPeersListed peers in a list at most; a receiver always finds itself there as well, if it is not 0 */
  constructor(islands: Islands, maxPeersListed: number) {
    this.#islands = islands
    this.#maxPeersListed = maxPeersListed
  }

  /** The peers of all rooms may have changed. */
  clear(): void {
    this.#lists.clear()
  }

  /** The peers of a room changed. */
  forget(room: string): void {
    this.#lists.delete(room)
  }

  /** The message to one peer, in pieces. */
  toPeer(room: string, receiver: Receiver): readonly Uint8Array[] {
    const { before, after } = this.#memberOf(room, receiver)
    return [before, this.#listOf(room).bytes, ...(after ? [after] : [])]
  }

  /** The messages to peers of one connector: as many as their length needs. */
  *toGroup(room: string, receivers: readonly Receiver[]): Generator<GroupMessage> {
    const list = this.#listOf(room).bytes
    const members = receivers.map((receiver) => this.#memberOf(room, receiver))
    let from = 0
    for (const part of splitMembers(members, list.length)) {
      yield { receivers: receivers.slice(from, from + part.length), pieces: encodeIslandGroup({ room, list, members: part }) }
      from += part.length
    }
  }

  /** What differs between the receivers of a room. */
  #memberOf(islandId: string, { presence: { announcement }, connStr }: Receiver): GroupMember {
    const { peer } = announcement
    const before = encodeIslandFields({ islandId, connStr, fromIslandId: roomKnown(announcement) })
    if (this.#listOf(islandId).isComplete || this.#maxPeersListed === 0) return { peer, before, after: undefined }
    // In a protobuf map a repeated key counts once.
    const self = this.#islands.membersOf(islandId).filter((member) => member.peer === peer)
    return { peer, before, after: encodePeerList(self) }
  }

  #listOf(room: string): PeerList {
    const known = this.#lists.get(room)
    if (known) return known
    const members = this.#islands.membersOf(room)
    const bytes = encodePeerList(members.slice(0, this.#maxPeersListed))
    const list = { bytes, isComplete: members.length <= this.#maxPeersListed }
    this.#lists.set(room, list)
    return list
  }
}

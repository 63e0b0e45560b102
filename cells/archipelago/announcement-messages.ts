import { FieldWriter } from '../wire/field-writer.ts'
import { type IslandFields, writeIslandFields } from '../wire/island-fields.ts'
import { IslandGroupWriter } from '../wire/island-group.ts'
import { encodePeerList } from '../wire/peer-list.ts'
import { roomKnown } from './core/announcements.ts'
import type { Islands } from './core/islands.ts'
import type { Presence } from './core/presence.ts'

/** A peer that is told its room, and with what it enters there. */
export interface Receiver {
  readonly presence: Readonly<Presence>
  readonly connStr: string
}

/** A message for several peers. */
interface GroupMessage {
  receivers: readonly Receiver[]
  /** Valid until the next one. */
  bytes: Uint8Array
}

interface PeerList {
  bytes: Uint8Array
  isComplete: boolean
}

/** The messages that tell peers of their rooms. The list of the peers of a room is encoded once for all of them. */
export class AnnouncementMessages {
  readonly #islands: Islands
  readonly #maxPeersListed: number
  readonly #fields = new FieldWriter()
  readonly #group = new IslandGroupWriter()
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
    const after = this.#entryBehindList(room, receiver)
    this.#fields.truncate(0)
    writeIslandFields(this.#fields, fieldsOf(room, receiver))
    return [this.#fields.written, this.#listOf(room).bytes, ...(after ? [after] : [])]
  }

  /** The messages to peers of one connector: as many as their length needs. */
  *toGroup(room: string, receivers: readonly Receiver[]): Generator<GroupMessage> {
    let from = 0
    this.#group.begin(room, this.#listOf(room).bytes)
    for (const [at, receiver] of receivers.entries()) {
      if (this.#add(room, receiver)) continue
      yield { receivers: receivers.slice(from, at), bytes: this.#group.message }
      from = at
      this.#group.begin(room, this.#listOf(room).bytes)
      this.#add(room, receiver)
    }
    yield { receivers: receivers.slice(from), bytes: this.#group.message }
  }

  #add(room: string, receiver: Receiver): boolean {
    const { peer } = receiver.presence.announcement
    return this.#group.add(peer, fieldsOf(room, receiver), this.#entryBehindList(room, receiver))
  }

  /** A list that is cut does not name all peers who receive it. */
  #entryBehindList(room: string, { presence }: Receiver): Uint8Array | undefined {
    if (this.#listOf(room).isComplete || this.#maxPeersListed === 0) return undefined
    // In a protobuf map a repeated key counts once.
    return encodePeerList(this.#islands.membersOf(room).filter(({ peer }) => peer === presence.announcement.peer))
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

/** What differs between the receivers of a room. */
const fieldsOf = (islandId: string, { presence, connStr }: Receiver): IslandFields => ({
  islandId,
  connStr,
  fromIslandId: roomKnown(presence.announcement),
})

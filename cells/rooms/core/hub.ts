import type { PeerId } from '../../wire/peer.ts'
import { roomPackets } from '../../wire/room-packets.ts'

/** A client in a room. */
export interface Member {
  readonly alias: number
  readonly peer: PeerId
  /** Sends a packet of the room itself. */
  send(packet: Uint8Array): void
  /** Sends an update of another member; an unreliable one, or one of a loud sender, is dropped when the client is too slow. */
  relay(packet: Uint8Array, unreliable: boolean, from: Member): void
}

/** Bevy takes the highest number for "no alias" (comms.md §13.4). */
const ALIASES = 0xffff_ffff

/** The members of all rooms, and the messages between them. A room exists while it has members. */
export class Hub {
  readonly #rooms = new Map<string, Map<PeerId, Member>>()
  readonly #aliases = new Set<number>()
  #lastAlias = 0
  #revision = 0

  /** Grows with each change of who is in which room. */
  get revision(): number {
    return this.#revision
  }

  /** An alias that no member has; it is reserved until its member leaves. */
  newAlias(): number {
    do this.#lastAlias = (this.#lastAlias + 1) % ALIASES
    while (this.#aliases.has(this.#lastAlias))
    this.#aliases.add(this.#lastAlias)
    return this.#lastAlias
  }

  /** Welcomes a member with the names of the others, and announces it to them. An older session of the peer must have left. */
  join(room: string, member: Member): void {
    const members = this.#rooms.get(room) ?? new Map<PeerId, Member>()
    this.#rooms.set(room, members)
    const others = [...members.values()]
    members.set(member.peer, member)
    this.#revision++
    member.send(roomPackets.welcome(member.alias, Object.fromEntries(others.map(({ alias, peer }) => [alias, peer]))))
    const joined = roomPackets.joined(member.alias, member.peer)
    for (const other of others) other.send(joined)
  }

  /** Removes a member and announces that to the others; has no effect for one that left already. */
  leave(room: string, member: Member): void {
    const members = this.#rooms.get(room)
    if (members?.get(member.peer) !== member) return
    members.delete(member.peer)
    this.#revision++
    this.#aliases.delete(member.alias)
    if (members.size === 0) this.#rooms.delete(room)
    const left = roomPackets.left(member.alias)
    for (const other of members.values()) other.send(left)
  }

  /** Sends a member's update to the others, under its own alias whatever it claims (comms.md §13.5); returns to how many. */
  relay(room: string, sender: Member, body: Uint8Array, unreliable: boolean): number {
    const members = this.#rooms.get(room)
    if (!members || members.size < 2) return 0
    const packet = roomPackets.update(sender.alias, body, unreliable)
    for (const other of members.values()) if (other !== sender) other.relay(packet, unreliable, sender)
    return members.size - 1
  }

  find(room: string, peer: PeerId): Member | undefined {
    return this.#rooms.get(room)?.get(peer)
  }

  membersOf(room: string): PeerId[] {
    return [...(this.#rooms.get(room)?.keys() ?? [])]
  }

  sizeOf(room: string): number {
    return this.#rooms.get(room)?.size ?? 0
  }

  get rooms(): string[] {
    return [...this.#rooms.keys()]
  }
}

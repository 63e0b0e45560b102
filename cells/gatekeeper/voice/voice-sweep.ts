import type { Clock } from '../../chassis/clock.ts'
import { messageOf } from '../../chassis/errors.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { LivekitParticipant, LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { RoomUse } from '../core/room-names.ts'
import type { GatekeeperMetrics } from '../metrics.ts'
import type { CommunityChats } from './community-chats.ts'
import type { MemberRecords, Session, VoiceMember } from './member-records.ts'
import type { PrivateCalls } from './private-calls.ts'
import { type VoiceEvents, voiceSessionOf } from './voice-events.ts'
import type { VoiceRooms } from './voice-rooms.ts'

export interface VoiceSweepOptions {
  calls: PrivateCalls
  chats: CommunityChats
  events: VoiceEvents
  rooms: VoiceRooms
  livekit: Pick<LivekitRooms, 'rooms' | 'participants'>
  /** Undefined for a room of others. */
  useOf: (room: string) => RoomUse | undefined
  clock: Clock
  log: Log
  metrics: Pick<GatekeeperMetrics, 'voiceSweeps'>
}

const SWEEP_MS = 20_000
/** A participant whose joining LiveKit told just now may be missing in what it lists. */
const SETTLED_MS = 5_000

/**
 * Looks at all voice chats again and again: corrects the records by what LiveKit shows, for events that were lost, then ends the
 * chats whose time is over, and closes rooms of chats that are no more. Every replica does so; each step changes nothing when it
 * was done before. While LiveKit does not answer nothing ends, because a record may be wrong.
 */
export class VoiceSweep implements Running {
  readonly #options: VoiceSweepOptions
  readonly #repeating: Running
  #isFailing = false

  constructor(options: VoiceSweepOptions) {
    const { clock, log } = options
    this.#options = options
    this.#repeating = repeat({ clock, log, delayMs: () => SWEEP_MS, task: () => this.#attempt() })
  }

  stop(): Promise<void> {
    return this.#repeating.stop()
  }

  async #attempt(): Promise<void> {
    const { log, metrics } = this.#options
    try {
      await this.#sweep()
      metrics.voiceSweeps.inc({ outcome: 'done' })
      if (this.#isFailing) log.info('voice chats can be looked at again')
      this.#isFailing = false
    } catch (error) {
      metrics.voiceSweeps.inc({ outcome: 'failed' })
      if (!this.#isFailing) log.warn({ error: messageOf(error) }, 'voice chats cannot be looked at now, and none ends by itself')
      this.#isFailing = true
    }
  }

  async #sweep(): Promise<void> {
    const { livekit, useOf, calls, chats } = this.#options
    const existing = new Map((await livekit.rooms()).map(({ name, participantCount }) => [name, participantCount]))
    const roomsOf = (kind: RoomUse['kind']) => new Map([...existing].filter(([name]) => useOf(name)?.kind === kind))
    await this.#sweepKind(calls, roomsOf('private-voice'))
    await this.#sweepKind(chats, roomsOf('community-voice'))
  }

  /** @param existing rooms and their participants, read before the records: a chat is on record before its room exists */
  async #sweepKind(records: PrivateCalls | CommunityChats, existing: ReadonlyMap<string, number>): Promise<void> {
    const { rooms } = this.#options
    const known = await records.rooms()
    for (const name of existing.keys()) if (!known.has(name)) await rooms.close(name)
    const over = await records.over()
    const doubtful = [...known].filter(([room, connected]) => (existing.get(room) ?? 0) !== connected).map(([room]) => room)
    for (const room of new Set([...doubtful, ...over])) await this.#correct(records, room)
    const still = new Set(await records.over())
    for (const room of over) if (still.has(room)) await rooms.end(records, room, 'its time was over')
  }

  async #correct(records: PrivateCalls | CommunityChats, room: string): Promise<void> {
    const { livekit, clock } = this.#options
    const members = await records.of(room)
    const participants = await livekit.participants(room)
    const present = new Map(
      participants.flatMap((participant) => {
        const session = voiceSessionOf(room, participant)
        return session ? [[session.address, { session, participant }] as const] : []
      }),
    )
    for (const member of members) {
      const { session } = present.get(member.address) ?? {}
      if (session) await this.#present(records, member, session)
      else if (member.status === 'connected' && clock.now() - member.statusUpdatedAt >= SETTLED_MS)
        await records.correct(member, 'connection_interrupted')
    }
    for (const { session, participant } of present.values()) await this.#checkEntry(records, session, participant)
  }

  /** LiveKit shows a member with a connection. One who is on record as gone is for `#checkEntry`. */
  async #present(records: MemberRecords, member: VoiceMember, session: Session): Promise<void> {
    if (member.status === 'connection_interrupted' && member.sid === session.sid) await records.correct(member, 'connected')
    else if (member.status !== 'disconnected') await records.joined(session)
  }

  /** As if the webhook about the connection arrived now; it does nothing for a member whose record is right. */
  async #checkEntry(records: MemberRecords, session: Session, participant: LivekitParticipant): Promise<void> {
    const { calls, events } = this.#options
    if (records === calls) await events.joinedCall(session)
    else await events.joinedChat(session, participant)
  }
}

import { Refusal } from '../../chassis/errors.ts'
import { json, ok } from '../../chassis/http.ts'
import { grants } from '../../rtc/grants.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { ApiHandlers } from '../api/declaration.ts'
import { walletIn } from '../api/path-wallet.ts'
import type { privateVoiceRoutes } from '../api/voice-routes.ts'
import type { PrivateCalls } from './private-calls.ts'
import type { VoiceEntrance } from './voice-entrance.ts'
import type { VoiceRooms } from './voice-rooms.ts'

/** What the routes of calls need. */
export interface PrivateVoiceHandlersOptions {
  calls: PrivateCalls
  voiceRooms: VoiceRooms
  entrance: VoiceEntrance
  /** Beginning of the names of the rooms of calls. */
  privateVoicePrefix: string
}

/** Handlers of the routes of calls of two people (gatekeeper.md §4.11). */
export const privateVoiceHandlers = ({
  calls,
  voiceRooms,
  entrance,
  privateVoicePrefix: prefix,
}: PrivateVoiceHandlersOptions): ApiHandlers<typeof privateVoiceRoutes> => ({
  async status({ params }) {
    return ok({ is_user_in_voice_chat: await calls.isLive(walletIn(params.address)) })
  },
  async start({ body: { user_addresses: pair, room_id: id } }) {
    await entrance.admit(...pair)
    const room = prefix + id
    if (!(await calls.start(room, pair)))
      return json(409, { error: 'Conflict', message: `The voice chat ${id} is one of other people` })
    const connectionOf = (identity: PeerId) => ({ connection_url: entrance.adapter({ identity, room, grant: grants.speaker }) })
    return ok(Object.fromEntries(pair.map((address) => [address, connectionOf(address)])))
  },
  async end({ params: { id }, body: { address } }) {
    const room = prefix + id
    const members = await calls.of(room)
    if (!members.some((member) => member.address === address)) throw new Refusal('NOT_FOUND', `Room ${id} does not exist`)
    return ok({ users_in_voice_chat: await voiceRooms.end(calls, room, 'one of the two ended it') })
  },
})

import type { Clock } from '../../chassis/clock.ts'
import { Refusal } from '../../chassis/errors.ts'
import { ok } from '../../chassis/http.ts'
import { parsePeerId } from '../../wire/peer.ts'
import type { castRoutes } from '../api/cast-routes.ts'
import type { ApiHandlers, SignedCaller } from '../api/declaration.ts'
import type { RoomPrefixes } from '../core/room-names.ts'
import { isPreviewRealm } from '../core/scene-location.ts'
import { claimedRoom } from '../scenes/claimed-room.ts'
import { claimIn } from '../scenes/scene-administration.ts'
import type { SceneRights } from '../scenes/scene-rights.ts'
import type { StreamRecords } from '../streams/stream-records.ts'
import type { Worlds } from '../upstream/worlds.ts'
import type { PresenterChange, Presenters } from './presenters.ts'

export interface PresenterHandlersOptions {
  presenters: Presenters
  streams: Pick<StreamRecords, 'byRoom'>
  rights: Pick<SceneRights, 'authorityOf'>
  worlds: Pick<Worlds, 'sceneAt'>
  prefixes: Pick<RoomPrefixes, 'scene' | 'world'>
  allowsPreview: boolean
  clock: Clock
}

type PresenterRoutes = Pick<typeof castRoutes, 'presenters' | 'addPresenter' | 'removePresenter'>

const STREAMER = /^stream:(.+):[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Handlers of who presents in a scene. */
export function presenterHandlers(options: PresenterHandlersOptions): ApiHandlers<PresenterRoutes> {
  const { presenters } = options

  /** The participant that a path names, of the room that the caller administers. */
  const changeOf = async (caller: SignedCaller, participant: string): Promise<PresenterChange> => {
    const { room, placeId } = await stage(options, caller)
    const identity = parsePeerId(participant) ?? (STREAMER.exec(participant)?.[1] === placeId ? participant : undefined)
    if (identity === undefined) throw new Refusal('INVALID', 'Invalid participant identity')
    return { actor: caller.wallet, placeId, room, identity }
  }

  return {
    async presenters({ caller }) {
      const { room } = await stage(options, caller)
      return ok({ presenters: await presenters.of(room) })
    },
    async addPresenter({ caller, params }) {
      await presenters.add(await changeOf(caller, params.participantIdentity))
      return ok({ message: 'Participant promoted to presenter' })
    },
    async removePresenter({ caller, params }) {
      await presenters.remove(await changeOf(caller, params.participantIdentity))
      return ok({ message: 'Participant demoted from presenter' })
    },
  }
}

/**
 * The room that is streamed to, for one who administers its scene. The scene is the one the key was made for: it may have been
 * deployed anew since, while its players are still in that room.
 */
async function stage(options: PresenterHandlersOptions, caller: SignedCaller): Promise<{ room: string; placeId: string }> {
  const claimed = claimIn(caller)
  const room = await claimedRoom(options, claimed)
  const access = await options.streams.byRoom(room)
  if (!access || access.expiresAt <= options.clock.now()) throw new Refusal('NOT_FOUND', `No active stream found for ${room}`)
  const { place, placeId } = access
  const isPreview = options.allowsPreview && place === undefined && isPreviewRealm(claimed.realmName)
  if (!isPreview && !(place && (await options.rights.authorityOf(caller.wallet, place))))
    throw new Refusal('FORBIDDEN', 'Only scene administrators can manage presenters')
  return { room, placeId }
}

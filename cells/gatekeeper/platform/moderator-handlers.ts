import { Refusal } from '../../chassis/errors.ts'
import { ok } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import type { PeerId } from '../../wire/peer.ts'
import { type ApiHandlers, type Moderator, noContent } from '../api/declaration.ts'
import type { moderatorRoutes } from '../api/moderator-routes.ts'
import { walletIn } from '../api/path-wallet.ts'
import type { BanList } from '../ban-list.ts'
import { parcelOf } from '../core/scene-location.ts'
import type { Decisions } from '../decisions.ts'
import { isoTimeOf, isoTimeOrNull } from '../iso-time.ts'
import type { KickList } from '../kick-list.ts'
import type { RoomGuard } from '../livekit/room-guard.ts'
import type { ModerationChanges } from '../moderation-changes.ts'
import type { SceneBanList } from '../scenes/scene-ban-list.ts'
import type { SceneRecords } from '../scenes/scene-records.ts'
import { administratorsOf, type SceneRights } from '../scenes/scene-rights.ts'
import { type SceneStepName, sceneSteps } from '../scenes/scene-steps.ts'
import type { Places, ScenePlace } from '../upstream/places.ts'
import type { PlatformRecords } from './platform-records.ts'

/** What moderators read and decide besides bans and warnings. */
export interface ModeratorHandlersOptions {
  platform: Pick<PlatformRecords, 'kick' | 'lastSeen' | 'warnings'>
  kicks: Pick<KickList, 'read'>
  bans: Pick<BanList, 'known' | 'against'>
  sceneBans: Pick<SceneBanList, 'placesOf'>
  places: Pick<Places, 'placeOf'>
  rights: Pick<SceneRights, 'isPrivileged' | 'privilegedOf' | 'leaseHoldersOf'>
  scenes: Pick<SceneRecords, 'admins' | 'addAdmin' | 'removeAdmin'>
  decisions: Pick<Decisions, 'checked'>
  changes: Pick<ModerationChanges, 'emit'>
  /** Undefined where the rooms are not those of a LiveKit. */
  control: { guard: Pick<RoomGuard, 'visitsOf' | 'kick'> } | undefined
  moderators: readonly PeerId[]
  hasModeratorToken: boolean
}

/** Which scene a moderator means. */
interface NamedScene {
  world?: string | undefined
  parcel?: string | undefined
  scene?: string | undefined
}

/** Handlers of the routes of moderators besides bans and warnings. */
export function moderatorHandlers(options: ModeratorHandlersOptions): ApiHandlers<typeof moderatorRoutes> {
  const { platform, kicks, bans, sceneBans, control } = options
  return {
    async kick({ caller, params, body: { reason } }) {
      const address = walletIn(params.address)
      await platform.kick(address, caller.name, reason)
      await kicks.read()
      return ok({ data: { address, rooms: (await control?.guard.kick(address).catch(stillInRooms)) ?? [] } })
    },
    async presence({ params }) {
      const address = walletIn(params.address)
      if (!bans.known) throw new Refusal('UNAVAILABLE', 'Bans cannot be looked up now')
      const [lastSeen, warnings, visits] = await Promise.all([
        platform.lastSeen(address),
        platform.warnings(address),
        control ? control.guard.visitsOf(address).catch(nullWhenAway) : null,
      ])
      const ban = bans.against({ address })
      return ok({
        data: {
          address,
          lastSeenAt: isoTimeOrNull(lastSeen ?? null),
          rooms: visits?.map(({ room, kind, joinedAtMs }) => ({ room, kind, joinedAt: isoTimeOf(joinedAtMs) })) ?? null,
          ban: ban
            ? {
                ...{ bannedAt: isoTimeOf(ban.bannedAt), expiresAt: isoTimeOrNull(ban.expiresAt) },
                ...{ bannedBy: ban.bannedBy, reason: ban.reason },
              }
            : null,
          warnings: warnings.length,
          sceneBans: [...sceneBans.placesOf(address)],
        },
      })
    },
    moderators: () => ok({ data: { wallets: [...options.moderators].sort(), token: options.hasModeratorToken } }),
    async sceneAdmins({ query }) {
      const place = await placeOf(options, query)
      const { added, privileged, leaseholders } = await administratorsOf(options, place)
      const ofRight = (by: string) => (admin: PeerId) => ({ admin, addedBy: null, addedAt: null, by })
      const admins = [
        ...added.map(({ admin, added_by: addedBy, created_at: at }) => ({
          ...{ admin, addedBy, addedAt: isoTimeOf(Number(at)), by: 'added' },
        })),
        ...privileged.map(ofRight('owner or operator')),
        ...leaseholders.map(ofRight('lease')),
      ]
      return ok({ data: { placeId: place.id, admins } })
    },
    addSceneAdmin: ({ caller, body }) => change(options, 'addAdmin', caller, body),
    removeSceneAdmin: ({ caller, body }) => change(options, 'removeAdmin', caller, body),
  }
}

/** Changes the administrators of a scene, as `sceneHandlers` does for those of the scene. */
async function change(
  options: ModeratorHandlersOptions,
  name: Extract<SceneStepName, 'addAdmin' | 'removeAdmin'>,
  { name: actor }: Moderator,
  { admin: target, reason, ...named }: NamedScene & { admin: PeerId; reason: string },
): Promise<HttpResponse> {
  const { rights, scenes, decisions, changes } = options
  const { action, kind, privileged, problems } = sceneSteps[name]
  const place = await placeOf(options, named)
  await decisions.checked({ actor, action, target, placeId: place.id, reason }, { hasRight: () => true }, async () => {
    if (await rights.isPrivileged(target, place)) throw new Refusal('INVALID', privileged)
  })
  const result = await scenes[name]({ actor, authority: 'moderator', placeId: place.id, target, reason })
  const problem = (problems as Readonly<Record<string, string>>)[result]
  if (problem !== undefined) throw new Refusal('INVALID', problem)
  void changes.emit({ kind, address: target, placeId: place.id, room: undefined })
  return noContent
}

async function placeOf({ places }: ModeratorHandlersOptions, { world, parcel, scene }: NamedScene): Promise<ScenePlace> {
  const place = await places.placeOf({ world: world?.toLowerCase(), sceneId: scene, parcel: parcelOf(parcel) })
  if (place) return place
  throw new Refusal('NOT_FOUND', 'No such scene is deployed, or the places service does not know it')
}

/** The connectors end the sessions of the player all the same. */
function stillInRooms(error: unknown): never {
  if (!(error instanceof Refusal)) throw error
  const message = `The player leaves the connectors, and may still be in rooms: ${error.message}. Kick again later`
  throw new Refusal(error.code, message, { cause: error })
}

function nullWhenAway(error: unknown): null {
  if (error instanceof Refusal) return null
  throw error
}

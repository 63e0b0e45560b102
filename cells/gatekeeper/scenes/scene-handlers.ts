import { Refusal } from '../../chassis/errors.ts'
import { ok } from '../../chassis/http.ts'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import { type ApiHandlers, noContent, type Page, pageNumbers, pageOf, type SignedCaller } from '../api/declaration.ts'
import type { sceneRoutes } from '../api/scene-routes.ts'
import { sceneRoom } from '../core/scene-access.ts'
import { type ClaimedScene, claimedSceneOf } from '../core/scene-location.ts'
import type { ModerationChange, ModerationChanges } from '../moderation-changes.ts'
import type { Land } from '../upstream/land.ts'
import type { Places, ScenePlace } from '../upstream/places.ts'
import type { SceneBanList } from './scene-ban-list.ts'
import type { SceneAuthority, SceneChange, SceneRecords } from './scene-records.ts'
import type { SceneRights } from './scene-rights.ts'

/** What decides about one scene. */
export interface SceneHandlersOptions {
  places: Pick<Places, 'placeOf'>
  rights: Pick<SceneRights, 'authorityOf' | 'isPrivileged' | 'privilegedOf' | 'leaseHoldersOf'>
  scenes: Pick<SceneRecords, 'admins' | 'addAdmin' | 'removeAdmin' | 'bans' | 'ban' | 'unban'>
  land: Pick<Land, 'ownerOfName' | 'displayNames'>
  sceneBans: Pick<SceneBanList, 'reread'>
  changes: Pick<ModerationChanges, 'emit'>
  roomPrefix: string
  worldRoomPrefix: string
}

const REFUSED = {
  add: 'You do not have permission to add admins to this place',
  remove: 'Only scene admins or the owner can remove admins',
  ban: 'You do not have permission to ban users from this place',
  unban: 'You do not have permission to unban users from this place',
  list: 'User does not have permission to list scene bans',
}

/** A caller who administers the place. */
interface Administrator {
  place: ScenePlace
  claimed: ClaimedScene
  change: Omit<SceneChange, 'target'>
}

/** Handlers of the routes of scene administrators. */
export function sceneHandlers(options: SceneHandlersOptions): ApiHandlers<typeof sceneRoutes> {
  const { rights, scenes, land, sceneBans } = options
  const administrator = (caller: SignedCaller, refusal: string) => administratorOf(options, caller, refusal)

  async function changed({ place, claimed }: Administrator, kind: SceneKind, address: PeerId): Promise<void> {
    if (kind === 'sceneBanned' || kind === 'sceneUnbanned') await sceneBans.reread(address)
    void options.changes.emit({ kind, address, placeId: place.id, room: roomOf(options, place, claimed) })
  }

  return {
    async admins({ caller, query }) {
      const { place } = await placeOf(options, caller)
      const [added, privileged, leaseholders] = await Promise.all([
        scenes.admins(place.id, query.admin === undefined ? undefined : (parsePeerId(query.admin) ?? '0x')),
        rights.privilegedOf(place),
        rights.leaseHoldersOf(place),
      ])
      const names = await namesOf(land, [...added.map(({ admin }) => admin), ...privileged, ...leaseholders])
      const nameOf = (wallet: PeerId) => names.get(wallet) ?? ''
      const fixed = (admin: PeerId) => ({ admin, name: nameOf(admin), canBeRemoved: false })
      return ok([
        ...added.map((row) => ({ ...row, name: nameOf(row.admin), canBeRemoved: !privileged.includes(row.admin) })),
        ...privileged.map(fixed),
        ...leaseholders.map(fixed),
      ])
    },
    async addAdmin({ caller, body }) {
      const administration = await administrator(caller, REFUSED.add)
      const target = await targetOf(land, body.admin, body.name)
      if (await rights.isPrivileged(target, administration.place))
        throw new Refusal('INVALID', 'Cannot add this address as an admin')
      const result = await scenes.addAdmin({ ...administration.change, target })
      if (result === 'lost') throw new Refusal('UNAUTHORIZED', REFUSED.add)
      if (result === 'banned')
        throw new Refusal('INVALID', 'Cannot add this address as an admin because it is banned from this scene')
      await changed(administration, 'sceneAdminAdded', target)
      return noContent
    },
    async removeAdmin({ caller, body: { admin: target } }) {
      const administration = await administrator(caller, REFUSED.remove)
      if (await rights.isPrivileged(target, administration.place))
        throw new Refusal('INVALID', 'Cannot remove the user with privileges from this scene')
      const result = await scenes.removeAdmin({ ...administration.change, target })
      if (result === 'lost') throw new Refusal('UNAUTHORIZED', REFUSED.remove)
      if (result === 'no admin') throw new Refusal('INVALID', 'The specified admin does not exist or is already inactive')
      await changed(administration, 'sceneAdminRemoved', target)
      return noContent
    },
    async bans({ caller, query }) {
      const { addresses, numbers } = await bansOf(options, caller, query)
      const names = await namesOf(land, addresses)
      return ok({ results: addresses.map((address) => ({ bannedAddress: address, name: names.get(address) ?? '' })), ...numbers })
    },
    async banAddresses({ caller, query }) {
      const { addresses, numbers } = await bansOf(options, caller, query)
      return ok({ results: addresses, ...numbers })
    },
    async ban({ caller, body }) {
      const administration = await administrator(caller, REFUSED.ban)
      const target = await targetOf(land, body.banned_address, body.banned_name)
      if (await rights.isPrivileged(target, administration.place)) throw new Refusal('INVALID', 'Cannot ban this address')
      const result = await scenes.ban({ ...administration.change, target })
      if (result === 'lost') throw new Refusal('UNAUTHORIZED', REFUSED.ban)
      if (result === 'is admin') throw new Refusal('INVALID', 'Cannot ban this address')
      await changed(administration, 'sceneBanned', target)
      return noContent
    },
    async unban({ caller, body }) {
      const administration = await administrator(caller, REFUSED.unban)
      const target = await targetOf(land, body.banned_address, body.banned_name)
      const result = await scenes.unban({ ...administration.change, target })
      if (result === 'lost') throw new Refusal('UNAUTHORIZED', REFUSED.unban)
      await changed(administration, 'sceneUnbanned', target)
      return noContent
    },
  }
}

type SceneKind = Extract<ModerationChange, { placeId: string }>['kind']

async function placeOf(
  { places }: SceneHandlersOptions,
  { metadata }: SignedCaller,
): Promise<{ place: ScenePlace; claimed: ClaimedScene }> {
  const claimed = claimedSceneOf(metadata)
  if (!claimed) throw new Refusal('UNAUTHORIZED', 'Access denied, invalid signed-fetch request, no realm')
  const { world, parcel } = claimed
  const place = await places.placeOf(claimed)
  if (place) return { place, claimed }
  throw new Refusal(
    'NOT_FOUND',
    world === undefined
      ? `No place found with parcel ${parcel}`
      : `No world scene place found for world ${world} at position ${parcel}`,
  )
}

async function administratorOf(options: SceneHandlersOptions, caller: SignedCaller, refusal: string): Promise<Administrator> {
  const { place, claimed } = await placeOf(options, caller)
  const authority: SceneAuthority | undefined = await options.rights.authorityOf(caller.wallet, place)
  if (!authority) throw new Refusal('UNAUTHORIZED', refusal)
  return { place, claimed, change: { actor: caller.wallet, authority, placeId: place.id } }
}

async function bansOf(options: SceneHandlersOptions, caller: SignedCaller, query: Page) {
  const { place } = await administratorOf(options, caller, REFUSED.list)
  const page = pageOf(query)
  const { addresses, total } = await options.scenes.bans(place.id, page)
  return { addresses, numbers: pageNumbers(page, total) }
}

async function targetOf(land: Pick<Land, 'ownerOfName'>, address: PeerId | undefined, name: string | undefined): Promise<PeerId> {
  const found = address ?? (await land.ownerOfName(name ?? ''))
  if (!found) throw new Refusal('NOT_FOUND', `Could not find the owner of the name ${name}`)
  return found
}

/** Names are an ornament: where they cannot be asked for, there are none. */
const namesOf = (land: Pick<Land, 'displayNames'>, wallets: readonly PeerId[]): Promise<ReadonlyMap<PeerId, string>> =>
  land.displayNames([...new Set(wallets)]).catch(() => new Map<PeerId, string>())

/** The room of the scene, whose players notice the change; undefined where the client did not name its realm. */
function roomOf(
  { roomPrefix, worldRoomPrefix }: SceneHandlersOptions,
  place: ScenePlace,
  { realmName }: ClaimedScene,
): string | undefined {
  if (place.world !== undefined) return `${worldRoomPrefix}${place.world}-${place.sceneId}`.toLowerCase()
  return realmName === undefined ? undefined : sceneRoom(roomPrefix, realmName, place.sceneId)
}

import { Refusal } from '../../chassis/errors.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { ScenePlace } from '../upstream/places.ts'
import type { SceneRecords } from './scene-records.ts'
import type { SceneRights } from './scene-rights.ts'

export interface SceneMetadataOptions {
  scenes: Pick<SceneRecords, 'admins' | 'bans'>
  rights: Pick<SceneRights, 'privilegedOf' | 'leaseHoldersOf'>
}

/** So many of the latest bans are shown: those of players who may be near. */
const MAX_BANS = 500

/**
 * What the metadata of a room says about its scene (gatekeeper.md §4.4). Without `sceneAdmins` while a source of rights does not
 * answer: explorers take administrators who are left out for none.
 */
export async function sceneMetadata(
  { scenes, rights }: SceneMetadataOptions,
  place: ScenePlace,
): Promise<{ bannedAddresses: PeerId[]; sceneAdmins?: PeerId[] }> {
  const [{ addresses: bannedAddresses }, sceneAdmins] = await Promise.all([
    scenes.bans(place.id, { limit: MAX_BANS, offset: 0 }),
    adminsOf({ scenes, rights }, place),
  ])
  return { bannedAddresses, ...(sceneAdmins && { sceneAdmins }) }
}

async function adminsOf({ scenes, rights }: SceneMetadataOptions, place: ScenePlace): Promise<PeerId[] | undefined> {
  const added = await scenes.admins(place.id, undefined)
  try {
    const others = await Promise.all([rights.privilegedOf(place), rights.leaseHoldersOf(place).catch(noLeases)])
    return [...new Set([...added.map(({ admin }) => admin), ...others.flat()])]
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

/** A realm may have no list of leases; a lease gives fewer rights than all others. */
function noLeases(error: unknown): PeerId[] {
  if (error instanceof Refusal) return []
  throw error
}

import type { PeerId } from '../../wire/peer.ts'
import type { Land } from '../upstream/land.ts'
import type { Leases } from '../upstream/leases.ts'
import type { ScenePlace } from '../upstream/places.ts'
import type { Worlds } from '../upstream/worlds.ts'
import type { SceneAuthority, SceneRecords } from './scene-records.ts'

/** Everything that gives a right over a scene. */
export interface SceneRightsOptions {
  land: Pick<Land, 'rightsOf' | 'operatorsOf' | 'ownerOfName'>
  worlds: Pick<Worlds, 'isGranted' | 'privilegedOf'>
  leases: Pick<Leases, 'holdersOf'>
  records: Pick<SceneRecords, 'isAdmin'>
}

/** Who may administer a scene (gatekeeper.md §4.0). While a source does not answer, the answer is an outage and no right. */
export class SceneRights {
  readonly #options: SceneRightsOptions

  constructor(options: SceneRightsOptions) {
    this.#options = options
  }

  /** The right of a wallet over a place, or undefined. @throws Refusal UNAVAILABLE */
  async authorityOf(wallet: PeerId, place: ScenePlace): Promise<SceneAuthority | undefined> {
    if (await this.#options.records.isAdmin(wallet, place.id)) return 'admin'
    if (await this.isPrivileged(wallet, place)) return 'privileged'
    if (place.world !== undefined) return undefined
    return (await this.#options.leases.holdersOf(place.positions)).includes(wallet) ? 'lease' : undefined
  }

  /** Whether the wallet owns the land or the world, or may operate, deploy or stream there. @throws Refusal UNAVAILABLE */
  async isPrivileged(wallet: PeerId, { world, base, positions }: ScenePlace): Promise<boolean> {
    const { land, worlds } = this.#options
    if (world !== undefined)
      return (await land.ownerOfName(nameOfWorld(world))) === wallet || (await worlds.isGranted(world, wallet, positions))
    return Object.values(await land.rightsOf(wallet, base)).some((has) => has)
  }

  /** Every wallet that is privileged. @throws Refusal UNAVAILABLE */
  async privilegedOf({ world, base, positions }: ScenePlace): Promise<PeerId[]> {
    const { land, worlds } = this.#options
    if (world === undefined) return [...new Set(await land.operatorsOf(base))]
    const owner = await land.ownerOfName(nameOfWorld(world))
    return [...new Set([...(owner ? [owner] : []), ...(await worlds.privilegedOf(world, positions))])]
  }

  /** Every wallet with a lease. @throws Refusal UNAVAILABLE */
  async leaseHoldersOf({ world, positions }: ScenePlace): Promise<PeerId[]> {
    return world === undefined ? this.#options.leases.holdersOf(positions) : []
  }
}

/** Everyone who administers a scene, by the right they have. @throws Refusal UNAVAILABLE */
export async function administratorsOf(
  { scenes, rights }: { scenes: Pick<SceneRecords, 'admins'>; rights: Pick<SceneRights, 'privilegedOf' | 'leaseHoldersOf'> },
  place: ScenePlace,
  /** Of those who were added only this one. */
  only?: PeerId,
) {
  const [added, privileged, leaseholders] = await Promise.all([
    scenes.admins(place.id, only),
    rights.privilegedOf(place),
    rights.leaseHoldersOf(place),
  ])
  return { added, privileged, leaseholders }
}

const nameOfWorld = (world: string): string => world.replace(/(\.dcl)?\.eth$/, '')

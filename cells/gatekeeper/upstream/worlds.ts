import { z } from 'zod'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import type { JsonService } from './json-service.ts'

const allowList = z.object({ type: z.string(), wallets: z.array(z.string()).default([]) })
const permissions = z.object({
  permissions: z.object({ deployment: allowList, streaming: allowList }),
  owner: z.string().nullish(),
})
const grants = ['deployment', 'streaming'] as const
type Grant = (typeof grants)[number]

const parcels = z.object({ parcels: z.array(z.string()) })
const scenes = z.object({
  scenes: z.array(
    z.object({
      entityId: z.string(),
      parcels: z.array(z.string()).default([]),
      entity: z.object({ metadata: z.object({ scene: z.object({ base: z.string() }).optional() }).nullish() }).optional(),
    }),
  ),
})

/** A scene of a world. */
export interface WorldScene {
  entityId: string
  base: string | undefined
  parcels: readonly string[]
}

/** What a worlds content server says of its worlds and of who may change them. */
export class Worlds {
  readonly #server: JsonService

  constructor(server: JsonService) {
    this.#server = server
  }

  /** Whether the wallet may deploy to, or stream in, the whole world or one of these parcels. */
  async isGranted(world: string, wallet: PeerId, positions: readonly string[]): Promise<boolean> {
    const found = await this.#permissionsOf(world)
    for (const grant of grants) {
      if (!found?.permissions[grant].wallets.some((listed) => parsePeerId(listed) === wallet)) continue
      const path = `world/${encodeURIComponent(world)}/permissions/${grant}/address/${wallet}/parcels`
      const limited = (await this.#server.ask(path, parcels))?.parcels ?? []
      if (limited.length === 0 || limited.some((parcel) => positions.includes(parcel))) return true
    }
    return false
  }

  /** The owner, and the wallets that `isGranted`. */
  async privilegedOf(world: string, positions: readonly string[]): Promise<PeerId[]> {
    const found = await this.#permissionsOf(world)
    if (!found) return []
    const listed = new Set(
      grants.flatMap((grant: Grant) => found.permissions[grant].wallets).flatMap((text) => parsePeerId(text) ?? []),
    )
    const granted = await Promise.all([...listed].map((wallet) => this.isGranted(world, wallet, positions)))
    return [
      ...new Set([
        ...(parsePeerId(found.owner) ? [parsePeerId(found.owner) as PeerId] : []),
        ...[...listed].filter((_, n) => granted[n]),
      ]),
    ]
  }

  /** The scene of a world at a parcel; of a world with one scene that one, because clients send `0,0` for it. */
  async sceneAt(world: string, parcel: string): Promise<WorldScene | undefined> {
    const path = `world/${encodeURIComponent(world)}/scenes`
    const [at] = (await this.#server.ask(path, scenes, { coordinates: [parcel] }))?.scenes ?? []
    if (at) return sceneOf(at)
    const all = (await this.#server.ask(`${path}?limit=2`, scenes))?.scenes ?? []
    return all.length === 1 && all[0] ? sceneOf(all[0]) : undefined
  }

  /** The scene of a world by its id, in any case: names of rooms of worlds are in lower case. */
  async sceneById(world: string, sceneId: string): Promise<WorldScene | undefined> {
    const path = `world/${encodeURIComponent(world)}/scenes?limit=100&entity_id=${encodeURIComponent(sceneId)}`
    const found = (await this.#server.ask(path, scenes))?.scenes ?? []
    const scene = found.find(({ entityId }) => entityId.toLowerCase() === sceneId.toLowerCase())
    return scene && sceneOf(scene)
  }

  #permissionsOf(world: string): Promise<z.output<typeof permissions> | undefined> {
    return this.#server.ask(`world/${encodeURIComponent(world)}/permissions`, permissions)
  }
}

const sceneOf = ({ entityId, parcels: covered, entity }: z.output<typeof scenes>['scenes'][number]): WorldScene => ({
  entityId,
  base: entity?.metadata?.scene?.base ?? covered[0],
  parcels: covered,
})

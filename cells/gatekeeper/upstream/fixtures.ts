import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Wallet } from '../../../testing/player/wallet.ts'

interface DeployedScene {
  id: string
  parcels: string[]
}

interface World {
  owner: string
  /** Parcels that each wallet may deploy to; [] = the whole world. */
  deployment: Map<string, string[]>
  streaming: Map<string, string[]>
  scenes: DeployedScene[]
}

/** The public services of Decentraland in one server, as gatekeeper-2.md §5 describes them. */
export interface FakeServices {
  url: string
  /** Settings of a gatekeeper that asks these services. */
  config: Record<'CONTENT_URL' | 'LAMBDAS_URL' | 'PLACES_API_URL' | 'WORLD_CONTENT_URL' | 'LEASES_URL', string>
  scenes: DeployedScene[]
  worlds: Map<string, World>
  /** Rights by `wallet x,y`. */
  rights: Map<string, string>
  names: Map<string, string>
  leases: { addresses: string[]; plots: string[] }[]
  /** What the services do; every answer is then of that kind. */
  mood: 'right' | 'slow' | 'broken' | 'other shape'
  requests: string[]
}

const none = { owner: false, operator: false, updateOperator: false, updateManager: false, approvedForAll: false }

export async function someServices(): Promise<FakeServices> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url ?? ''
    services.requests.push(path)
    if (services.mood === 'slow') return
    if (services.mood === 'broken') return void response.writeHead(500).end()
    const body =
      services.mood === 'other shape'
        ? 'something else'
        : answerOf(services, path, JSON.parse(Buffer.concat(chunks).toString() || 'null'))
    if (body === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const services: FakeServices = {
    ...{ url, scenes: [], worlds: new Map(), rights: new Map(), names: new Map(), leases: [], mood: 'right', requests: [] },
    config: {
      CONTENT_URL: `${url}/content`,
      LAMBDAS_URL: `${url}/lambdas/`,
      PLACES_API_URL: `${url}/places/api`,
      WORLD_CONTENT_URL: `${url}/worlds`,
      LEASES_URL: `${url}/leases`,
    },
  }
  return services
}

/** Undefined for 404. */
function answerOf(services: FakeServices, path: string, body: unknown): unknown {
  const at = new URL(path, services.url)
  const [service = '', ...parts] = at.pathname.slice(1).split('/')
  if (service === 'content') return entitiesFor(services.scenes, body as { pointers?: string[]; ids?: string[] })
  if (service === 'places') return placesFor(services, at.searchParams)
  if (service === 'leases') return services.leases
  if (service === 'worlds') return worldAnswer(services, parts.map(decodeURIComponent), body, at.searchParams)
  return lambdasAnswer(services, parts, body)
}

const sceneMetadata = ({ parcels }: DeployedScene) => ({ scene: { base: parcels[0], parcels } })

function entitiesFor(scenes: readonly DeployedScene[], { pointers = [], ids = [] }: { pointers?: string[]; ids?: string[] }) {
  return scenes
    .filter(({ id, parcels }) => ids.includes(id) || parcels.some((parcel) => pointers.includes(parcel)))
    .map((scene) => ({ id: scene.id, type: 'scene', pointers: scene.parcels, metadata: sceneMetadata(scene) }))
}

const placeRow = (world: string, { parcels }: DeployedScene) => ({
  ...{ id: `place of ${world}${parcels[0]}`, title: 'A place', world: world !== '', world_name: world || null },
  ...{ positions: parcels, base_position: parcels[0], disabled: false },
})

function placesFor({ scenes, worlds }: FakeServices, query: URLSearchParams) {
  const [position = '', world] = [query.get('positions') ?? '', query.get('names')]
  const found = world === null ? scenes : (worlds.get(world)?.scenes ?? [])
  return {
    ok: true,
    data: found.filter(({ parcels }) => parcels.includes(position)).map((scene) => placeRow(world ?? '', scene)),
  }
}

function lambdasAnswer({ rights, names }: FakeServices, parts: readonly string[], body: unknown) {
  const [kind, key = '', , x, y] = parts
  if (kind === 'users')
    return { ...none, ...(rights.has(`${key} ${x},${y}`) && { [rights.get(`${key} ${x},${y}`) ?? '']: true }) }
  if (kind === 'names') return names.has(key) ? { owner: names.get(key) } : undefined
  if (kind === 'profiles')
    return (body as { ids: string[] }).ids
      .slice(0, 1)
      .map((id) => ({ avatars: [{ name: 'Ana', hasClaimedName: false, ethAddress: id }] }))
  const parcel = `${parts[1]},${parts[2]}`
  const having = (right: string) =>
    [...rights].flatMap(([who, has]) => (has === right && who.endsWith(` ${parcel}`) ? [who.split(' ')[0]] : []))
  return {
    ...{
      owner: having('owner')[0] ?? null,
      operator: having('operator')[0] ?? null,
      updateOperator: having('updateOperator')[0] ?? null,
    },
    ...{ updateManagers: having('updateManager'), approvedForAll: having('approvedForAll') },
  }
}

function worldAnswer(
  { worlds }: FakeServices,
  [, name = '', kind, grant, , wallet = '']: readonly string[],
  body: unknown,
  query: URLSearchParams,
) {
  const world = worlds.get(name)
  if (!world) return undefined
  if (kind === 'scenes') {
    const { coordinates } = (body ?? {}) as { coordinates?: string[] }
    const id = query.get('entity_id')
    const found = world.scenes.filter(
      (scene) =>
        (!coordinates || scene.parcels.some((parcel) => coordinates.includes(parcel))) && (id === null || scene.id === id),
    )
    const shown = found.slice(0, Number(query.get('limit') ?? 100))
    return {
      total: found.length,
      scenes: shown.map((scene) => ({ entityId: scene.id, parcels: scene.parcels, entity: { metadata: sceneMetadata(scene) } })),
    }
  }
  if (grant !== 'deployment' && grant !== 'streaming') {
    const list = (of: Map<string, string[]>) => ({ type: 'allow-list', wallets: [...of.keys()] })
    return {
      owner: world.owner,
      permissions: { deployment: list(world.deployment), streaming: list(world.streaming), access: { type: 'unrestricted' } },
    }
  }
  const parcels = world[grant].get(wallet)
  return parcels && { total: parcels.length, parcels }
}

/** The metadata with which scene code of a scene signs, for its player (ADR-289). */
export const sceneMetadataOf = (sceneId: string, parcel: string, world?: string) => ({
  ...{ sceneId, parcel, tld: 'org', network: 'mainnet', isGuest: false, signer: 'decentraland-kernel-scene' },
  realm: world
    ? { serverName: world, hostname: 'https://worlds-content-server.decentraland.org', protocol: 'https' }
    : { serverName: 'main', hostname: 'https://peer.example.org', protocol: 'https' },
})

export const addressesOf = (...wallets: Wallet[]): string[] => wallets.map(({ address }) => address)

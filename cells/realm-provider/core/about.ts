import type { Endpoint, RealmSpec } from '../../../crds/realm.ts'
import { isObject } from './about-fields.ts'
import type { CatalystAbout } from './catalyst.ts'
import type { FeatureService } from './feature-services.ts'
import type { PublishedRealm } from './published-realm.ts'

/** Where the content of a realm comes from at the moment. */
export type World =
  /** No catalyst is configured: the realm provider serves an empty world below this base URL (no slash at the end). */
  | { kind: 'empty'; baseUrl: string }
  /** A catalyst, which may have stopped answering since its last valid answer. */
  | { kind: 'catalyst'; about: CatalystAbout; healthy: boolean }
  /** None of the configured catalysts has ever answered; this is the URL of the first. */
  | { kind: 'unreachable'; url: string }

/** The cell and the catalyst that were chosen for the player, and the realm they belong to. */
export interface AboutInput {
  realm: PublishedRealm
  endpoint: Endpoint
  usersCount: number
  /** Whether every cell has as many players as it is meant for. */
  full?: boolean
  world: World
  /** Services beside content and profiles. */
  services?: Readonly<Record<string, FeatureService>> | undefined
  /** Commit that the services of the realm were built from, where it is known. */
  commitHash?: string | undefined
}

type Content = RealmSpec['content']

/** Defaults of the CRD: where a realm has the default, the value of the catalyst is used instead. */
export const CONTENT_DEFAULTS: Pick<Content, 'networkId' | 'map'> = {
  networkId: 1,
  map: { minimapEnabled: true, sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] },
}

/**
 * The body of `/about` (comms.md §2): that of the catalyst, with the name, comms and health of the realm.
 *
 * `comms.fixedAdapter` is never sent beside `adapter`, because explorers disagree on which of them takes precedence. `healthy`
 * and `acceptingUsers` cover both comms and content; explorers that do not read them enter anyway, and players can at least meet.
 */
export function aboutOf({
  realm,
  endpoint,
  usersCount,
  full = false,
  world,
  services,
  commitHash,
}: AboutInput): Readonly<Record<string, unknown>> {
  const { content, lambdas } = servicesOf(world)
  const healthy = realm.healthy && content.healthy === true
  return {
    healthy,
    acceptingUsers: healthy && !full,
    ...(realm.world?.spawn && { spawnCoordinates: realm.world.spawn }),
    configurations: configurationsOf(realm, world),
    content,
    lambdas,
    comms: {
      healthy: realm.healthy,
      protocol: 'v3',
      version: realm.version,
      ...(commitHash && { commitHash }),
      usersCount,
      adapter: endpoint.adapter,
    },
    // Older web explorers open an Archipelago socket only when this is healthy.
    bff: { healthy, protocolVersion: '1.0_0', userCount: usersCount, publicUrl: '/bff', ...bffOf(world) },
    ...(services && { services }),
  }
}

function servicesOf(world: World): Record<'content' | 'lambdas', Record<string, unknown>> {
  switch (world.kind) {
    case 'empty':
      return ownServices(world.baseUrl, true, 'Syncing')
    case 'unreachable':
      return ownServices(world.url, false, 'Unknown')
    case 'catalyst': {
      const { content, lambdas } = world.about
      if (world.healthy) return { content: { healthy: true, ...content }, lambdas: { healthy: true, ...lambdas } }
      return { content: { ...content, healthy: false }, lambdas: { ...lambdas, healthy: false } }
    }
  }
}

const ownServices = (base: string, healthy: boolean, synchronizationStatus: string) => ({
  content: { healthy, synchronizationStatus, publicUrl: `${base}/content/` },
  lambdas: { healthy, publicUrl: `${base}/lambdas/` },
})

function configurationsOf({ realmName, content, world: place }: PublishedRealm, world: World): Record<string, unknown> {
  const catalyst = world.kind === 'catalyst' ? world.about.configurations : {}
  const { networkId, realmName: _, globalScenesUrn = [], scenesUrn = [], map, ...rest } = catalyst
  const declaresNetwork = content.networkId !== CONTENT_DEFAULTS.networkId
  const { localSceneParcels, cityLoaderContentServer, skybox, minimap } = content
  return {
    networkId: declaresNetwork ? content.networkId : (networkId ?? content.networkId),
    realmName,
    globalScenesUrn: content.globalScenesUrn.length > 0 ? content.globalScenesUrn : globalScenesUrn,
    scenesUrn: place?.scenes ?? (content.scenesUrn.length > 0 ? content.scenesUrn : scenesUrn),
    map: { ...mapOf(content.map, place ? NO_MAP : map), ...viewsOf(content.map) },
    ...rest,
    ...declared({ localSceneParcels, cityLoaderContentServer, skybox, minimap }),
  }
}

/** A World has no land, so none is shown unless its Realm says so. */
const NO_MAP = { minimapEnabled: false, sizes: [] }

/** @param given used where the Realm has the default */
const mapOf = (map: Content['map'], given: unknown): object => (isDefaultMap(map) && isObject(given) ? given : sizesOf(map))

const sizesOf = ({ minimapEnabled, sizes }: Content['map']) => ({ minimapEnabled, sizes })

/** Images of the map, as explorers know their fields. */
function viewsOf({ satelliteView, thumbnailView, parcelView }: Content['map']): object {
  return declared({ satelliteView: tilesOf(satelliteView), thumbnailView: tilesOf(thumbnailView), parcelView })
}

function tilesOf(view: Content['map']['satelliteView']): object | undefined {
  if (!view?.topLeftOffset) return view
  const { horizontal: x, vertical: y } = view.topLeftOffset
  return { ...view, topLeftOffset: { x, y } }
}

const declared = <Fields extends object>(fields: Fields): Partial<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>

/** The `bff` of a catalyst, without the fields that describe the realm. */
function bffOf(world: World): Record<string, unknown> {
  if (world.kind !== 'catalyst') return {}
  const { healthy: _, userCount: __, ...rest } = world.about.bff ?? {}
  return rest
}

const isDefaultMap = ({ minimapEnabled, sizes }: Content['map']): boolean =>
  minimapEnabled && JSON.stringify(sizes.map(sidesOf)) === JSON.stringify(CONTENT_DEFAULTS.map.sizes.map(sidesOf))

const sidesOf = ({ left, top, right, bottom }: Content['map']['sizes'][number]) => [left, top, right, bottom]

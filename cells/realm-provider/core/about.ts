import type { Endpoint, RealmSpec } from '../../../crds/realm.ts'
import type { CatalystAbout } from './catalyst.ts'
import type { PublishedRealm } from './published-realm.ts'

/** Where the world of a realm comes from, as of now. */
export type World =
  /** No catalyst is configured: an empty world, served by ourselves below this base URL (no slash at the end). */
  | { kind: 'empty'; baseUrl: string }
  /** A catalyst, which may have stopped answering since. */
  | { kind: 'catalyst'; about: CatalystAbout; healthy: boolean }
  /** None of the configured catalysts has ever answered; this is where the first of them should be. */
  | { kind: 'unreachable'; url: string }

/** All that `/about` tells. */
export interface AboutInput {
  realm: PublishedRealm
  endpoint: Endpoint
  usersCount: number
  world: World
  /** Commit the realm's cells were built from, when known. */
  commitHash?: string | undefined
}

type Content = RealmSpec['content']

/** What the CRD writes where the user wrote nothing: there, a catalyst's own word is better than ours. */
export const CONTENT_DEFAULTS: Pick<Content, 'networkId' | 'map'> = {
  networkId: 1,
  map: { minimapEnabled: true, sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] },
}

/**
 * The realm's description (comms.md §2): the catalyst's, with the realm's own name, comms and health.
 *
 * `comms.fixedAdapter` is never sent beside `adapter`, because explorers disagree on which of them wins. `healthy` and
 * `acceptingUsers` mean both comms and world; explorers that do not read them enter anyway and at least meet each other.
 */
export function aboutOf({ realm, endpoint, usersCount, world, commitHash }: AboutInput): Readonly<Record<string, unknown>> {
  const { content, lambdas } = servicesOf(world)
  const healthy = realm.healthy && content.healthy === true
  return {
    healthy,
    acceptingUsers: healthy,
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
    // Without a healthy one, web explorers of old do not open an Archipelago socket at all.
    bff: { healthy, protocolVersion: '1.0_0', userCount: usersCount, publicUrl: '/bff', ...bffOf(world) },
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

function configurationsOf({ realmName, content }: PublishedRealm, world: World): Record<string, unknown> {
  const theirs = world.kind === 'catalyst' ? world.about.configurations : {}
  const { networkId, realmName: _, globalScenesUrn, scenesUrn, map, ...rest } = theirs
  const declaresNetwork = content.networkId !== CONTENT_DEFAULTS.networkId
  return {
    networkId: declaresNetwork || typeof networkId !== 'number' ? content.networkId : networkId,
    realmName,
    globalScenesUrn: content.globalScenesUrn.length > 0 ? content.globalScenesUrn : textsOf(globalScenesUrn),
    scenesUrn: content.scenesUrn.length > 0 ? content.scenesUrn : textsOf(scenesUrn),
    map: isDefaultMap(content.map) ? (readMap(map) ?? content.map) : content.map,
    ...rest,
  }
}

/** What a catalyst says of its gateway, but for what we know better. */
function bffOf(world: World): Record<string, unknown> {
  if (world.kind !== 'catalyst') return {}
  const { healthy: _, userCount: __, ...rest } = world.about.bff ?? {}
  return rest
}

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []

const isDefaultMap = ({ minimapEnabled, sizes }: Content['map']): boolean =>
  minimapEnabled && JSON.stringify(sizes.map(sidesOf)) === JSON.stringify(CONTENT_DEFAULTS.map.sizes.map(sidesOf))

const sidesOf = ({ left, top, right, bottom }: Content['map']['sizes'][number]) => [left, top, right, bottom]

/** A catalyst's map, without rectangles one side of which is no integer: a single one and Bevy cannot read the whole document. */
function readMap(map: unknown): Record<string, unknown> | undefined {
  if (typeof map !== 'object' || map === null) return undefined
  const { minimapEnabled, sizes, ...views } = map as Record<string, unknown>
  const whole = (Array.isArray(sizes) ? sizes : []).flatMap((size: unknown) => {
    const { left, top, right, bottom } = (size ?? {}) as Record<string, unknown>
    return [left, top, right, bottom].every(Number.isInteger) ? [{ left, top, right, bottom }] : []
  })
  return whole.length > 0 ? { minimapEnabled: minimapEnabled === true, sizes: whole, ...views } : undefined
}

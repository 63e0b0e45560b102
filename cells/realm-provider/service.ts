import { withoutTrailingSlash } from '../chassis/base-url.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { createApp } from '../chassis/http.ts'
import { stopAll } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { Cell } from '../chassis/service.ts'
import { type CatalystTiming, pollCatalysts } from './adapters/catalyst-poller.ts'
import { pollStats, type RealmStats, type StatsTiming } from './adapters/stats-poller.ts'
import type { RealmProviderConfig } from './config.ts'
import { type PublishedRealm, realmsByName } from './core/published-realm.ts'
import { providerMetrics } from './metrics.ts'
import { createLeases } from './publications/leases.ts'
import { createReplicas } from './publications/replicas.ts'
import { publicationRoutes } from './publications/routes.ts'
import { providerRoutes } from './routes.ts'
import { joinSources, type RealmSource } from './sources/realm-source.ts'

/** What a realm provider needs. */
export interface RealmProviderDependencies {
  source: RealmSource
  /** Who counts players; the statistics of each realm are asked unless given. */
  stats?: RealmStats
  log: Log
  clock: Clock
  metrics: Metrics
  /** How often others are asked; the defaults unless given. */
  timing?: { catalysts?: CatalystTiming; players?: StatsTiming }
}

/** Explorers post the pointers of everything around them. */
const MAX_BODY_BYTES = 256 * 1024

/** Starts the realm provider: it tells explorers where each realm is, from memory, and goes on telling when its sources fail. */
export async function startRealmProvider(config: RealmProviderConfig, deps: RealmProviderDependencies): Promise<Cell> {
  const { log, clock, metrics, timing = {} } = deps
  const token = config.PUBLICATION_TOKEN
  const leases = token ? createLeases({ clock, log }) : undefined
  const addresses = (config.PUBLICATION_PEERS ?? '').split(',').filter(Boolean)
  const peers = leases && token ? createReplicas({ leases, token, addresses, log }) : undefined
  const source = leases ? joinSources(deps.source, leases) : deps.source
  let realms: ReadonlyMap<string, PublishedRealm> = new Map()
  let complete = false
  const counted = providerMetrics(metrics, {
    realms: () => realms.size,
    healthy: () => [...realms.values()].filter(({ healthy }) => healthy).length,
    clashes: () => source.realms().length - realms.size,
    leased: () => leases?.all().length ?? 0,
  })
  const catalysts = pollCatalysts({ clock, log, metrics: counted, timing: timing.catalysts })
  const look = () => {
    realms = realmsByName(source.realms())
    complete ||= source.ready()
    catalysts.follow([...realms.values()].flatMap(({ content }) => content.catalysts))
  }
  // What was leased while this replica was away is known before it says that it is ready.
  await peers?.sync()
  look()
  const stopLooking = source.onChange(look)
  const stats =
    deps.stats ??
    pollStats({
      realms: () => realms.values(),
      statsUrlOf: statsUrlOf(config.STATS_URL),
      clock,
      log,
      metrics: counted,
      timing: timing.players,
    })

  // Once ready, always ready: a source that fails later makes nothing untrue, and a new catalyst is no reason to turn players away.
  let begun = false
  const readiness = (): Readiness => {
    if (!complete) return { ready: false, reason: 'it is not known yet which realms there are' }
    begun ||= catalysts.allAsked()
    return begun ? { ready: true } : { ready: false, reason: 'not every catalyst was asked yet' }
  }
  const app = createApp({
    log,
    metrics,
    maxBodyBytes: MAX_BODY_BYTES,
    routes: [
      ...providerRoutes({
        realms: () => (complete ? realms : undefined),
        catalysts,
        stats,
        baseUrl: config.HTTP_BASE_URL && withoutTrailingSlash(config.HTTP_BASE_URL),
        build: { version: config.CURRENT_VERSION, commitHash: config.COMMIT_HASH },
        clock,
        metrics: counted,
      }),
      ...(leases && token && peers
        ? publicationRoutes({
            leases,
            token,
            holder: (name) => realms.get(name),
            metrics: counted,
            announceToReplicas: peers.announce,
          })
        : []),
      ...(peers?.routes ?? []),
      ...operationalRoutes(metrics, readiness),
    ],
  })
  const eyes = { stop: async () => stopLooking() }
  return { app, readiness, stop: stopAll(log, eyes, catalysts, deps.stats ? undefined : stats, leases).stop }
}

/** Inside a cluster the Services of statistics are nearer than the hosts players use; a template names them. */
const statsUrlOf =
  (template: string | undefined) =>
  ({ key, statsUrl, isRemote }: PublishedRealm): string | undefined =>
    (isRemote ? undefined : template)?.replace('{namespace}', key.namespace).replace('{name}', key.name) ?? statsUrl

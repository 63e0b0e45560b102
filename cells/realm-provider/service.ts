import { keyText } from '../../crds/object.ts'
import type { CatalystProblems } from '../../crds/publication.ts'
import { withoutTrailingSlash } from '../chassis/base-url.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { type App, createApp, type Route } from '../chassis/http.ts'
import { stopAll } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import { CatalystListPoller } from './adapters/catalyst-list-poller.ts'
import { CatalystPoller, type CatalystTiming, type WantedCatalyst } from './adapters/catalyst-poller.ts'
import type { MapTiming } from './adapters/map-poller.ts'
import { ServicePoller } from './adapters/service-poller.ts'
import { type RealmStats, StatsPoller, type StatsPollerOptions, type StatsTiming } from './adapters/stats-poller.ts'
import { WorldPlayers } from './adapters/world-players.ts'
import { clientLocations } from './client-location.ts'
import type { RealmProviderConfig } from './config.ts'
import type { ConsoleSources, ShownLease } from './console/sources.ts'
import { type ConsoleOptions, type RunningConsole, startConsole } from './console/wiring.ts'
import { Arrivals } from './core/arrivals.ts'
import { healthUrlsOf } from './core/feature-services.ts'
import { hasEndpoints, type PublishedRealm } from './core/published-realm.ts'
import { providerMetrics } from './metrics.ts'
import { PublicationLeases } from './publications/leases.ts'
import { readPublishers } from './publications/publishers.ts'
import { Replicas, replicaRoutes } from './publications/replicas.ts'
import { publicationRoutes } from './publications/routes.ts'
import { RealmDirectory } from './realm-directory.ts'
import { providerRoutes } from './routes.ts'
import type { EventSource } from './sources/events.ts'
import { withCatalystLists } from './sources/listed-catalysts.ts'
import { joinSources, type RealmSource } from './sources/realm-source.ts'

/** The service does not stop these; the caller does. */
export interface RealmProviderDependencies {
  source: RealmSource
  /** What the console shows of Kubernetes Events; none by default. */
  events?: Pick<EventSource, 'latest'> | undefined
  /** Replaces the poller that queries the stats of each realm. */
  stats?: RealmStats
  log: Log
  clock: Clock
  metrics: Metrics
  /** Intervals of the pollers, where they differ from the defaults. */
  timing?: { catalysts?: CatalystTiming; stats?: StatsTiming; maps?: MapTiming }
}

/** Explorers post the pointers of everything around them. */
const MAX_BODY_BYTES = 256 * 1024

/** Starts the realm provider. It answers from memory, and goes on with what it knows while its sources are unreachable. */
export async function startRealmProvider(
  config: RealmProviderConfig,
  dependencies: RealmProviderDependencies,
): Promise<RunningService> {
  const { log, clock, metrics, timing = {} } = dependencies
  const publications = publicationsOf(config, dependencies)
  // The leases that other replicas accepted while this one was down are loaded before it reports that it is ready.
  await publications?.replicas.sync()
  const onlyRemote = config.ALLOW_LOCAL_URLS !== 'true'
  const lists = new CatalystListPoller({ onlyRemote, clock, log })
  const declared = publications ? joinSources(dependencies.source, publications.leases) : dependencies.source
  const source = withCatalystLists(declared, lists)
  const counted = providerMetrics(metrics, {
    realms: () => directory.all.filter(hasEndpoints).length,
    healthy: () => directory.all.filter(({ healthy }) => healthy).length,
    clashes: () => directory.clashes,
    leased: () => publications?.leases.all().length ?? 0,
    catalysts: () => catalysts.count(),
    lists: () => lists.count(),
  })
  const catalysts = new CatalystPoller({ clock, log, metrics: counted, onlyRemote, timing: timing.catalysts })
  const services = new ServicePoller({ onlyRemote, clock, log })
  const arrivals = new Arrivals()
  const locations = clientLocations({
    country: config.CLIENT_COUNTRY_HEADERS ?? ['CF-IPCountry'],
    latitude: config.CLIENT_LATITUDE_HEADER,
    longitude: config.CLIENT_LONGITUDE_HEADER,
  })
  const consolePage = consoleOf(config, {
    ...{ catalysts, services, clock, log, source },
    leases: publications?.leases,
    mapTiming: timing.maps,
    events: () => dependencies.events?.latest() ?? [],
    realms: () => directory.all,
    playerCount: (realm) => stats.playerCount(realm),
  })
  const directory = new RealmDirectory(source, (realms) => {
    const served = new Set(realms.map(({ key }) => keyText(key)))
    arrivals.retain((realm) => served.has(realm))
    consolePage.follow(realms)
    lists.follow(
      realms.flatMap(({ tenant, content: { catalystList } }) => (catalystList ? [{ tenant, url: catalystList.url }] : [])),
    )
    catalysts.follow(realms.filter(hasEndpoints).flatMap(wantedCatalysts))
    services.follow(realms.flatMap(({ tenant, content }) => healthUrlsOf(content).map(([, url]) => ({ tenant, url }))))
  })
  const published = () => directory.all.filter(hasEndpoints)
  const polling = { onlyRemote, clock, log, metrics: counted }
  const stats = dependencies.stats ?? pollRealms(config, { ...polling, realms: published, timing: timing.stats })
  const readiness = readinessOf(directory, () => lists.allAsked() && catalysts.allAsked() && services.allAsked())
  const hasPeerPort = config.PEER_SERVER_PORT !== undefined
  const operational = operationalRoutes(metrics, readiness)
  const catalystProblems = ({ content }: PublishedRealm) => problemsOf(content, catalysts, lists)
  const servedRealm = (name: string) => directory.realms.get(name)
  const app = createApp({
    log,
    metrics,
    maxBodyBytes: MAX_BODY_BYTES,
    routes: [
      ...providerRoutes({
        realms: () => (directory.isComplete ? directory.realms : undefined),
        realmOf: (name) => directory.named(name),
        membersOf: (realm) => directory.members(realm),
        defaultRealm: config.DEFAULT_REALM,
        catalysts,
        catalystProblems,
        stats,
        isServiceHealthy: (url) => services.isHealthy(url),
        arrivals,
        locations,
        baseUrl: config.HTTP_BASE_URL && withoutTrailingSlash(config.HTTP_BASE_URL),
        build: { version: config.CURRENT_VERSION, commitHash: config.COMMIT_HASH },
        clock,
        metrics: counted,
        console: consolePage.parts,
      }),
      ...(publications ? publicationRoutes({ ...publications, servedRealm, catalystProblems, metrics: counted }) : []),
      ...(hasPeerPort ? [] : operational),
    ],
  })
  return {
    peerApp: hasPeerPort ? peerAppOf(log, [...replicaRoutesOf(publications, servedRealm), ...operational]) : undefined,
    app,
    readiness,
    stop: stopAll(
      log,
      ...[consolePage, directory, lists, catalysts, services, dependencies.stats ? undefined : stats, publications?.leases],
    ).stop,
  }
}

const wantedCatalysts = ({ tenant, content, listedCatalysts }: PublishedRealm): WantedCatalyst[] =>
  content.catalysts.map((url) => ({ tenant, url, isListed: listedCatalysts?.has(url) === true }))

function problemsOf(
  { catalysts: urls, catalystList }: PublishedRealm['content'],
  catalysts: CatalystPoller,
  lists: CatalystListPoller,
): CatalystProblems {
  const unusedCatalysts = catalysts.unused(urls)
  return {
    ...(unusedCatalysts > 0 && { unusedCatalysts }),
    ...(catalystList && lists.isUnreadable(catalystList.url) && { isListUnreadable: true }),
  }
}

/** Realms of other clusters are published here only where a publisher is configured. */
function publicationsOf(config: RealmProviderConfig, { clock, log }: Pick<RealmProviderDependencies, 'clock' | 'log'>) {
  const publishers = readPublishers(config)
  if (publishers.length === 0) return undefined
  const leases = new PublicationLeases({ clock, log, accounts: publishers.length })
  const { REPLICA_TOKEN: token, PUBLICATION_PEERS = '' } = config
  const addresses = token ? PUBLICATION_PEERS.split(',').filter(Boolean) : []
  return { publishers, token, leases, replicas: new Replicas({ leases, token: token ?? '', addresses, log }) }
}

/** The console shows what the other parts know; it reads only the maps of realms itself. */
function consoleOf(
  config: RealmProviderConfig,
  parts: Pick<ConsoleOptions, 'clock' | 'log' | 'mapTiming'> &
    Pick<ConsoleSources, 'catalysts' | 'services' | 'realms' | 'events'> &
    Pick<RealmStats, 'playerCount'> & { source: RealmSource; leases: PublicationLeases | undefined },
): RunningConsole {
  const { clock, log, mapTiming, catalysts, services, realms, events, playerCount, source, leases } = parts
  return startConsole({
    mode: config.CONSOLE,
    token: config.CONSOLE_TOKEN,
    statsUrlOf: statsUrlOf(config.STATS_URL),
    onlyRemote: config.ALLOW_LOCAL_URLS !== 'true',
    ...{ clock, log, mapTiming },
    sources: {
      ...{ catalysts, services, realms, events, version: config.CURRENT_VERSION },
      stats: { playerCount },
      facts: () => source.facts(),
      leases: () => shownLeases(leases),
    },
  })
}

/** What other replicas ask, and probes. */
const peerAppOf = (log: Log, routes: Route[]): App =>
  createApp({ log, metrics: new Metrics('realm-provider'), maxBodyBytes: MAX_BODY_BYTES, routes })

const replicaRoutesOf = (
  publications: ReturnType<typeof publicationsOf>,
  servedRealm: (name: string) => PublishedRealm | undefined,
): Route[] => (publications?.token ? replicaRoutes({ ...publications, token: publications.token, servedRealm }) : [])

const shownLeases = (leases: PublicationLeases | undefined): ShownLease[] =>
  (leases?.all() ?? []).map((lease) => ({
    realmName: lease.realmName,
    account: lease.account,
    since: lease.since,
    expiresAt: leases?.expiresAt(lease) ?? 0,
  }))

/**
 * Once ready, always ready: what is known stays true when a source fails later, and a new catalyst must not make the service
 * unready.
 */
function readinessOf(directory: RealmDirectory, allAsked: () => boolean): () => Readiness {
  let wasReady = false
  return () => {
    if (!directory.isComplete) return { ready: false, reason: 'the list of realms has not been read yet' }
    wasReady ||= allAsked()
    return wasReady ? { ready: true } : { ready: false, reason: 'not every catalyst and feature service has been queried yet' }
  }
}

/** Players and hot scenes: of realms with cells from their stats, of worlds from their gatekeepers. */
function pollRealms(config: RealmProviderConfig, options: Omit<StatsPollerOptions, 'statsUrlOf'>): RealmStats {
  const { realms, log, timing } = options
  const ofCities = new StatsPoller({
    ...options,
    realms: () => [...realms()].filter(({ world }) => !world),
    statsUrlOf: statsUrlOf(config.STATS_URL),
  })
  const ofWorlds = new WorldPlayers({
    ...options,
    gatekeeperUrlOf: gatekeeperUrlOf(config.GATEKEEPER_URL),
    ...(timing && { periodMs: timing.periodMs }),
  })
  return {
    playerCount: (realm) => (realm.world ? ofWorlds : ofCities).playerCount(realm),
    hotScenes: () => ofCities.hotScenes(),
    stop: stopAll(log, ofCities, ofWorlds).stop,
  }
}

/** Inside a cluster the Services of a realm are nearer than the hosts that players use; a template names them. */
const urlFrom = (template: string | undefined, { key, isRemote }: PublishedRealm, name = key.name): string | undefined =>
  (isRemote ? undefined : template)?.replace('{namespace}', key.namespace).replace('{name}', name)

const statsUrlOf = (template: string | undefined) => (realm: PublishedRealm) => urlFrom(template, realm) ?? realm.statsUrl

const gatekeeperUrlOf =
  (template: string | undefined) =>
  (realm: PublishedRealm): string | undefined =>
    urlFrom(template, realm, realm.world?.gatekeeperRealm) ?? realm.world?.gatekeeperUrl

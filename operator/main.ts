import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { systemClock } from '../cells/chassis/clock.ts'
import { diagnosticSignals } from '../cells/chassis/diagnostic-signals.ts'
import { operationalRoutes } from '../cells/chassis/health.ts'
import { createApp } from '../cells/chassis/http.ts'
import { type Running, runProcess, stopAll } from '../cells/chassis/lifecycle.ts'
import { listen } from '../cells/chassis/listen.ts'
import { createLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { startTracing } from '../cells/chassis/start-tracing.ts'
import { realmKeyId } from '../cells/identity/realm-token.ts'
import { findKubeAccess } from '../cells/kube/kube-access.ts'
import { kubeMetrics } from '../cells/kube/kube-metrics.ts'
import { createKubeClient } from '../cells/kube/pooled-kube-client.ts'
import { keyText } from '../crds/object.ts'
import type { Realm } from '../crds/realm.ts'
import { platformOf, readConfig } from './config.ts'
import { HTTP_PORT } from './desired/manifests/pod.ts'
import { relayOf } from './desired/movement.ts'
import { clusterSite } from './desired/site.ts'
import { cellSocketUrl } from './desired/urls.ts'
import { eventMetrics } from './events/event-metrics.ts'
import { EventRecorder } from './events/recorder.ts'
import { RealmTokens } from './kubernetes/apply/realm-tokens.ts'
import { Writer } from './kubernetes/apply/writer.ts'
import { writerMetrics } from './kubernetes/apply/writer-metrics.ts'
import { Cache } from './kubernetes/cache/cache.ts'
import { readyConnectorAddresses } from './kubernetes/cache/connector-addresses.ts'
import { KubernetesCluster } from './kubernetes/kubernetes-cluster.ts'
import { LeaderElector } from './leader/elector.ts'
import { Installations } from './leader/installations.ts'
import { LeadershipTerms } from './leader/leadership-terms.ts'
import { operatorMetrics } from './metrics.ts'
import { createCertificateProbe } from './observers/dependencies/certificate-probe.ts'
import { DependencyReachability } from './observers/dependencies/dependency-reachability.ts'
import { LivekitWebhooks } from './observers/dependencies/livekit-webhooks.ts'
import { publicAddresses } from './observers/dependencies/public-addresses.ts'
import { createProbe } from './observers/dependencies/reachability-probe.ts'
import { RealmCertificates } from './observers/dependencies/realm-certificates.ts'
import { relayMetrics } from './observers/movement/relay-metrics.ts'
import { createRelayProbe } from './observers/movement/relay-probe.ts'
import { RelayReachability } from './observers/movement/relay-reachability.ts'
import { connectorPlayerCounter } from './observers/players/connector-players.ts'
import { JoinSuccessRate } from './observers/players/join-success-rate.ts'
import { PlayerCounts } from './observers/players/player-counts.ts'
import { publicationMetrics } from './observers/publication/publication-metrics.ts'
import { PublicationProbe } from './observers/publication/publication-probe.ts'
import { LeasedPublication } from './observers/publication/remote-publication.ts'
import { SyntheticJoins } from './observers/synthetic-join/synthetic-joins.ts'
import { startReconcilers } from './reconcile/loop.ts'
import { Pass } from './reconcile/pass.ts'
import { queueMetrics } from './reconcile/queue-metrics.ts'
import { scaleMetrics } from './reconcile/scale-metrics.ts'

/** A running operator; `url` serves its health and metrics. */
export interface Operator extends Running {
  url: string
}

/**
 * Starts the operator: first its caches, then the election; it reconciles while it leads.
 * @throws UserError when its configuration, its API server or its port is not usable
 */
export async function main(env: NodeJS.ProcessEnv): Promise<Operator> {
  const config = readConfig(env)
  const log = createLog('operator', config.LOG_LEVEL, { fields: Pass.fields })
  const metrics = new Metrics('operator').withProcess()
  const clock = systemClock
  const { tracer, ...tracing } = await startTracing({ service: 'operator', log, metrics, clock })
  const access = await findKubeAccess(env)
  const ofKube = kubeMetrics(metrics)
  const client = createKubeClient({ access, metrics: ofKube })
  const cache = new Cache({ client, log, metrics: ofKube, namespaces: config.WATCH_NAMESPACES })
  const namespace = config.OPERATOR_NAMESPACE ?? access.namespace
  const lease = { namespace: config.LEASE_NAMESPACE ?? namespace, name: config.LEASE_NAME }
  const platform = platformOf(config, namespace)
  const { MOVEMENT_HOST: movement, MOVEMENT_REPORTS_URL: reportsUrl, MOVEMENT_KEYS: [key] = [] } = config
  const sessionReports = reportsUrl && key ? { url: reportsUrl, keyId: realmKeyId(key) } : undefined
  const { PROVIDER_SERVICE_URL: providerUrl } = config
  const site = clusterSite(platform.clusterDomain, platform.providerUrl, { movement, sessionReports, providerUrl })

  const identity = config.LEASE_IDENTITY ?? `${hostname()}-${randomBytes(4).toString('hex')}`
  const elector = new LeaderElector({
    client,
    lease,
    identity,
    onElected: () => terms.begin(),
    onLost: () => terms.end(),
    log,
    clock,
  })
  const announcing = { client, leadership: elector, instance: identity, clock, log, metrics: eventMetrics(metrics) }
  const recorder = new EventRecorder(announcing)
  const writer = new Writer({ client, cache, leadership: elector, log, clock, recorder, tracer, metrics: writerMetrics(metrics) })
  const cluster = new KubernetesCluster({
    cache,
    writer,
    platform,
    countPlayers: connectorPlayerCounter({ port: HTTP_PORT, clock }),
    realmTokens: key ? new RealmTokens({ cache, writer, key }) : undefined,
  })
  const installations = new Installations({
    self: { lease: keyText(lease), scope: config.WATCH_NAMESPACES.length > 0 ? 'Namespace' : 'Cluster' },
    client,
    clock,
    onLeft: ({ kind, metadata: { namespace, name, uid = '' } }, other) => {
      const note = `the operator of the Lease ${other.lease} manages this realm; the operator of the Lease ${keyText(lease)} leaves it alone`
      recorder.record({ kind, namespace, name, uid }, { reason: 'ManagedByAnother', note })
      log.warn({ realm: keyText({ namespace, name }), manager: other.lease }, 'another operator manages a realm')
    },
  })
  const ofQueue = queueMetrics(metrics, { waiting: () => terms.waiting, workers: config.WORKERS, clock })
  const [scaling, ofPublication, ofRelays] = [scaleMetrics(metrics), publicationMetrics(metrics), relayMetrics(metrics)]
  const mayConnect = publicAddresses([new URL(access.server).hostname.replace(/^\[|\]$/g, '')])
  const probe = createProbe({ mayConnect, clock, log })
  const probeRelay = createRelayProbe({ mayConnect, clusterDomain: platform.clusterDomain, clock, log })
  const probeCertificate = createCertificateProbe({ mayConnect, clusterDomain: platform.clusterDomain, clock, log })
  const terms = new LeadershipTerms(() => {
    const publication = new PublicationProbe({ providerUrl: platform.providerUrl, clock, log, metrics: ofPublication })
    const remotePublication = new LeasedPublication({ providers: config.PUBLICATION_PROVIDERS, clock, epoch: elector.epoch() })
    const isChecked = config.CHECK_DEPENDENCIES === 'true'
    const dependencies = isChecked ? new DependencyReachability({ clock, log, probe }) : undefined
    const webhooks = isChecked ? new LivekitWebhooks({ gatekeeperUrlOf: site.gatekeeperUrl, clock, log }) : undefined
    const certificates = isChecked ? new RealmCertificates({ clock, log, probe: probeCertificate }) : undefined
    const ofRelay = { relayOf: (realm: Realm) => relayOf(realm, site.movement), probe: probeRelay, metrics: ofRelays }
    const relays = isChecked ? new RelayReachability({ clock, log, ...ofRelay }) : undefined
    const playerCounts = new PlayerCounts({ statsUrlOf: site.statsUrl, clock, log })
    const syntheticJoins = new SyntheticJoins({ urlOf: (cell) => cellSocketUrl(cell, platform.clusterDomain), clock, log })
    const joinSuccess = new JoinSuccessRate({ addressesOf: readyConnectorAddresses(cache), port: HTTP_PORT, clock, log })
    const ofPlayers = { playerCounts, syntheticJoins, joinSuccess }
    const observers = { publication, remotePublication, dependencies, webhooks, relays, certificates, ...ofPlayers }
    const parts = { cluster, site, ...observers, installations, scaling, clock, log }
    const loop = startReconcilers({ ...parts, tracer, metrics: ofQueue, workers: config.WORKERS })
    return { loop, stop: () => stopAll(log, loop, ...Object.values(observers)).stop() }
  }, clock)
  operatorMetrics(metrics, cluster, { leads: () => elector.isLeader(), lease: config.LEASE_NAME })

  const readiness = () => {
    const reason = cache.unhealthy()
    return reason === undefined ? ({ ready: true } as const) : ({ ready: false, reason } as const)
  }
  const app = createApp({ routes: operationalRoutes(metrics, readiness, () => terms.fault()), log, metrics })
  const listening = await listen(app, { port: config.HTTP_SERVER_PORT, host: config.HTTP_SERVER_HOST })
  cache.start()
  // It must not lead before the caches are complete: it would recreate objects that it has not read yet.
  void cache.synced.then(() => elector.start())
  log.info({ url: listening.url, server: access.server }, 'watching')
  const signals = diagnosticSignals({ service: 'operator', folder: config.PROFILE_FOLDER, clock, log })
  return { url: listening.url, ...stopAll(log, terms, recorder, elector, cache, client, listening, tracing, signals) }
}

if (import.meta.main) await runProcess(createLog('operator'), () => main(process.env))

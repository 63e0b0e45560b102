import { mkdir } from 'node:fs/promises'
import { createMemoryBus } from '../../cells/bus/memory.ts'
import { systemClock } from '../../cells/chassis/clock.ts'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { type Running, stopAll } from '../../cells/chassis/lifecycle.ts'
import { listen } from '../../cells/chassis/listen.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { createMounts } from '../../cells/chassis/mounts.ts'
import type { Tracer } from '../../cells/chassis/tracing.ts'
import { createVerifier } from '../../cells/identity/verifier.ts'
import { startRealmProvider } from '../../cells/realm-provider/service.ts'
import { createLocalSource } from '../../cells/realm-provider/sources/local.ts'
import { version } from '../../cells/version.ts'
import { relayText } from '../../cells/wire/relay-address.ts'
import type { SessionReports } from '../../cells/wire/session-report.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import { type Realm, realmNameOf } from '../../crds/realm.ts'
import { isGuest, isWorldRealm } from '../../crds/world.ts'
import { relayOf } from '../../operator/desired/movement.ts'
import { laptopSite, type Site } from '../../operator/desired/site.ts'
import { gatekeeperRoomsUrl, roomsUrl } from '../../operator/desired/urls.ts'
import { LocalCluster } from '../../operator/local/local-cluster.ts'
import { PlayerCounts } from '../../operator/observers/players/player-counts.ts'
import { PublicationProbe } from '../../operator/observers/publication/publication-probe.ts'
import { startReconcilers } from '../../operator/reconcile/loop.ts'
import type { Manifest } from '../manifest.ts'
import type { RealmEndpoints, RealmState } from '../render.ts'
import { type MovementRelay, startMovementRelay } from './movement-relay.ts'
import { createRealmStates } from './realm-states.ts'
import type { RoomBackend, RoomBackendChooser } from './room-backend.ts'
import { createServiceHost } from './service-host.ts'
import { createWebhookRelay, WEBHOOKS_PATH } from './webhook-relay.ts'

/** The realms that run in this process. */
export interface LocalRealms extends Running {
  /** Where the realm provider answers. */
  readonly url: string
  /** Where explorers send the movement of their players. */
  readonly movement: Pick<MovementRelay, 'host' | 'port'>
  /** Starts, changes and stops realms until they match the manifest; players of unchanged realms stay connected. */
  declare(manifest: Manifest): Promise<void>
  endpoints(): readonly RealmEndpoints[]
  states(): readonly RealmState[]
}

export interface LocalRealmsOptions {
  host: string
  port: number
  /** Base URL that explorers use; undefined = the address we listen on. */
  publicUrl: string | undefined
  data: string
  roomBackends: RoomBackendChooser
  /** UDP port of the movement relay; undefined = the one that explorers know, or the next free one. */
  movementPort: number | undefined
  log: Log
  tracer?: Tracer | undefined
}

/** Name of the Secret with the credentials of the chosen LiveKit, in place of the name in the manifest. */
const LIVEKIT_SECRET = 'livekit-of-this-machine'

/** Runs realms in this process: the operator's own reconcilers over cells in memory, everything behind one port. */
export async function startLocalRealms({
  host,
  port,
  publicUrl,
  data,
  roomBackends,
  movementPort,
  log,
  tracer,
}: LocalRealmsOptions): Promise<LocalRealms> {
  await mkdir(data, { recursive: true }).catch((error: unknown) => {
    throw new UserError(`${data} cannot be written: ${messageOf(error)}; choose another folder with --data`, 5, { cause: error })
  })
  const clock = systemClock
  const bus = createMemoryBus(log)
  // A thread checks the signatures of hundreds of new players a second, and takes 10 MB: enough for a laptop, however many cores it has.
  const verifier = createVerifier({ log, workers: 1 })
  const source = createLocalSource()
  const config = { COMMIT_HASH: '', CURRENT_VERSION: version, HTTP_BASE_URL: publicUrl, ALLOW_LOCAL_URLS: 'true' as const }
  const provider = await startRealmProvider(config, { source, log, clock, metrics: new Metrics('realm-provider').withProcess() })
  const mounts = createMounts(provider.app)
  const listening = await listen(mounts, { host, port })
  const url = publicUrl ?? listening.url
  const movement = await startMovementRelay({ host, port: movementPort, clock, log, verifier }).catch(async (error: unknown) => {
    await stopAll(log, provider, listening, verifierAsPart(verifier), { stop: () => bus.close() }).stop()
    throw error
  })

  const chosen = new Map<string, RoomBackend>()
  const names = new Map<string, string>()
  let secrets: Manifest['secrets'] = new Map()
  const pathOf = (key: ObjectKey) => `/${names.get(keyText(key)) ?? key.name}`
  const site = laptopSite({
    movement,
    publicUrl: url,
    localUrl: listening.url,
    realm: (key) => cluster.realm(key),
    livekit: ({ metadata }) => {
      const of = chosen.get(keyText(metadata))
      return of?.kind === 'livekit'
        ? { url: of.url, credentials: { secretName: `${metadata.name}.${LIVEKIT_SECRET}` } }
        : undefined
    },
  })
  const reportsOf = (key: ObjectKey) => reportsOfRealm(cluster.realms(), key, movement)
  const ofServices = { mounts, bus, log, clock, verifier, tracer, pathOf, reportsOf, dataFolder: data, secretValue }
  const cluster: LocalCluster = new LocalCluster({ clock, log, runtime: createServiceHost(ofServices) })
  const hasLivekit = ({ metadata, spec }: Realm) =>
    chosen.get(keyText(metadata))?.kind === 'livekit' && spec.gatekeeper.replicas > 0
  mounts.mount(
    WEBHOOKS_PATH,
    createWebhookRelay(() => cluster.realms().filter(hasLivekit).map(site.gatekeeperUrl), log),
  )
  const publication = new PublicationProbe({ providerUrl: listening.url, clock, log })
  const playerCounts = new PlayerCounts({ statsUrlOf: site.statsUrl, clock, log })
  const reconcilers = startReconcilers({ cluster, site, publication, playerCounts, clock, log, tracer })
  const states = createRealmStates(cluster, site.statsUrl)
  const stopPublishing = publishRealms(cluster, source)

  function secretValue(namespace: string, secret: string, key: string): string | undefined {
    if (!secret.endsWith(`.${LIVEKIT_SECRET}`)) return secrets.get(`${namespace}/${secret}`)?.[key]
    const of = chosen.get(`${namespace}/${secret.slice(0, -LIVEKIT_SECRET.length - 1)}`)
    if (of?.kind !== 'livekit') return undefined
    return key === 'apiKey' ? of.apiKey : of.apiSecret
  }

  return {
    url,
    movement,
    async declare(manifest) {
      secrets = manifest.secrets
      const desired = new Map(manifest.realms.map((realm) => [keyText(realm.metadata), realm]))
      await Promise.all(
        cluster.realms().flatMap(({ metadata }) => (desired.has(keyText(metadata)) ? [] : [cluster.delete(metadata)])),
      )
      for (const [key, realm] of desired) {
        chosen.set(key, await roomBackends.choose(realm, manifest.secrets, `${listening.url}${WEBHOOKS_PATH}`))
        names.set(key, realmNameOf(realm))
        cluster.declare(realm)
      }
    },
    endpoints: () => cluster.realms().map((realm) => endpointsOf(realm, site, chosen.get(keyText(realm.metadata)))),
    states: () => states.now(),
    stop: stopAll(
      log,
      { stop: () => roomBackends.letEnd() },
      { stop: async () => states.stop() },
      movement,
      reconcilers,
      cluster,
      publication,
      playerCounts,
      { stop: async () => stopPublishing() },
      provider,
      listening,
      verifierAsPart(verifier),
      { stop: () => bus.close() },
      roomBackends,
    ).stop,
  }
}

/** Gives the realm provider the realms as they are, after every change; the returned function ends it. */
function publishRealms(cluster: LocalCluster, source: ReturnType<typeof createLocalSource>): () => void {
  const published = new Set<string>()
  return cluster.onUpdate(() => {
    const now = new Map(cluster.realms().map((realm) => [keyText(realm.metadata), realm]))
    for (const realm of now.values()) source.set(realm)
    for (const key of published) if (!now.has(key)) source.remove(keyOf(key))
    published.clear()
    for (const key of now.keys()) published.add(key)
  })
}

/** Where the connectors of a realm report their sessions: not to the relay of this machine when the realm names another one. */
function reportsOfRealm(realms: readonly Realm[], key: ObjectKey, movement: MovementRelay): SessionReports | undefined {
  const realm = realms.find(({ metadata }) => keyText(metadata) === keyText(key))
  return realm?.spec.movement.type === 'Managed' ? movement.reportsOf(realmNameOf(realm)) : undefined
}

const verifierAsPart = ({ close }: { close(): Promise<void> }) => ({ stop: close })

function keyOf(text: string): ObjectKey {
  const [namespace = '', name = ''] = text.split('/')
  return { namespace, name }
}

function endpointsOf(realm: Realm, site: Site, roomBackend: RoomBackend | undefined) {
  const urls = site.urls(realm)
  const { replicas } = realm.spec.cells
  const isWorld = isWorldRealm(realm)
  return {
    name: realmNameOf(realm),
    aboutUrl: urls.about,
    sockets: Array.from({ length: isWorld ? 0 : replicas }, (_, slot) => `${urls.slot(slot)}/ws`),
    rooms:
      roomBackend?.kind === 'livekit'
        ? { kind: 'LiveKit', url: roomBackend.url, why: roomBackend.why }
        : {
            kind: 'embedded (ws-room)',
            url: isWorld ? gatekeeperRoomsUrl(urls.gatekeeper) : roomsUrl(realm.metadata.name, 0, urls.slot(0)),
            why: roomBackend?.why ?? 'none was chosen',
          },
    gatekeeperUrl: realm.spec.gatekeeper.replicas > 0 && !isGuest(realm) ? urls.gatekeeper : undefined,
    statsUrl: isWorld ? undefined : urls.stats,
    otherRelay: otherRelayOf(realm),
  }
}

/** The relay that a realm names in place of that of this machine. */
function otherRelayOf(realm: Realm): string | undefined {
  const { type } = realm.spec.movement
  const relay = relayOf(realm, undefined)
  return type === 'Managed' ? undefined : relay ? `relay at UDP ${relayText(relay.address)}` : 'no relay'
}

import { mkdir } from 'node:fs/promises'
import { createMemoryBus } from '../../cells/bus/memory.ts'
import { systemClock } from '../../cells/chassis/clock.ts'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { type Running, stopAll } from '../../cells/chassis/lifecycle.ts'
import { listen } from '../../cells/chassis/listen.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { createMounts } from '../../cells/chassis/mounts.ts'
import { createVerifier } from '../../cells/identity/verifier.ts'
import { startRealmProvider } from '../../cells/realm-provider/service.ts'
import { createLocalSource } from '../../cells/realm-provider/sources/local.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import { type Realm, realmNameOf } from '../../crds/realm.ts'
import { laptopSite, type Site } from '../../operator/desired/site.ts'
import { roomsUrl } from '../../operator/desired/urls.ts'
import { LocalCluster } from '../../operator/local/local-cluster.ts'
import { PlayerCounts } from '../../operator/observers/players/player-counts.ts'
import { PublicationProbe } from '../../operator/observers/publication/publication-probe.ts'
import { startReconcilers } from '../../operator/reconcile/loop.ts'
import type { Manifest } from '../manifest.ts'
import type { RealmView, RealmVitals } from '../render.ts'
import { version } from '../version.ts'
import { createHost } from './service-host.ts'
import type { Media, MediaChooser } from './room-server.ts'
import { createVitals } from './realm-states.ts'

/** The realms of this machine, as `up` needs them. */
export interface Laptop extends Running {
  /** Where the realm provider answers. */
  readonly url: string
  /** Makes what runs what the manifest says; players of what stays are not disturbed. */
  declare(manifest: Manifest): Promise<void>
  views(): readonly RealmView[]
  vitals(): readonly RealmVitals[]
}

/** Where a laptop listens and keeps its data. */
export interface LaptopOptions {
  host: string
  port: number
  /** Base URL explorers are told; where we listen unless given. */
  publicUrl: string | undefined
  data: string
  media: MediaChooser
  log: Log
}

/** The Secret a realm's LiveKit credentials are found under on this machine, whatever the manifest calls its own. */
const LIVEKIT_SECRET = 'livekit-of-this-machine'

/** Runs realms in this process: the operator's own reconcilers over cells in memory, everything behind one port. */
export async function startLaptop({ host, port, publicUrl, data, media, log }: LaptopOptions): Promise<Laptop> {
  await mkdir(data, { recursive: true }).catch((error: unknown) => {
    throw new UserError(`${data} cannot be written: ${messageOf(error)}; choose another folder with --data`, 5, { cause: error })
  })
  const clock = systemClock
  const bus = createMemoryBus(log)
  const verifier = createVerifier({ log })
  const source = createLocalSource()
  const config = { COMMIT_HASH: '', CURRENT_VERSION: version, HTTP_BASE_URL: publicUrl }
  const provider = await startRealmProvider(config, { source, log, clock, metrics: new Metrics('realm-provider').withProcess() })
  const switchboard = createMounts(provider.app)
  const listening = await listen(switchboard, { host, port })
  const url = publicUrl ?? listening.url

  const chosen = new Map<string, Media>()
  const names = new Map<string, string>()
  let secrets: Manifest['secrets'] = new Map()
  const pathOf = (key: ObjectKey) => `/${names.get(keyText(key)) ?? key.name}`
  const site = laptopSite({
    publicUrl: url,
    localUrl: listening.url,
    livekit: ({ metadata }) => {
      const of = chosen.get(keyText(metadata))
      return of?.kind === 'livekit'
        ? { url: of.url, credentials: { secretName: `${metadata.name}.${LIVEKIT_SECRET}` } }
        : undefined
    },
  })
  const cluster = new LocalCluster({
    clock,
    log,
    runtime: createHost({ ...{ switchboard, bus, log, clock, verifier, pathOf }, dataFolder: data, secretValue }),
  })
  const publication = new PublicationProbe({ providerUrl: listening.url, clock, log })
  const playerCounts = new PlayerCounts({ statsUrlOf: site.statsUrl, clock, log })
  const reconcilers = startReconcilers({ cluster, site, publication, playerCounts, clock, log })
  const vitals = createVitals(cluster, listening.url)
  const published = new Set<string>()
  const stopTelling = cluster.onUpdate(() => {
    const now = new Map(cluster.realms().map((realm) => [keyText(realm.metadata), realm]))
    for (const realm of now.values()) source.set(realm)
    for (const key of published) if (!now.has(key)) source.remove(keyOf(key))
    published.clear()
    for (const key of now.keys()) published.add(key)
  })

  function secretValue(namespace: string, secret: string, key: string): string | undefined {
    if (!secret.endsWith(`.${LIVEKIT_SECRET}`)) return secrets.get(`${namespace}/${secret}`)?.[key]
    const of = chosen.get(`${namespace}/${secret.slice(0, -LIVEKIT_SECRET.length - 1)}`)
    if (of?.kind !== 'livekit') return undefined
    return key === 'apiKey' ? of.apiKey : of.apiSecret
  }

  return {
    url,
    async declare(manifest) {
      secrets = manifest.secrets
      const wanted = new Map(manifest.realms.map((realm) => [keyText(realm.metadata), realm]))
      await Promise.all(
        cluster.realms().flatMap(({ metadata }) => (wanted.has(keyText(metadata)) ? [] : [cluster.delete(metadata)])),
      )
      for (const [key, realm] of wanted) {
        chosen.set(key, await media.choose(realm, manifest.secrets))
        names.set(key, realmNameOf(realm))
        cluster.declare(realm)
      }
    },
    views: () => cluster.realms().map((realm) => viewOf(realm, site, chosen.get(keyText(realm.metadata)))),
    vitals: () => vitals.now(),
    stop: stopAll(
      log,
      { stop: async () => vitals.stop() },
      reconcilers,
      cluster,
      publication,
      playerCounts,
      { stop: async () => stopTelling() },
      provider,
      listening,
      verifierAsPart(verifier),
      { stop: () => bus.close() },
      media,
    ).stop,
  }
}

const verifierAsPart = ({ close }: { close(): Promise<void> }) => ({ stop: close })

function keyOf(text: string): ObjectKey {
  const [namespace = '', name = ''] = text.split('/')
  return { namespace, name }
}

function viewOf(realm: Realm, site: Site, media: Media | undefined) {
  const urls = site.urls(realm)
  const { replicas } = realm.spec.cells
  return {
    name: realmNameOf(realm),
    aboutUrl: urls.about,
    sockets: Array.from({ length: replicas }, (_, slot) => `${urls.slot(slot)}/ws`),
    rooms:
      media?.kind === 'livekit'
        ? { kind: 'LiveKit', url: media.url, why: media.why }
        : {
            kind: 'embedded (ws-room)',
            url: roomsUrl(realm.metadata.name, 0, urls.slot(0)),
            why: media?.why ?? 'none was chosen',
          },
    gatekeeperUrl: realm.spec.gatekeeper.replicas > 0 ? urls.gatekeeper : undefined,
    statsUrl: urls.stats,
  }
}

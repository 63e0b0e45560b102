import { afterEach, expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { conditionOf, type Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { watchCollections } from '../../testing/apiserver/collections.ts'
import { InMemoryApiServer } from '../../testing/apiserver/in-memory-api-server.ts'
import { runPodsAtOnce } from '../../testing/apiserver/instant-pods.ts'
import type { StoredObject } from '../../testing/apiserver/server-side-apply.ts'
import { aRealm, platform, site } from '../desired/realm.fixtures.ts'
import { eventMetrics } from '../events/event-metrics.ts'
import { EventRecorder } from '../events/recorder.ts'
import { Writer } from '../kubernetes/apply/writer.ts'
import { writerMetrics } from '../kubernetes/apply/writer-metrics.ts'
import { Cache } from '../kubernetes/cache/cache.ts'
import { childResources, isChildKind } from '../kubernetes/cache/child.ts'
import { KubernetesCluster } from '../kubernetes/kubernetes-cluster.ts'
import { soleLeadership } from '../leader/leadership.ts'
import { operatorMetrics } from '../metrics.ts'
import { DependencyReachability } from '../observers/dependencies/dependency-reachability.ts'
import { PlayerCounts } from '../observers/players/player-counts.ts'
import { PublicationProbe } from '../observers/publication/publication-probe.ts'
import { LeasedPublication } from '../observers/publication/remote-publication.ts'
import { SyntheticJoins } from '../observers/synthetic-join/synthetic-joins.ts'
import { startReconcilers } from '../reconcile/loop.ts'
import { queueMetrics } from '../reconcile/queue-metrics.ts'

const REMOTE_PROVIDER = 'https://realms.example.org'
const REALMS = 5
const MINUTE_MS = 60_000

const collections = watchCollections()
afterEach(() => collections.stop())

/** All parts of an operator, without any randomness. */
async function anOperator() {
  const clock = new ManualClock()
  const apiServer = new InMemoryApiServer(clock)
  runPodsAtOnce(apiServer)
  const user = apiServer.client()
  const realmOf = (name: string) => user.get(realmResource, { namespace: 'metaverse', name }) as Promise<Realm | undefined>
  const served = async (url: string): Promise<FetchResult> => {
    const endpoints = (await realmOf(url.split('/').at(-2) ?? ''))?.status?.endpoints ?? []
    const adapter = endpoints.find(({ state }) => state === 'Serving')?.adapter
    return adapter ? { ok: true, status: 200, body: { comms: { adapter } } } : { ok: true, status: 404, body: {} }
  }
  const counted = async (): Promise<FetchResult> => ({
    ok: true,
    status: 200,
    body: { cells: [0, 1].map((slot) => ({ slot, healthy: true, userCount: 10 + slot })) },
  })
  const metrics = new Metrics('operator')
  // A response takes a while, in which an object may be deleted.
  const client = apiServer.client(() => new Promise(setImmediate))
  const cache = new Cache({ client, log: silentLog, clock })
  const shared = { client, leadership: soleLeadership, clock, log: silentLog }
  const recorder = new EventRecorder({ ...shared, instance: 'operator', metrics: eventMetrics(metrics) })
  const writer = new Writer({ ...shared, cache, recorder, metrics: writerMetrics(metrics) })
  const cluster = new KubernetesCluster({ cache, writer, platform, countPlayers: async () => new Map() })
  cache.start()
  await cache.synced
  const loop = startReconcilers({
    cluster,
    site,
    publication: new PublicationProbe({ providerUrl: platform.providerUrl, clock, log: silentLog, fetch: served }),
    remotePublication: new LeasedPublication({
      providers: [{ url: REMOTE_PROVIDER, tokenFile: '/nowhere' }],
      clock,
      epoch: 1,
      request: async (_, { method }) => ({ status: { PUT: 200, DELETE: 204, GET: 404 }[method], etag: '"1"', body: {} }),
    }),
    dependencies: new DependencyReachability({ clock, log: silentLog, probe: async () => true }),
    playerCounts: new PlayerCounts({ statsUrlOf: site.statsUrl, clock, log: silentLog, fetch: counted }),
    syntheticJoins: new SyntheticJoins({
      urlOf: ({ spec }) => spec.url,
      clock,
      log: silentLog,
      join: async () => ({ ok: true }),
    }),
    clock,
    log: silentLog,
    metrics: queueMetrics(metrics, { waiting: () => loop.waiting, workers: 8, clock }),
  })
  operatorMetrics(metrics, cluster, { leads: () => true, lease: 'realm-operator' })

  /** Advances the clock in steps, so slowly that every part gets to act. */
  async function pass(ms: number, stepMs = 1_000): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      for (let turn = 0; turn < 20 || !loop.idle; turn++) await new Promise(setImmediate)
      clock.advance(stepMs)
    }
  }
  function declare(name: string, changes: Parameters<typeof aRealm>[0]): Promise<unknown> {
    const realm = { ...aRealm(changes), metadata: { name, namespace: 'metaverse' } }
    return user.apply(realmResource, realm as unknown as StoredObject, { fieldManager: 'user', force: true })
  }
  /** Removes objects whose owner was deleted while they were created, as the garbage collector of a cluster does. */
  async function collect(): Promise<void> {
    const objects = apiServer.objects()
    const living = new Set(objects.map(({ metadata }) => metadata.uid))
    for (const { kind, metadata } of objects)
      if (metadata.ownerReferences?.every(({ uid }) => !living.has(uid)) && isChildKind(kind))
        await user.remove(childResources[kind], metadata)
  }
  const remove = (name: string) => user.remove(realmResource, { namespace: 'metaverse', name })
  return { apiServer, metrics, realmOf, pass, declare, remove, collect }
}

test('no memory is kept of deleted realms, whatever their names were', async () => {
  const { apiServer, metrics, realmOf, pass, declare, remove, collect } = await anOperator()
  const publication = { providers: [{ url: REMOTE_PROVIDER, ttlSeconds: 60 }] }
  /** Realms that are created, scaled out, rolled out, scaled in and deleted. */
  async function lives(count: number, generation: string): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `realm-${generation}-${index}`)
    const livekit = (name: string) => ({ url: `wss://${name}.example.org` })
    const say = async (changes: Parameters<typeof aRealm>[0]) => {
      for (const name of names) await declare(name, { publication, livekit: livekit(name), ...changes })
      await pass(15_000)
    }
    await stillborn(names)
    await say({})
    await say({ cells: { replicas: 2 } })
    for (const name of names)
      expect(conditionOf((await realmOf(name)) ?? {}, 'Published'), name).toMatchObject({ status: 'True' })
    await say({ cells: { replicas: 2 }, version: '2.0.0' })
    await say({ cells: { replicas: 1 }, version: '2.0.0' })
    for (const name of names) await remove(name)
    await pass(10_000)
    await collect()
    await pass(40 * MINUTE_MS, MINUTE_MS)
    expect(apiServer.objects().filter(({ kind }) => kind !== 'Event' && kind !== 'Secret')).toEqual([])
  }
  /** Realms that are deleted while they are being created. */
  async function stillborn(names: string[]): Promise<void> {
    for (const [index, name] of names.entries()) {
      await declare(`${name}-never`, {})
      for (let turn = 0; turn < 4 * (index + 1); turn++) await new Promise(setImmediate)
      await remove(`${name}-never`)
    }
    await pass(10_000)
    await collect()
  }
  const isOfOperator = (line: string) => /\/(operator|cells\/chassis)\//.test(line) && !/\/e2e\//.test(line)
  const remembered = async (): Promise<Record<string, number>> => ({
    ...(await collections.sizes(isOfOperator)),
    'lines of metrics': (await metrics.registry.metrics()).split('\n').length,
  })

  await lives(1, 'first')
  const ofOne = await remembered()
  expect(Object.keys(ofOne).length).toBeGreaterThan(20)
  await lives(REALMS, 'a')
  await lives(REALMS, 'b')
  // Entries that are dropped at the next use of their map are dropped now.
  await lives(1, 'last')
  const remains = await remembered()
  // One entry for each realm that existed would be more than twice the size which a bounded memory has.
  const more = Object.entries(remains).filter(([line, size]) => size > (ofOne[line] ? 2 * ofOne[line] + REALMS : 0))
  expect(more).toEqual([])
}, 120_000)

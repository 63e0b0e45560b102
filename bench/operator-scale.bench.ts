import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../cells/chassis/clock.ts'
import type { KubeObject } from '../cells/chassis/kube/kube-object.ts'
import { createReflector } from '../cells/chassis/kube/reflector.ts'
import { collectionPath, resources } from '../cells/chassis/kube/resources.ts'
import type { Transport } from '../cells/chassis/kube/transport.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { API_VERSION, conditionOf, type Realm } from '../crds/realm.ts'
import { realmResource } from '../crds/resources.ts'
import { lookUp } from '../e2e/parts/catalogue.ts'
import { createWriter } from '../operator/cluster/apply.ts'
import { createCache } from '../operator/cluster/cache.ts'
import { childResources } from '../operator/cluster/child.ts'
import { kubernetesCluster } from '../operator/cluster/kubernetes.ts'
import { leadershipBy } from '../operator/cluster/leader.ts'
import { platform, site } from '../operator/desired/fixtures.ts'
import { MANAGER, REALM_LABEL } from '../operator/desired/naming.ts'
import { type ApiServer, startApiServer } from '../operator/e2e/apiserver.ts'
import { startFakeKubelet } from '../operator/e2e/kubelet.ts'
import { startReconcilers } from '../operator/reconcile/loop.ts'
import type { Row } from './main.ts'
import {
  bareRuntimeMb,
  buildOperator,
  type OperatorProcess,
  serviceAccountFiles,
  startOperatorProcess,
} from './operator-process.ts'

export const name = 'operator-scale'

const REALMS = Number(process.env.BENCH_REALMS ?? 1000)
const REST_MS = 60_000
const DRIFTS = 100
const CHURN_ROUNDS = 4
const CHURN_REALMS = 50
const NAMESPACE = 'scale'
/** Requests of the bench itself under way at once. */
const PARALLEL = 12

/** What a thousand realms cost: one real operator process, one real API server, everything else of a cluster simulated. */
export async function run(report: (row: Row) => void): Promise<void> {
  const kube = lookUp('kube')
  if (!('path' in kube)) {
    report({ what: 'against an API server', value: 0, unit: 'figures', note: kube.missing })
    return
  }
  await buildOperator()
  const api = await startApiServer(kube.path)
  try {
    await scale(api, report)
  } finally {
    await api.stop()
  }
}

async function scale(api: ApiServer, report: (row: Row) => void): Promise<void> {
  const user = api.transport()
  await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  const account = await serviceAccountFiles(api, NAMESPACE)
  const provider = await startProvider(api.transport())
  const kubelet = startFakeKubelet(api.transport(), NAMESPACE)
  const bareMb = await bareRuntimeMb()
  const start = () =>
    startOperatorProcess({
      ...account.env,
      IMAGE_REPOSITORY: 'ghcr.io/example/realm',
      PROVIDER_URL: provider.url,
      WATCH_NAMESPACE: NAMESPACE,
      LEASE_NAMESPACE: NAMESPACE,
    })
  let operator = await start()
  await until(async () => (await operator.metric('leader')) === 1)
  report({
    what: 'memory with no realm, over the bare runtime',
    value: operator.rssMb() - bareMb,
    unit: 'MB',
    note: `bare: ${bareMb.toFixed(0)} MB`,
  })

  const names = Array.from({ length: REALMS }, (_, index) => `realm-${index}`)
  const startedAt = performance.now()
  await each(names, (realm) => declare(user, realm))
  await until(() => names.every((realm) => provider.published(realm)))
  report({
    what: `${REALMS} realms from apply to published`,
    value: (performance.now() - startedAt) / 1000,
    unit: 's',
    note: 'API server on the same two cores',
  })
  await atRest(operator)
  const made = await operator.requests()
  report({
    what: 'writes per realm created',
    value: (made.writes - made.events) / REALMS,
    unit: 'requests',
    note: `and ${(made.events / REALMS).toFixed(1)} Events`,
  })
  report({
    what: 'reads per realm created',
    value: made.reads < 20 + REALMS / 100 ? 0 : made.reads / REALMS,
    unit: 'requests',
    note: `${made.reads} reads of all: caches and lease`,
  })
  report({ what: 'memory after creating them, over the bare runtime', value: operator.rssMb() - bareMb, unit: 'MB' })
  await pause(REST_MS)
  report({
    what: 'writes at rest',
    value: (await operator.requests()).writes - made.writes,
    unit: `in ${REST_MS / 1000} s`,
    note: 'lease apart',
  })

  await operator.stop()
  const againAt = performance.now()
  operator = await start()
  await until(
    async () =>
      (await operator.metric('pass_duration_seconds_count')) >= 2 * REALMS && (await operator.metric('queue_depth')) === 0,
  )
  report({
    what: `resync of ${REALMS} realms after a restart`,
    value: (performance.now() - againAt) / 1000,
    unit: 's',
    note: 'from the start of the process to all passes done',
  })
  report({ what: 'writes of that resync', value: (await operator.requests()).writes, unit: 'requests' })
  report({ what: 'memory after it, over the bare runtime', value: operator.rssMb() - bareMb, unit: 'MB' })

  await drift(user, report)
  await churn(user, operator, bareMb, provider, report)
  await operator.stop()
  await passes(api, report)
  await kubelet.stop()
  await provider.stop()
  await account.stop()
}

/** How soon an alias Service is back that somebody deleted. */
async function drift(user: Transport, report: (row: Row) => void): Promise<void> {
  const waiting = new Map<string, () => void>()
  const services = createReflector<KubeObject, string>({
    transport: user,
    path: collectionPath(resources.Service, NAMESPACE),
    project: ({ metadata }) => metadata.name,
    onChange: ({ type, object }) => {
      if (type === 'added') waiting.get(object)?.()
    },
    log: silentLog,
  })
  services.start()
  await services.synced
  const times: number[] = []
  for (let index = 0; index < DRIFTS; index++) {
    const service = `realm-${(index * 7) % REALMS}-slot-${index % 4}`
    const back = new Promise<void>((resolve) => waiting.set(service, resolve))
    await user.remove(resources.Service, { namespace: NAMESPACE, name: service })
    const goneAt = performance.now()
    await back
    times.push(performance.now() - goneAt)
    waiting.delete(service)
  }
  await services.stop()
  times.sort((a, b) => a - b)
  report({
    what: 'drift repaired, median',
    value: times[Math.floor(times.length / 2)] ?? 0,
    unit: 'ms',
    note: `${DRIFTS} alias Services deleted`,
  })
  report({ what: 'drift repaired, p99', value: times[Math.floor(times.length * 0.99)] ?? 0, unit: 'ms' })
}

/** Realms that come and go, and what is left of them in memory. */
async function churn(
  user: Transport,
  operator: OperatorProcess,
  bareMb: number,
  provider: Provider,
  report: (row: Row) => void,
): Promise<void> {
  const sizes: number[] = []
  for (let round = 0; round < CHURN_ROUNDS; round++) {
    const names = Array.from({ length: CHURN_REALMS }, (_, index) => `passing-${round}-${index}`)
    await each(names, (realm) => declare(user, realm))
    await until(() => names.every((realm) => provider.published(realm)))
    await each(names, (realm) => user.remove(realmResource, { namespace: NAMESPACE, name: realm }))
    await collect(user, new Set(names))
    await atRest(operator)
    sizes.push(operator.rssMb() - bareMb)
  }
  report({
    what: 'memory after a churn soak, over the bare runtime',
    value: sizes.at(-1) ?? 0,
    unit: 'MB',
    note: `${CHURN_ROUNDS} × ${CHURN_REALMS} realms made and removed: ${sizes.map((size) => size.toFixed(0)).join(', ')}`,
  })
}

/** Collects what realms left behind, as the garbage collector of a cluster would. */
async function collect(user: Transport, realms: ReadonlySet<string>): Promise<void> {
  const labelSelector = `app.kubernetes.io/managed-by=${MANAGER},${REALM_LABEL} in (${[...realms].join()})`
  for (const resource of [...Object.values(childResources), resources.Secret]) {
    const { items } = await user.list<KubeObject>(collectionPath(resource, NAMESPACE), { labelSelector })
    await each(items, ({ metadata }) => user.remove(resource, metadata))
  }
}

/** Passes that find nothing to do, in this process, over everything there is. */
async function passes(api: ApiServer, report: (row: Row) => void): Promise<void> {
  const transport = api.transport()
  const cache = createCache({ transport, log: silentLog, namespace: NAMESPACE })
  const writer = createWriter({ transport, cache, leadership: leadershipBy(() => false), log: silentLog, clock: systemClock })
  cache.start()
  await cache.synced
  let wake = (_: Parameters<Parameters<typeof cache.onChange>[0]>[1]) => {}
  const cluster = kubernetesCluster({ cache, writer, platform })
  const watched = {
    ...cluster,
    onChange: (listener: Parameters<typeof cluster.onChange>[0]) => {
      wake = (key) => listener('Realm', key)
      return cluster.onChange(listener)
    },
    reportRealm: async () => {},
    realizeRealm: cluster.realizeRealm,
  }
  let done = 0
  const publication = {
    sighting: ({ metadata }: Realm) => {
      done++
      return { state: 'serving', aboutUrl: `http://realm-provider/${metadata.name}/about` } as const
    },
    forget: () => {},
    onChange: () => () => {},
  }
  const loop = startReconcilers({ cluster: watched, site, publication, clock: systemClock, log: silentLog })
  await until(() => loop.idle, 1)
  done = 0
  const startedAt = performance.now()
  for (let round = 0; round < 3; round++) {
    for (const key of cluster.keys('Realm')) wake(key)
    await until(() => loop.idle, 1)
  }
  report({
    what: 'no-op passes over realms',
    value: done / ((performance.now() - startedAt) / 1000),
    unit: 'passes/s',
    note: 'queue, plan, every child compared',
  })
  await loop.stop()
  await cache.stop()
}

interface Provider {
  url: string
  published(realm: string): boolean
  stop(): Promise<void>
}

/** A realm provider that knows realms from a watch, and which of them say that they are published. */
async function startProvider(transport: Transport): Promise<Provider> {
  const adapters = new Map<string, string>()
  const published = new Set<string>()
  const realms = createReflector<KubeObject & Realm, { name: string; adapter: string | undefined; isPublished: boolean }>({
    transport,
    path: collectionPath(realmResource, NAMESPACE),
    project: (live) => ({
      name: live.metadata.name,
      adapter: live.status?.endpoints?.find(({ state }) => state === 'Serving')?.adapter,
      isPublished: conditionOf(live, 'Published')?.status === 'True' && conditionOf(live, 'Ready')?.status === 'True',
    }),
    onChange: ({ type, object: { name, adapter, isPublished } }) => {
      if (adapter && type !== 'removed') adapters.set(name, adapter)
      else adapters.delete(name)
      if (isPublished && type !== 'removed') published.add(name)
      else published.delete(name)
    },
    log: silentLog,
  })
  realms.start()
  const server = createServer((request, response) => {
    const adapter = adapters.get((request.url ?? '').split('/')[1] ?? '')
    response.writeHead(adapter ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ comms: { adapter } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    published: (realm) => published.has(realm),
    async stop() {
      await realms.stop()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function declare(user: Transport, realm: string): Promise<KubeObject> {
  const spec = {
    livekit: { url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } },
    exposure: { type: 'Ingress', host: `${realm}.example.org` },
  }
  const object: KubeObject & { spec: object } = {
    apiVersion: API_VERSION,
    kind: 'Realm',
    metadata: { name: realm, namespace: NAMESPACE },
    spec,
  }
  return user.apply(realmResource, object, { fieldManager: 'kubectl', force: true })
}

async function each<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items]
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item)
    }),
  )
}

/** Waits until the operator wrote nothing for two seconds and nothing waits. */
async function atRest(operator: OperatorProcess): Promise<void> {
  for (let quiet = 0, seen = -1; quiet < 8; quiet++) {
    await pause(250)
    const { writes } = await operator.requests()
    if (writes !== seen || (await operator.metric('queue_depth')) > 0) quiet = 0
    seen = writes
  }
}

async function until(isSo: () => boolean | Promise<boolean>, stepMs = 50): Promise<void> {
  while (!(await isSo())) await pause(stepMs)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

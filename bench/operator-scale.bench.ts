import { randomUUID } from 'node:crypto'
import { silentLog } from '../cells/chassis/log.ts'
import type { KubeClient } from '../cells/kube/kube-client.ts'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { createReflector } from '../cells/kube/reflector.ts'
import { collectionPath, resources } from '../cells/kube/resources.ts'
import { API_VERSION } from '../crds/realm.ts'
import { realmResource } from '../crds/resources.ts'
import { MANAGER, REALM_LABEL } from '../operator/desired/naming.ts'
import { childResources } from '../operator/kubernetes/cache/child.ts'
import { type ApiServer, startApiServer } from '../testing/apiserver/apiserver.ts'
import { startFakeKubelet } from '../testing/apiserver/kubelet.ts'
import { listOf } from '../testing/apiserver/namespace.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import type { Figure } from './figure.ts'
import { passes } from './operator-passes.ts'
import {
  atRest,
  bareRuntimeMb,
  buildOperator,
  type OperatorProcess,
  serviceAccountFiles,
  startOperatorProcess,
  until,
} from './operator-process.ts'
import { startProvider, type WatchingProvider } from './watching-provider.ts'

export const name = 'operator-scale'
const REALMS = Number(process.env.BENCH_REALMS ?? 1000)
const REST_MS = 60_000
/** So many of them are created by the operator, the others are copies of one: the API server would take minutes for all. */
const MADE = 20
const SEED = 'zzseed'
const DRIFTS = 100
const CHURN_ROUNDS = 4
const CHURN_REALMS = 20
const NAMESPACE = 'scale'
/** Requests of the benchmark itself at the same time. */
const PARALLEL = 12

/** The cost of a thousand realms: one real operator process, one real API server, the rest of a cluster simulated. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const kube = lookUp('kube')
  if (!('path' in kube)) {
    report({ what: 'against an API server', value: 0, unit: 'figures', note: kube.missing })
    return
  }
  await buildOperator()
  // Stored as JSON, so that one realm can be multiplied.
  const api = await startApiServer(kube.path, { 'storage-media-type': 'application/json' })
  try {
    await scale(api, report)
  } finally {
    await api.stop()
  }
}

async function scale(api: ApiServer, report: (figure: Figure) => void): Promise<void> {
  const user = api.client()
  await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  const account = await serviceAccountFiles(api, NAMESPACE)
  const provider = await startProvider(api.client(), NAMESPACE)
  const kubelet = startFakeKubelet(api.client(), NAMESPACE)
  const bareMb = await bareRuntimeMb()
  const start = () =>
    startOperatorProcess({
      ...account.env,
      IMAGE_REPOSITORY: 'ghcr.io/example/realm',
      PROVIDER_URL: provider.url,
      WATCH_NAMESPACES: NAMESPACE,
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

  await each([SEED], (realm) => declare(user, realm))
  await until(() => provider.published(SEED))
  const names = Array.from({ length: MADE }, (_, index) => `made-${index}`)
  await atRest(operator)
  const before = await operator.requests()
  await each(names, (realm) => declare(user, realm))
  await until(() => names.every((realm) => provider.published(realm)))
  await atRest(operator)
  const made = await operator.requests()
  const [writes, events] = [made.writes - before.writes, made.events - before.events]
  report({
    what: 'writes per realm created',
    value: (writes - events) / MADE,
    unit: 'requests',
    note: `and ${events / MADE} Events`,
  })
  report({ what: 'reads per realm created', value: (made.reads - before.reads) / MADE, unit: 'requests', note: 'lease apart' })

  await operator.stop()
  await multiply(api, REALMS - MADE - 1)
  await until(() => provider.size() === REALMS)
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
  const resynced = await operator.requests()
  report({ what: 'writes of that resync', value: resynced.writes, unit: 'requests' })
  report({ what: 'memory after it, over the bare runtime', value: operator.rssMb() - bareMb, unit: 'MB' })

  await pause(REST_MS)
  const rested = (await operator.requests()).writes - resynced.writes
  report({ what: 'writes at rest', value: rested, unit: `in ${REST_MS / 1000} s`, note: 'lease apart' })
  await drift(user, report)
  await churn(user, operator, bareMb, provider, report)
  await operator.stop()
  await passes(api, NAMESPACE, report)
  await kubelet.stop()
  await provider.stop()
  await account.stop()
}

/** Copies all objects of the seed realm, each copy with its own name and uids. */
async function multiply(api: ApiServer, copies: number): Promise<void> {
  const all = await api.stored('/registry/')
  const seed = all.filter(({ key }) => key.includes(`/${NAMESPACE}/${SEED}`) && !key.startsWith('/registry/events/'))
  const uids = seed.map(({ value }) => (JSON.parse(value) as KubeObject).metadata.uid ?? '')
  for (let copy = 0; copy < copies; copy++) {
    const fresh = new Map(uids.map((uid) => [uid, randomUUID()]))
    const renamed = (text: string) =>
      text
        .replaceAll(SEED, `realm-${copy}`)
        .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (uid) => fresh.get(uid) ?? uid)
    await api.plant(seed.map(({ key, value }) => ({ key: renamed(key), value: renamed(value) })))
  }
}

/** How long a deleted alias Service is missing. */
async function drift(user: KubeClient, report: (figure: Figure) => void): Promise<void> {
  const waiting = new Map<string, () => void>()
  const services = createReflector<KubeObject, string>({
    client: user,
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
    const service = `realm-${(index * 7) % (REALMS - MADE - 1)}-slot-${index % 4}`
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

/** Creates and deletes realms, and measures the memory that is left in use. */
async function churn(
  user: KubeClient,
  operator: OperatorProcess,
  bareMb: number,
  provider: WatchingProvider,
  report: (figure: Figure) => void,
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

/** Deletes objects without an owner, as the garbage collector of a cluster does. */
async function collect(user: KubeClient, realms: ReadonlySet<string>): Promise<void> {
  const labelSelector = `app.kubernetes.io/managed-by=${MANAGER},${REALM_LABEL} in (${[...realms].join()})`
  for (const resource of [...Object.values(childResources), resources.Secret]) {
    await each(await listOf(user, resource, NAMESPACE, { labelSelector }), ({ metadata }) => user.remove(resource, metadata))
  }
}

function declare(user: KubeClient, realm: string): Promise<KubeObject> {
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

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

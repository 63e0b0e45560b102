import { systemClock } from '../cells/chassis/clock.ts'
import type { KubeClient } from '../cells/kube/kube-client.ts'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { resources } from '../cells/kube/resources.ts'
import { API_VERSION, conditionOf, type Realm } from '../crds/realm.ts'
import { realmResource } from '../crds/resources.ts'
import { site } from '../operator/desired/realm.fixtures.ts'
import { alwaysServing } from '../operator/observers/fixtures.ts'
import { cellReconciler } from '../operator/reconcile/cell-reconciler.ts'
import { realmReconciler } from '../operator/reconcile/realm-reconciler.ts'
import { type ApiServer, startApiServer } from '../testing/apiserver/apiserver.ts'
import { startOperator } from '../testing/apiserver/bare-operator.ts'
import { startFakeKubelet } from '../testing/apiserver/kubelet.ts'
import { startOperatorProcess, startProvider } from '../testing/apiserver/operator.ts'
import type { Figure } from './figure.ts'

const REALMS = 10
const REST_MS = 5000

/** What the operator requests from a real API server, with a fake kubelet that reports every pod as running at once. */
export async function clusterFigures(kube: string, report: (figure: Figure) => void): Promise<void> {
  const api = await startApiServer(kube)
  try {
    await wholeOperator(api, report)
    await passes(api, report)
  } finally {
    await api.stop()
  }
}

async function wholeOperator(api: ApiServer, report: (figure: Figure) => void): Promise<void> {
  const [user, namespace] = await aNamespace(api, 'whole')
  const provider = await startProvider(user, namespace)
  const kubelet = startFakeKubelet(api.client(), namespace)
  const operator = await startOperatorProcess(api, namespace, provider.url)
  while ((await operator.metric('leader')) === 0) await pause(20)
  const times: number[] = []
  const before = await operator.requests()
  for (let index = 0; index < REALMS; index++) {
    const startedAt = performance.now()
    await declare(user, namespace, `realm-${index}`)
    await published(user, namespace, `realm-${index}`)
    times.push(performance.now() - startedAt)
  }
  await operator.atRest()
  const made = await operator.requests()
  await pause(REST_MS)
  const rested = await operator.requests()
  times.sort((a, b) => a - b)
  const note = 'Managed NATS, Ingress, 4 slots'
  report({
    what: 'apply to published, median',
    value: times[REALMS / 2] ?? 0,
    unit: 'ms',
    note: 'pods and provider answer at once',
  })
  report({ what: 'apply to published, slowest of 10', value: times.at(-1) ?? 0, unit: 'ms' })
  report({ what: 'writes per realm created', value: (made.writes - before.writes) / REALMS, unit: 'requests', note })
  report({
    what: 'of these status writes',
    value: (made.statuses - before.statuses) / REALMS,
    unit: 'requests',
    note: 'realm and cell',
  })
  report({ what: 'reads per realm created', value: (made.reads - before.reads) / REALMS, unit: 'requests' })
  report({
    what: 'writes at rest',
    value: rested.writes - made.writes,
    unit: `in ${REST_MS / 1000} s`,
    note: `${REALMS} realms, lease apart`,
  })
  await operator.stop()
  await kubelet.stop()
  await provider.stop()
}

async function passes(api: ApiServer, report: (figure: Figure) => void): Promise<void> {
  const [user, namespace] = await aNamespace(api, 'bare')
  const kubelet = startFakeKubelet(api.client(), namespace)
  const operator = await startOperator(api, namespace)
  for (let index = 0; index < REALMS; index++) await declare(user, namespace, `realm-${index}`)
  for (let index = 0; index < REALMS; index++) await published(user, namespace, `realm-${index}`)
  await operator.settled()
  const { cluster, client } = operator
  const parts = { cluster, site, publication: alwaysServing, clock: systemClock }
  const [ofRealm, ofCell] = [realmReconciler(parts), cellReconciler(parts)]
  const { signal } = new AbortController()
  const writes = client.counts.apply + client.counts.applyStatus
  const startedAt = performance.now()
  let done = 0
  while (performance.now() - startedAt < 2000) {
    for (const key of cluster.keys('Realm')) await ofRealm(key, signal)
    for (const key of cluster.keys('CommsCell')) await ofCell(key, signal)
    done += 2 * REALMS
  }
  const rate = done / ((performance.now() - startedAt) / 1000)
  if (client.counts.apply + client.counts.applyStatus !== writes) throw new Error('a pass without anything to do sent a write')
  report({
    what: 'no-op passes, Kubernetes',
    value: rate,
    unit: 'passes/s',
    note: 'realms and cells alike, every child compared',
  })
  await operator.stop()
  await kubelet.stop()
}

async function aNamespace(api: ApiServer, name: string): Promise<[KubeClient, string]> {
  const user = api.client()
  await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  return [user, name]
}

function declare(user: KubeClient, namespace: string, name: string): Promise<KubeObject> {
  const spec = {
    livekit: { url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } },
    exposure: { type: 'Ingress', host: `${name}.example.org` },
  }
  const realm: KubeObject & { spec: object } = { apiVersion: API_VERSION, kind: 'Realm', metadata: { name, namespace }, spec }
  return user.apply(realmResource, realm, { fieldManager: 'kubectl', force: true })
}

async function published(user: KubeClient, namespace: string, name: string): Promise<void> {
  for (;;) {
    const realm = await user.get<Realm>(realmResource, { namespace, name })
    if (realm && conditionOf(realm, 'Published')?.status === 'True') return
    await pause(5)
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

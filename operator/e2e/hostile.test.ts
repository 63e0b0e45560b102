import { beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { type ApiProxy, isWrite, startApiProxy } from '../../testing/apiserver/api-proxy.ts'
import { type FakeKubelet, startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { type OperatorProcess, startOperatorProcess, startProvider } from '../../testing/apiserver/operator.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { BUDGET_WINDOW_MS, MAX_REPAIRS } from '../kubernetes/apply/write-budget.ts'

const patient = { timeout: 15_000, interval: 50 }
const FIGHT_MS = 12_000
const STEP_MS = 100
/** The operator counts in its window when it sends; on a busy machine one request reaches the proxy later than another. */
const WINDOW_MS = BUDGET_WINDOW_MS - 2_000

/** The reasons of the Events so far. */
interface SeriesEvent extends KubeObject {
  reason: string
  note: string
  reportingController?: string
  series?: { count: number }
}

withPart('kube', 'a client that keeps editing the objects of a realm', (part) => {
  const kube = useApiServer(part)
  let operator: OperatorProcess
  /** The proxy between the operator and the API server. */
  let proxy: ApiProxy
  let kubelet: FakeKubelet
  beforeEach(async () => {
    proxy = await startApiProxy(kube.api)
    const provider = await startProvider(kube.user, kube.namespace)
    kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    operator = await startOperatorProcess({ ...kube.api, kubeconfig: proxy.kubeconfig }, kube.namespace, provider.url)
    kube.stopAfterTest(operator.stop, kubelet.stop, provider.stop, proxy.stop)
  })
  const { declare, get, edit, realmOf } = kube
  const bare = { livekit: { type: 'None' } }
  const isReady = (name: string) =>
    expect.poll(async () => conditionOf(await realmOf(name), 'Ready')?.status, patient).toBe('True')
  // The API server creates its own Events, about Services whose address it repairs.
  const events = async (): Promise<SeriesEvent[]> =>
    (await kube.user.list<SeriesEvent>(collectionPath(resources.EventV1, kube.namespace), {})).items.filter(
      ({ reportingController }) => reportingController === 'comms.decentraland.org/realm-operator',
    )
  const reasons = async () => (await events()).map(({ reason }) => reason).sort()

  /** Repeats an action ten times a second for a while; returns how often the operator wrote one object meanwhile. */
  async function fight(path: string, act: (step: number) => Promise<unknown>): Promise<number> {
    proxy.passed.length = 0
    for (let step = 0; step < FIGHT_MS / STEP_MS; step++) {
      await act(step)
      await new Promise((resolve) => setTimeout(resolve, STEP_MS))
    }
    const times = proxy.passed.filter((request) => isWrite(request) && request.path.endsWith(path)).map(({ at }) => at)
    for (const at of times)
      expect(times.filter((other) => other >= at && other < at + WINDOW_MS).length, path).toBeLessThanOrEqual(MAX_REPAIRS)
    return times.length
  }

  test('a Service that is edited ten times a second is restored a few times only, and soon after the edits end', async () => {
    await declare(bare)
    await isReady('main')
    await operator.atRest()
    const wanted = JSON.stringify((await get(resources.Service, 'main-stats'))?.spec)
    const steal = (step: number) => edit(resources.Service, 'main-stats', { spec: { selector: { evil: `${step}` } } })
    expect(await fight('/services/main-stats', steal)).toBeGreaterThanOrEqual(2)
    // The number of its Events is bounded as well.
    expect(proxy.passed.filter(isWrite).length).toBeLessThanOrEqual(8)
    await expect.poll(async () => JSON.stringify((await get(resources.Service, 'main-stats'))?.spec), patient).toBe(wanted)
    expect(await operator.metric('writes_held_total')).toBeGreaterThan(0)
    expect(await operator.metric('drift_repairs_total')).toBeGreaterThanOrEqual(2)
    expect(await reasons()).toEqual(expect.arrayContaining(['DriftRepaired', 'RepairRateLimited']))
  }, 60_000)

  test('a Deployment that is deleted ten times a second stays once the deletions end, and no other realm waits for it', async () => {
    await declare(bare)
    await isReady('main')
    const key = { namespace: kube.namespace, name: 'main-0-connector' }
    const fighting = fight('/deployments/main-0-connector', () => kube.user.remove(resources.Deployment, key))
    let isOver = false
    void fighting.then(() => {
      isOver = true
    })
    await declare(bare, 'other')
    await isReady('other')
    expect(isOver).toBe(false)
    expect(await fighting).toBeGreaterThanOrEqual(2)
    await expect.poll(() => get(resources.Deployment, key.name), patient).toBeDefined()
    await isReady('main')
    await operator.atRest()
    const ofMain = proxy.passed.filter((request) => isWrite(request) && !request.path.includes('/other'))
    expect(ofMain.length).toBeLessThan(40)
  }, 60_000)

  test('a status that is falsified ten times a second is restored a few times only', async () => {
    await declare(bare)
    await isReady('main')
    await operator.atRest()
    const lie = (resource: Resource, name: string, step: number) => {
      const conditions = [
        { type: 'Ready', status: 'False', reason: `Lie${step}`, message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ]
      const body = {
        apiVersion: resource.apiVersion,
        kind: resource.kind,
        metadata: { name, namespace: kube.namespace },
        status: { conditions },
      }
      return kube.user.apply<Spec>(resource, body, { fieldManager: 'another-client', force: true, subresource: 'status' })
    }
    expect(await fight('/realms/main/status', (step) => lie(realmResource, 'main', step))).toBeGreaterThanOrEqual(2)
    await isReady('main')
    await lie(cellResource, 'main-0', 0)
    await expect
      .poll(async () => conditionOf((await get(cellResource, 'main-0')) as never, 'Ready')?.status, patient)
      .toBe('True')
  }, 60_000)

  test('a realm gets a few Events for its changes, and none at rest', async () => {
    await declare(bare)
    await isReady('main')
    await expect.poll(reasons, patient).toEqual(['CellCreated', 'CellServing', 'DataEndsWithPod', 'RealmPublished'])
    for (const { metadata } of await events()) expect(metadata.name).toMatch(/^main\.[0-9a-f]{16}$/)
    await kubelet.readyOnly((name) => name !== 'main-0-connector')
    await expect.poll(reasons, patient).toEqual(expect.arrayContaining(['CellUnhealthy', 'RealmUnpublished']))
    await operator.atRest()
    const before = (await events()).length
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect((await events()).length).toBe(before)
  })
})

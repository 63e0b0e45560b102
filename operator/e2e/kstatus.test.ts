import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { collectionPath } from '../../cells/kube/resources.ts'
import type { Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { type ArgoHealth, argoHealth } from '../../testing/apiserver/argo.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { type Kstatus, type KstatusProcess, startKstatus } from '../../testing/apiserver/kstatus.ts'
import { type FakeKubelet, startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { scriptedJoins } from '../../testing/apiserver/scripted-joins.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { site } from '../desired/realm.fixtures.ts'

const patient = { timeout: 20_000, interval: 50 }
const realm = (version: string, more: object = {}) => ({ livekit: { type: 'None' }, version, ...more })

/** What Argo CD shows by `examples/argo-cd-health.yaml` while kstatus says the word before. */
const argoOf: Partial<Record<Kstatus, readonly ArgoHealth[]>> = {
  InProgress: ['Progressing', 'Suspended'],
  Terminating: ['Progressing'],
  Current: ['Healthy'],
  Failed: ['Degraded'],
}

withPart('kube', 'the kstatus of a Realm, at every version the API server stored', (part) =>
  withPart('lua', 'and its health in Argo CD', (lua) => everyVersion(part, lua)),
)

function everyVersion(part: string, lua: string): void {
  const kube = useApiServer(part)
  const { declare, realmOf } = kube
  let operator: Awaited<ReturnType<typeof startOperator>>
  let kubelet: FakeKubelet
  let joins: ReturnType<typeof scriptedJoins>
  /** Every version of the Realm so far, the oldest first. */
  let versions: (Realm & KubeObject)[]
  let kstatus: KstatusProcess
  beforeAll(() => {
    kstatus = startKstatus(part)
  })
  afterAll(() => kstatus?.stop())

  beforeEach(async () => {
    versions = []
    const watch = createReflector<Realm & KubeObject>({
      client: kube.user,
      path: collectionPath(realmResource, kube.namespace),
      project: (live) => structuredClone(live),
      onChange: ({ type, object }) => void (type !== 'removed' && versions.push(object)),
      log: silentLog,
    })
    watch.start()
    await watch.synced
    joins = scriptedJoins()
    kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    kube.stopAfterTest(() => watch.stop(), kubelet.stop)
  })
  afterEach(async () => {
    const healths = await argoHealth(lua, 'Realm', versions)
    for (const [index, state] of (await kstatus.of(versions)).entries()) expect(argoOf[state]).toContain(healths[index])
  })
  const start = async () => {
    operator = await startOperator(kube.api, kube.namespace, undefined, {
      site: { ...site, propagationMs: 300 },
      syntheticJoins: joins,
    })
    kube.stopAfterTest(operator.stop)
  }
  /** The distinct results from a version on, in their order. */
  const course = async (since: number): Promise<Kstatus[]> =>
    (await kstatus.of(versions.slice(since))).filter((each, index, all) => each !== all[index - 1])
  const now = async (): Promise<Kstatus | undefined> => (await kstatus.of([await realmOf()]))[0]
  /** Makes a change and returns the kstatus results from then on, until one stays. */
  async function courseOf(change: () => Promise<unknown>, last: Kstatus): Promise<Kstatus[]> {
    const since = versions.length
    await change()
    await expect.poll(() => versions.length, patient).toBeGreaterThan(since)
    await expect.poll(now, patient).toBe(last)
    await operator.settled()
    expect(await now()).toBe(last)
    return course(since)
  }

  test('a new Realm is InProgress before any operator has seen it', async () => {
    await declare(realm('1.0.0'))
    expect((await realmOf()).status).toEqual({ observedGeneration: -1 })
    expect(await now()).toBe('InProgress')
    await start()
    await expect.poll(now, patient).toBe('Current')
    expect(await course(0)).toEqual(['InProgress', 'Current'])
  }, 60_000)

  test('a rollout is InProgress from the write of the spec until the last cell is updated', async () => {
    await start()
    await courseOf(() => declare(realm('1.0.0', { cells: { replicas: 3 } })), 'Current')
    const since = versions.length
    expect(await courseOf(() => declare(realm('2.0.0', { cells: { replicas: 3 } })), 'Current')).toEqual([
      'InProgress',
      'Current',
    ])
    const states = await kstatus.of(versions.slice(since))
    const updated = versions.slice(since).map(({ status }) => status?.updatedReplicas)
    expect(updated[states.indexOf('Current')]).toBe(3)
    const cells = (await kube.user.list<KubeObject>(collectionPath(cellResource, kube.namespace), {})).items
    await expect.poll(() => kstatus.of(cells), patient).toEqual(['Current', 'Current', 'Current'])
    expect(await argoHealth(lua, 'CommsCell', cells)).toEqual(['Healthy', 'Healthy', 'Healthy'])
  }, 60_000)

  test('a rollout that stalls is Failed, and InProgress, then Current again once it is undone', async () => {
    await start()
    await courseOf(() => declare(realm('1.0.0')), 'Current')
    joins.answer({ state: 'failed', message: 'waiting for an island: none came' }, kube.namespace)
    expect(await courseOf(() => declare(realm('2.0.0')), 'Failed')).toEqual(['InProgress', 'Failed'])
    expect(await courseOf(() => declare(realm('1.0.0')), 'Current')).toEqual(['InProgress', 'Current'])
  }, 60_000)

  test('pods that do not start make a rollout Failed once its deadline is over', async () => {
    await start()
    await courseOf(() => declare(realm('1.0.0')), 'Current')
    await kubelet.readyOnly((name) => !/^main-0-\w{6}-/.test(name))
    const hasty = { rollout: { progressDeadlineSeconds: 5 } }
    expect(await courseOf(() => declare(realm('2.0.0', hasty)), 'Failed')).toEqual(['InProgress', 'Failed'])
    // The pods of a cell become ready one after the other: until the last one is ready the rollout may be written as Failed again.
    const recovery = await courseOf(() => kubelet.readyOnly(() => true), 'Current')
    expect(recovery[0] === 'Failed' ? recovery.slice(1) : recovery).toEqual(['InProgress', 'Current'])
  }, 60_000)

  test('a paused rollout stays InProgress', async () => {
    await start()
    await courseOf(() => declare(realm('1.0.0')), 'Current')
    expect(await courseOf(() => declare(realm('2.0.0', { rollout: { paused: true } })), 'InProgress')).toEqual(['InProgress'])
    expect(await argoHealth(lua, 'Realm', [await realmOf()])).toEqual(['Suspended'])
    expect(await courseOf(() => declare(realm('2.0.0', { rollout: { paused: false } })), 'Current')).toEqual([
      'InProgress',
      'Current',
    ])
  }, 60_000)

  test('a hibernated realm is Current once its last cell is gone, and InProgress while it comes back', async () => {
    await start()
    await courseOf(() => declare(realm('1.0.0')), 'Current')
    expect(await courseOf(() => declare(realm('1.0.0', { cells: { replicas: 0 } })), 'Current')).toEqual([
      'InProgress',
      'Current',
    ])
    expect(versions.at(-1)?.status?.endpoints ?? []).toEqual([])
    expect(await courseOf(() => declare(realm('1.0.0', { cells: { replicas: 1 } })), 'Current')).toEqual([
      'InProgress',
      'Current',
    ])
  }, 60_000)

  test('a deleted realm is Terminating while it exists', async () => {
    await start()
    await courseOf(() => declare(realm('1.0.0')), 'Current')
    const holdBy = (finalizers: string[]) =>
      kube.user.merge(realmResource, { namespace: kube.namespace, name: 'main' }, { metadata: { finalizers } })
    await holdBy(['example.org/another-controller'])
    await expect.poll(() => versions.at(-1)?.metadata.finalizers, patient).toHaveLength(1)
    const since = versions.length
    await kube.user.remove(realmResource, { namespace: kube.namespace, name: 'main' })
    await expect.poll(async () => (await realmOf()) === undefined || versions.length > since, patient).toBe(true)
    expect(new Set(await kstatus.of(versions.slice(since)))).toEqual(new Set(['Terminating']))
    await holdBy([])
  }, 60_000)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { type ApiProxy, type Fault, isWrite, type Passed, startApiProxy } from '../../testing/apiserver/api-proxy.ts'
import { startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { listOf } from '../../testing/apiserver/namespace.ts'
import { type OperatorProcess, startOperatorProcess, startProvider } from '../../testing/apiserver/operator.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { type ChildKind, childResources } from '../kubernetes/cache/child.ts'
import type { LeaderLease } from '../leader/lease.ts'

const patient = { timeout: 480_000, interval: 200 }

withPart('kube', 'an operator whose API server is slow', (part) => {
  const kube = useApiServer(part)

  async function startCluster(): Promise<string> {
    const provider = await startProvider(kube.user, kube.namespace)
    const kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    kube.stopAfterTest(kubelet.stop, provider.stop)
    return provider.url
  }
  async function startSlowOperator(
    providerUrl: string,
    identity: string,
  ): Promise<{ proxy: ApiProxy; operator: OperatorProcess }> {
    const proxy = await startApiProxy(kube.api)
    const api = { ...kube.api, kubeconfig: proxy.kubeconfig }
    const operator = await startOperatorProcess(api, kube.namespace, providerUrl, { LEASE_IDENTITY: identity })
    kube.stopAfterTest(operator.stop, proxy.stop)
    return { proxy, operator }
  }
  const declare = (version: string, replicas: number) =>
    kube.declare({ version, livekit: { type: 'None' }, cells: { replicas }, rollout: { joinProbe: 'None' } })
  const settled = async (version: string, replicas: number) => {
    await expect
      .poll(async () => {
        const realm = await kube.realmOf()
        const { observedGeneration, readyReplicas, updatedReplicas } = realm.status ?? {}
        const [ready, progressing, stalled] = ['Ready', 'Progressing', 'Stalled'].map((type) => conditionOf(realm, type)?.status)
        return {
          ready,
          progressing,
          stalled,
          isSeen: observedGeneration === realm.metadata.generation,
          readyReplicas,
          updatedReplicas,
        }
      }, patient)
      .toEqual({
        ...{ ready: 'True', progressing: 'False', stalled: 'False', isSeen: true },
        ...{ readyReplicas: replicas, updatedReplicas: replicas },
      })
    const cells = await objectsOf('CommsCell')
    expect(cells.map(({ spec }) => (spec as { version?: string }).version)).toEqual(Array(replicas).fill(version))
  }
  const objectsOf = (kind: ChildKind) => listOf(kube.user, childResources[kind], kube.namespace)
  const leaseSpec = async () =>
    (await kube.user.get<LeaderLease>(resources.Lease, { namespace: kube.namespace, name: 'realm-operator' }))?.spec

  /** Notes every object that exists at any moment: which had several of one name, and how many cells there were at once. */
  function watchObjects() {
    const uids = new Map<string, Set<string>>()
    const seen = { mostCells: 0, twice: () => [...uids].filter(([, of]) => of.size > 1).map(([name]) => name) }
    let watching = true
    const watch = (async () => {
      while (watching) {
        for (const kind of Object.keys(childResources) as ChildKind[]) {
          const items = await objectsOf(kind)
          if (kind === 'CommsCell') seen.mostCells = Math.max(seen.mostCells, items.length)
          for (const { metadata } of items) {
            const name = `${kind} ${metadata.name}`
            uids.set(name, (uids.get(name) ?? new Set()).add(metadata.uid ?? ''))
          }
        }
        await sleep(100)
      }
    })()
    const stop = async () => {
      watching = false
      await watch
    }
    kube.stopAfterTest(stop)
    return seen
  }

  test('replaces a cell by one other and reports what is true, although answers take up to 12 s and watches are 2 s behind', async () => {
    const { proxy, operator } = await startSlowOperator(await startCluster(), 'a')
    await expect.poll(() => operator.metric('leader'), patient).toBe(1)
    await declare('1.0.0', 1)
    await settled('1.0.0', 1)
    const seen = watchObjects()
    let writes = 0
    // Some writes take longer than the operator waits for them, and are carried out all the same.
    const slow = [3_000, 0, 0, 0, 12_000, 0, 0, 0]
    proxy.spoil = (request): Fault | undefined => {
      if (request.path.includes('/leases')) return { slowMs: 4_000 }
      if (request.isWatch) return { lagMs: 2_000 }
      return { slowMs: isWrite(request) ? (slow[writes++ % slow.length] ?? 0) : 500 }
    }
    proxy.cut() // so that watches begin again under it
    await declare('2.0.0', 1)
    await settled('2.0.0', 1)
    expect(seen.twice()).toEqual([])
    expect(seen.mostCells).toBe(2)
    expect(await leaseSpec()).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 })
    expect(await operator.metric('leader')).toBe(1)
  }, 600_000)

  test('hands over to one that is faster, writes nothing as a former leader, and the other finishes the change', async () => {
    const providerUrl = await startCluster()
    const first = await startSlowOperator(providerUrl, 'a')
    await expect.poll(() => first.operator.metric('leader'), patient).toBe(1)
    const second = await startSlowOperator(providerUrl, 'b')
    await declare('1.0.0', 1)
    await settled('1.0.0', 1)
    const seen = watchObjects()
    const leaders: number[] = []
    first.proxy.spoil = (): Fault => ({ lateMs: 6_000 })
    first.proxy.passed.length = 0
    await declare('2.0.0', 2)
    await expect
      .poll(async () => {
        const both = await Promise.all([first, second].map(({ operator }) => operator.metric('leader')))
        leaders.push(both.reduce((sum, each) => sum + each, 0))
        return both
      }, patient)
      .toEqual([0, 1])
    const handedOverAt = Date.now()
    await settled('2.0.0', 2)
    expect(Math.max(...leaders)).toBeLessThanOrEqual(1)
    const late = (request: Passed) => isWrite(request) && request.at > handedOverAt
    expect(first.proxy.passed.filter(late)).toEqual([])
    expect(seen.twice()).toEqual([])
    expect(await leaseSpec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
    first.proxy.spoil = () => undefined
    await second.operator.atRest()
    expect(seen.twice()).toEqual([])
    expect(await leaseSpec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
  }, 600_000)
})

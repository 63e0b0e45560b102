import { afterEach, beforeEach, expect, test } from 'vitest'
import { conditionOf } from '../../crds/realm.ts'
import { type ApiProxy, type Fault, isWrite, type Passed, startApiProxy } from '../../testing/apiserver/api-proxy.ts'
import { type FakeKubelet, startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { type OperatorProcess, startOperatorProcess, startProvider } from '../../testing/apiserver/operator.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const patient = { timeout: 60_000, interval: 100 }

withPart('kube', 'the whole operator on a faulty connection', (part) => {
  const kube = useApiServer(part)
  let operator: OperatorProcess
  let kubelet: FakeKubelet
  /** The proxy between the operator and the API server. */
  let proxy: ApiProxy
  /** The objects of a realm of two cells when nothing fails. */
  let complete: string[]
  beforeEach(async () => {
    proxy = await startApiProxy(kube.api)
    const provider = await startProvider(kube.user, kube.namespace)
    kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    operator = await startOperatorProcess({ ...kube.api, kubeconfig: proxy.kubeconfig }, kube.namespace, provider.url)
    kube.stopAfterTest(operator.stop, kubelet.stop, provider.stop, proxy.stop)
    await expect.poll(() => operator.metric('leader'), patient).toBe(1)
  })
  afterEach(async () => {
    proxy.spoil = () => undefined
    proxy.heal()
  })
  const { declare, names, realmOf } = kube
  const declareCells = (replicas: number) => declare({ livekit: { type: 'None' }, cells: { replicas } })
  const serving = (replicas: number) =>
    expect
      .poll(async () => {
        const { status } = await realmOf()
        return { ready: conditionOf({ ...(status && { status }) }, 'Ready')?.status, replicas: status?.readyReplicas }
      }, patient)
      .toEqual({ ready: 'True', replicas })

  test('the objects of a realm are known', async () => {
    await declareCells(1)
    await serving(1)
    await declareCells(2)
    await serving(2)
    complete = await names()
    expect(complete.length).toBeGreaterThan(20)
  }, 60_000)

  /** One in so many of the selected requests fails, the first one included. */
  const someOf = (every: number, isMeant: (request: Passed) => boolean, fault: Fault) => {
    let seen = 0
    return (request: Passed): Fault | undefined => (isMeant(request) && seen++ % every === 0 ? fault : undefined)
  }
  const notOfTheLease = (request: Passed) => !request.path.includes('/leases')

  const badWires: { what: string; spoil: () => ApiProxy['spoil']; atMost: number }[] = [
    { what: 'each second write is refused with a 500', spoil: () => someOf(2, isWrite, { status: 500 }), atMost: 250 },
    {
      what: 'each sixth write is refused with a 429 and a time to wait',
      spoil: () => someOf(6, isWrite, { status: 429, headers: { 'retry-after': '1' } }),
      atMost: 250,
    },
    { what: 'each third write is done and its answer reset', spoil: () => someOf(3, isWrite, 'reset'), atMost: 250 },
    { what: 'each third write is done and half its answer arrives', spoil: () => someOf(3, isWrite, 'truncated'), atMost: 250 },
    { what: 'each request takes a third of a second', spoil: () => someOf(1, notOfTheLease, { slowMs: 300 }), atMost: 150 },
    {
      what: 'watches are answered that their resource version has expired',
      spoil: () => someOf(1, ({ isWatch, path }) => isWatch && path.endsWith('deployments'), { status: 410 }),
      atMost: 250,
    },
  ]
  for (const { what, spoil, atMost } of badWires) {
    test(`a realm is created and changed although ${what}`, async () => {
      proxy.spoil = spoil()
      proxy.cut() // so that watches begin again under it
      proxy.passed.length = 0
      await declareCells(1)
      await serving(1)
      await declareCells(2)
      await serving(2)
      expect(proxy.passed.filter(notOfTheLease).length, 'requests').toBeLessThan(atMost)
      proxy.spoil = () => undefined
      await expect.poll(names, patient).toEqual(complete)
      await operator.atRest()
      expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject({ status: 'False' })
    }, 90_000)
  }

  test('an API server that refuses everything gets ever fewer requests, and the operator catches up once it recovers', async () => {
    await declareCells(1)
    await serving(1)
    proxy.spoil = (request) => (isWrite(request) ? { status: 503 } : undefined)
    proxy.passed.length = 0
    await declareCells(2)
    await new Promise((resolve) => setTimeout(resolve, 6000))
    const [first, last] = [0, 3000].map((from) => {
      const begun = (proxy.passed[0]?.at ?? 0) + from
      return proxy.passed.filter((request) => isWrite(request) && request.at >= begun && request.at < begun + 3000).length
    })
    expect(first).toBeLessThan(40)
    expect(last).toBeLessThan(10)
    proxy.spoil = () => undefined
    await serving(2)
  }, 90_000)

  test('a connection that drops everything silently costs the leadership and nothing else', async () => {
    await declareCells(1)
    await serving(1)
    proxy.stall()
    await declareCells(2)
    await expect.poll(() => operator.metric('leader'), patient).toBe(0)
    proxy.passed.length = 0
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(proxy.passed.filter(isWrite)).toEqual([])
    proxy.heal()
    proxy.cut()
    await serving(2)
    expect(await names()).toEqual(complete)
  }, 90_000)
})

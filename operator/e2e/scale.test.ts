import { beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { API_VERSION, type CommsCell, conditionOf } from '../../crds/realm.ts'
import { cellResource } from '../../crds/resources.ts'
import { startOperator, writesOf } from '../../testing/apiserver/bare-operator.ts'
import { type FakeKubelet, startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { site } from '../desired/realm.fixtures.ts'

type Scale = { spec: { replicas: number }; status: { replicas: number; selector?: string } }
type Deployment = KubeObject & { spec: { replicas: number } }
type Alias = KubeObject & { spec: { selector: Record<string, string> } }
const patient = { timeout: 20_000, interval: 20 }
const bare = { livekit: { type: 'None' } }

withPart('kube', 'scaling against a real API server', (part) => {
  const kube = useApiServer(part)
  let operator: Awaited<ReturnType<typeof startOperator>>
  let kubelet: FakeKubelet

  const start = async () => {
    operator = await startOperator(kube.api, kube.namespace, undefined, { site: { ...site, propagationMs: 300 } })
    kube.stopAfterTest(operator.stop)
  }
  beforeEach(async () => {
    kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    kube.stopAfterTest(kubelet.stop)
    await start()
  })
  const { declare, get, realmOf, kubectl } = kube
  const scaleOf = async (what: 'realms/main' | 'commscells/main-0') =>
    JSON.parse(await kubectl(`get --raw /apis/${API_VERSION}/namespaces/${kube.namespace}/${what}/scale`)) as Scale
  const cell = async (name: string) => (await get<CommsCell & KubeObject>(cellResource, name)) as CommsCell | undefined
  const states = async () =>
    Object.fromEntries((await realmOf()).status?.endpoints?.map((endpoint) => [endpoint.cell, endpoint.state]) ?? [])
  const connectorsOf = async (name: string) => (await get<Deployment>(resources.Deployment, `${name}-connector`))?.spec.replicas
  const answering = async (slot: number) =>
    (await get<Alias>(resources.Service, `main-slot-${slot}`))?.spec.selector['comms.decentraland.org/cell']
  const serving = (...names: string[]) =>
    expect.poll(states, patient).toEqual(Object.fromEntries(names.map((name) => [name, 'Serving'])))

  test('kubectl scales a realm out, in, to nothing and back, and /scale reports what serves', async () => {
    await declare(bare)
    await serving('main-0')
    await kubectl('scale realm main --replicas=3')
    await serving('main-0', 'main-1', 'main-2')
    expect(await scaleOf('realms/main')).toMatchObject({
      spec: { replicas: 3 },
      status: { replicas: 3, selector: expect.stringMatching(/component=connector,.*cell in \(main-0,main-1,main-2\)$/) },
    })
    await kubectl('scale realm main --replicas=1')
    await expect.poll(async () => (await scaleOf('realms/main')).status.selector, patient).toMatch(/cell in \(main-0\)$/)
    await serving('main-0')
    expect(await cell('main-2')).toBeUndefined()
    await kubectl('scale realm main --replicas=0')
    await expect
      .poll(async () => conditionOf(await realmOf(), 'Ready'), patient)
      .toMatchObject({ status: 'True', reason: 'Hibernated' })
    expect((await scaleOf('realms/main')).status).toMatchObject({ replicas: 0, selector: expect.stringMatching(/,!/) })
    await kubectl('scale realm main --replicas=2')
    await serving('main-0', 'main-1')
    // The API server refuses more cells than there are slots.
    await expect(kubectl('scale realm main --replicas=9')).rejects.toThrow(/may not exceed cells.max/)
  })

  test('a cell is removed only after its slot is routed to another cell and its last pod is gone', async () => {
    await declare({ ...bare, cells: { replicas: 2 } })
    await serving('main-0', 'main-1')
    await kubelet.pod('main-1-connector', { reason: 'ContainerCreating', message: '' })
    await declare({ ...bare, cells: { replicas: 1 } })
    await expect.poll(() => connectorsOf('main-1'), patient).toBe(0)
    expect(await answering(1)).toBe('main-0')
    await operator.settled()
    expect(await states()).toEqual({ 'main-0': 'Serving', 'main-1': 'Draining' })
    expect((await cell('main-1'))?.status?.state).toBe('Draining')
    await kubectl('delete pod main-1-connector-1 --grace-period=0 --force --wait=false')
    await expect.poll(() => cell('main-1'), patient).toBeUndefined()
    await serving('main-0')
  })

  test('a restarted operator continues a drain', async () => {
    await declare({ ...bare, cells: { replicas: 3 } })
    await serving('main-0', 'main-1', 'main-2')
    await declare({ ...bare, cells: { replicas: 1 } })
    await expect.poll(async () => (await cell('main-2'))?.spec.desiredState, patient).toBe('Draining')
    await operator.stop()
    await start()
    await serving('main-0')
  })

  test('a client that scales the connectors of a cell is not overwritten, and all other fields stay the operator’s', async () => {
    await declare(bare)
    await serving('main-0')
    await kubectl('scale commscell main-0 --replicas=3')
    await expect.poll(() => connectorsOf('main-0'), patient).toBe(3)
    await declare({ ...bare, cells: { template: { connectors: { replicas: 2, drainSeconds: 77 } } } })
    await expect
      .poll(async () => (await cell('main-0'))?.spec.connectors, patient)
      .toMatchObject({ replicas: 3, drainSeconds: 77 })
    await operator.settled()
    expect(await connectorsOf('main-0')).toBe(3)
    const before = writesOf(operator.client)
    await operator.settled()
    expect(writesOf(operator.client)).toBe(before)
    expect(await scaleOf('commscells/main-0')).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 3 } })
    await kubectl('scale commscell main-0 --replicas=5')
    await expect.poll(() => connectorsOf('main-0'), patient).toBe(5)
  })

  test('a cell is cordoned, drained and put back into service by kubectl patch', async () => {
    const setState = (state: string) => kubectl(`patch commscell main-1 --type=merge -p {"spec":{"desiredState":"${state}"}}`)
    await declare({ ...bare, cells: { replicas: 2 } })
    await serving('main-0', 'main-1')
    await setState('Draining')
    await expect.poll(states, patient).toEqual({ 'main-0': 'Serving', 'main-1': 'Draining' })
    await operator.settled()
    expect(await answering(1)).toBe('main-0')
    expect(await connectorsOf('main-1')).toBe(1)
    await setState('Drained')
    await expect.poll(async () => (await cell('main-1'))?.status?.state, patient).toBe('Drained')
    expect(await connectorsOf('main-1')).toBe(0)
    await operator.settled()
    expect((await realmOf()).status).toMatchObject({ replicas: 2, readyReplicas: 1 })
    await setState('Serving')
    await serving('main-0', 'main-1')
    await expect.poll(() => answering(1), patient).toBe('main-1')
  })

  test('a cell created by hand serves at its slot, and is never removed by the operator', async () => {
    await declare(bare)
    await serving('main-0')
    const { spec } = (await cell('main-0')) as CommsCell
    const { revision: _, ...rest } = spec
    const mine = {
      apiVersion: API_VERSION,
      kind: 'CommsCell',
      metadata: { name: 'mine', namespace: kube.namespace },
      spec: { ...rest, slot: 2, url: 'ws://mine.example.org/cells/2' },
    }
    await kube.user.create(cellResource, mine as KubeObject)
    await serving('main-0', 'mine')
    expect(await answering(2)).toBe('mine')
    expect(await connectorsOf('mine')).toBe(1)
    await kubectl('scale realm main --replicas=0')
    await expect.poll(() => cell('main-0'), patient).toBeUndefined()
    expect((await cell('mine'))?.metadata).not.toHaveProperty('deletionTimestamp')
  })
})

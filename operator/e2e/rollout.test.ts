import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { type CommsCell, conditionOf } from '../../crds/realm.ts'
import { cellResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { type FakeKubelet, startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { scriptedJoins } from '../../testing/apiserver/scripted-joins.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { site } from '../desired/realm.fixtures.ts'
import type { JoinCounts } from '../observed/players.ts'
import { JoinSuccessRate } from '../observers/players/join-success-rate.ts'

type Deployment = KubeObject & { spec: { replicas: number } }
type Alias = KubeObject & { spec: { selector: Record<string, string> } }
const patient = { timeout: 20_000, interval: 20 }
const realm = (version: string, more: object = {}) => ({ livekit: { type: 'None' }, version, ...more })

withPart('kube', 'rollouts against a real API server', (part) => {
  const kube = useApiServer(part)
  let operator: Awaited<ReturnType<typeof startOperator>>
  let kubelet: FakeKubelet
  let joins: ReturnType<typeof scriptedJoins>
  /** The join counts of the players of a cell. */
  let joinsOf: (cell: string) => JoinCounts
  const start = async () => {
    const joinSuccess = new JoinSuccessRate({
      addressesOf: ({ metadata }) => [metadata.name],
      port: 80,
      clock: systemClock,
      log: silentLog,
      fetch: async (url) => ({ ok: true, status: 200, body: { joins: joinsOf(new URL(url).hostname) } }),
    })
    operator = await startOperator(kube.api, kube.namespace, undefined, {
      site: { ...site, propagationMs: 300 },
      syntheticJoins: joins,
      joinSuccess,
    })
    kube.stopAfterTest(operator.stop, () => joinSuccess.stop())
  }
  beforeEach(async () => {
    joinsOf = () => ({ given: 100, missed: 0, waiting: 0 })
    joins = scriptedJoins()
    kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    kube.stopAfterTest(kubelet.stop)
    await start()
  })
  const { declare, get, realmOf, kubectl } = kube
  const cells = async () =>
    (await kube.user.list<CommsCell & KubeObject>(collectionPath(cellResource, kube.namespace), {})).items as CommsCell[]
  const versions = async () => (await cells()).map(({ spec }) => `${spec.slot}:${spec.version}`).sort()
  const condition = async (type: string) => conditionOf(await realmOf(), type)
  const endpoints = async () => (await realmOf()).status?.endpoints?.map(({ slot, state }) => `${slot}:${state}`)
  const answering = async (slot: number) =>
    (await get<Alias>(resources.Service, `main-slot-${slot}`))?.spec.selector['comms.decentraland.org/cell'] ?? ''
  const serving = (...slots: number[]) => expect.poll(endpoints, patient).toEqual(slots.map((slot) => `${slot}:Serving`))

  test('another version replaces cell after cell, and every slot serves at every moment', async () => {
    await declare(realm('1.0.0', { cells: { replicas: 2 } }))
    await serving(0, 1)
    const seen = new Set<string>()
    let watching = true
    const watch = (async () => {
      while (watching) {
        const [there, states] = await Promise.all([versions(), endpoints()])
        seen.add(there.join(' '))
        expect(states).toEqual(['0:Serving', '1:Serving'])
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    await declare(realm('2.0.0', { cells: { replicas: 2 } }))
    await expect.poll(versions, patient).toEqual(['0:2.0.0', '1:2.0.0'])
    watching = false
    await watch
    expect([...seen].every((there) => there.split(' ').length <= 3)).toBe(true)
    expect(seen).toContain('0:1.0.0 0:2.0.0 1:1.0.0')
    await expect.poll(() => condition('Progressing'), patient).toMatchObject({ status: 'False', reason: 'Settled' })
    expect((await realmOf()).status).toMatchObject({ replicas: 2, readyReplicas: 2, updatedReplicas: 2 })
    expect([await answering(0), await answering(1)]).toEqual((await cells()).map(({ metadata }) => metadata.name).sort())
  })

  test('another topology is a rollout: the statistics move with the cells, and what the other topology had is removed', async () => {
    const ofTopology = (topology: string) => realm('1.0.0', { cells: { template: { topology } } })
    const workloads = async () => {
      const { items } = await kube.user.list<KubeObject>(collectionPath(resources.Deployment, kube.namespace), {})
      const there = new Set((await cells()).map(({ metadata }) => metadata.name))
      // Nothing here collects the workloads of cells that are gone.
      return items
        .map(({ metadata }) => metadata.name)
        .filter((name) => !/^main-0/.test(name) || there.has(name.replace(/-\w+$/, '')))
    }
    const statsSelector = async () => (await get<Alias>(resources.Service, 'main-stats'))?.spec.selector
    const isSettled = () =>
      expect.poll(() => condition('Reconciling'), patient).toMatchObject({ status: 'False', reason: 'Settled' })
    await declare(ofTopology('Split'))
    await serving(0)
    await isSettled()
    expect(await workloads()).toEqual(['main-0-archipelago', 'main-0-connector', 'main-gatekeeper', 'main-stats'])

    await declare(ofTopology('Compact'))
    await expect.poll(async () => (await cells()).map(({ spec }) => spec.topology), patient).toEqual(['Compact'])
    await isSettled()
    const [compact] = await cells()
    expect(conditionOf(compact as CommsCell, 'Ready')).toMatchObject({ status: 'True', reason: 'Serving' })
    expect(await workloads()).toEqual([`${compact?.metadata.name}-connector`, 'main-gatekeeper'])
    const inCells = { 'comms.decentraland.org/realm': 'main', 'comms.decentraland.org/statistics': 'true' }
    expect(await statsSelector()).toEqual(inCells)
    expect((await realmOf()).status).toMatchObject({ replicas: 1, readyReplicas: 1, updatedReplicas: 1 })

    await kubelet.readyOnly((name) => name !== 'main-stats')
    joins.answer({ state: 'untried' }, kube.namespace)
    await declare(ofTopology('Split'))
    await expect.poll(async () => (await workloads()).includes('main-stats'), patient).toBe(true)
    await operator.settled()
    expect(await statsSelector()).toEqual(inCells)
    await kubelet.readyOnly(() => true)
    joins.answer({ state: 'joined' }, kube.namespace)
    await expect.poll(async () => (await cells()).map(({ spec }) => spec.topology), patient).toEqual(['Split'])
    await isSettled()
    const [split] = await cells()
    const name = split?.metadata.name
    expect(await workloads()).toEqual([`${name}-archipelago`, `${name}-connector`, 'main-gatekeeper', 'main-stats'])
    expect(await statsSelector()).toMatchObject({ 'app.kubernetes.io/component': 'stats' })
  })

  test('a new cell is routed to only after a synthetic join; a failure halts the rollout, and setting the spec back undoes it', async () => {
    await declare(realm('1.0.0'))
    await serving(0)
    const uid = (await cells())[0]?.metadata.uid
    joins.answer({ state: 'untried' }, kube.namespace)
    await declare(realm('2.0.0'))
    await expect.poll(() => joins.watched.size, patient).toBe(1)
    await operator.settled()
    expect(await answering(0)).toBe('main-0')
    joins.answer({ state: 'failed', message: 'waiting for an island: none came' }, kube.namespace)
    await expect
      .poll(() => condition('Stalled'), patient)
      .toMatchObject({
        status: 'True',
        reason: 'JoinFailed',
        message: expect.stringMatching(
          /^the operator could not join main-0-\w{6} as a player: waiting for an island: none came$/,
        ),
      })
    await serving(0)
    await declare(realm('1.0.0'))
    await expect.poll(versions, patient).toEqual(['0:1.0.0'])
    expect((await cells())[0]?.metadata.uid).toBe(uid)
    await expect.poll(() => condition('Stalled'), patient).toMatchObject({ status: 'False' })
  })

  test('an operator that restarts during a rollout continues it', async () => {
    await declare(realm('1.0.0'))
    await serving(0)
    joins.answer({ state: 'untried' }, kube.namespace)
    await declare(realm('2.0.0'))
    await expect.poll(versions, patient).toEqual(['0:1.0.0', '0:2.0.0'])
    await operator.stop()
    await start()
    joins.answer({ state: 'joined' }, kube.namespace)
    await expect.poll(versions, patient).toEqual(['0:2.0.0'])
    await serving(0)
  })

  test('a cell whose connectors another client scaled hands their number on to the cell that replaces it', async () => {
    await declare(realm('1.0.0'))
    await serving(0)
    await kubectl('scale commscell main-0 --replicas=4')
    await expect.poll(async () => (await realmOf()).status?.updatedReplicas, patient).toBe(1)
    await declare(realm('2.0.0'))
    await expect.poll(versions, patient).toEqual(['0:2.0.0'])
    await operator.settled()
    const [cell] = await cells()
    expect(cell?.spec.connectors.replicas).toBe(4)
    expect((await get<Deployment>(resources.Deployment, `${cell?.metadata.name}-connector`))?.spec.replicas).toBe(4)
  })

  test('a new cell that does not become ready is reported with its problem after the progress deadline', async () => {
    await declare(realm('1.0.0'))
    await serving(0)
    await kubelet.readyOnly((name) => !/^main-0-\w{6}-/.test(name))
    await declare(realm('2.0.0', { rollout: { progressDeadlineSeconds: 5 } }))
    await expect
      .poll(() => condition('Stalled'), patient)
      .toMatchObject({
        status: 'True',
        reason: 'ProgressDeadlineExceeded',
        message: expect.stringMatching(/^main-0-\w{6} did not replace the old cell within 5 s: no connector pod is ready$/),
      })
    await serving(0)
    expect(await condition('Ready')).toMatchObject({ status: 'True' })
    await kubelet.readyOnly(() => true)
    await expect.poll(versions, patient).toEqual(['0:2.0.0'])
  })

  test('Managed servers are removed only after the last cell that uses them, and stay unchanged until then', async () => {
    const managed = { livekit: { type: 'Managed' }, nats: { type: 'Managed', replicas: 3 } }
    const livekit = { type: 'External', url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } }
    const external = { livekit, nats: { type: 'External', urls: ['nats://nats.infra:4222'] } }
    const servers = async () => {
      const [nats, rooms] = [await get(resources.StatefulSet, 'main-nats'), await get(resources.Deployment, 'main-livekit')]
      return [nats?.metadata.generation, rooms?.metadata.generation]
    }
    await declare(managed)
    await serving(0)
    await operator.settled()
    await kubelet.readyOnly((name) => !/^main-0-\w{6}-/.test(name))
    const before = await servers()
    expect(before).not.toContain(undefined)
    await declare(external)
    await expect.poll(async () => (await cells()).length, patient).toBe(2)
    await operator.settled()
    expect(await servers()).toEqual(before)
    expect(await get(resources.Service, 'main-nats')).toBeDefined()
    await kubelet.readyOnly(() => true)
    await expect.poll(async () => (await cells()).length, patient).toBe(1)
    await expect.poll(servers, patient).toEqual([undefined, undefined])
    expect(await get(resources.Service, 'main-nats')).toBeUndefined()
    await serving(0)
  })

  test('a new cell whose players get no islands halts the rollout with its numbers; setting the spec back undoes it', async () => {
    const [before, after] = ['1.0.0', '2.0.0'].map((version) => realm(version, { cells: { replicas: 3 } }))
    await declare(before ?? {})
    await serving(0, 1, 2)
    joinsOf = (cell) => (/^main-0-/.test(cell) ? { given: 12, missed: 28, waiting: 3 } : { given: 70, missed: 1, waiting: 0 })
    await declare(after ?? {})
    await expect
      .poll(() => condition('Stalled'), patient)
      .toMatchObject({
        status: 'True',
        reason: 'JoinRateTooLow',
        message: expect.stringMatching(
          /^main-0-\w{6}: 12 of 40 players who signed in were given an island \(30 %, rollout.minJoinRate is 90 %\)$/,
        ),
      })
    const half = ['0:2.0.0', '1:1.0.0', '2:1.0.0']
    await expect.poll(versions, patient).toEqual(half)
    await operator.settled()
    expect(await versions()).toEqual(half)
    await serving(0, 1, 2)
    await declare(before ?? {})
    await expect.poll(versions, patient).toEqual(['0:1.0.0', '1:1.0.0', '2:1.0.0'])
    await expect.poll(() => condition('Stalled'), patient).toMatchObject({ status: 'False' })
  })

  test('the revision of a cell cannot be changed', async () => {
    await declare(realm('1.0.0'))
    await serving(0)
    await expect(kubectl('patch commscell main-0 --type=merge -p {"spec":{"revision":"mine"}}')).rejects.toThrow(
      /revision is immutable/,
    )
  })
})

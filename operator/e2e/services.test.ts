import { beforeEach, describe, expect, test } from 'vitest'
import { fnv1a } from '../../cells/chassis/fnv1a.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { API_VERSION, type CommsCell, conditionOf, type Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import type { WorldsFile } from '../../crds/world.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { type FakeKubelet, startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { scriptedJoins } from '../../testing/apiserver/scripted-joins.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import type { Platform } from '../desired/platform.ts'
import { platform, site } from '../desired/realm.fixtures.ts'

type Made = KubeObject & {
  spec: { replicas: number; template: { spec: { containers: { image: string; resources?: object }[] } } }
}
const patient = { timeout: 30_000, interval: 20 }
const MIRROR: Platform = {
  ...platform,
  imageRepository: 'mirror.example.org/realm',
  natsImage: 'mirror.example.org/nats:2.13',
  livekitImage: 'mirror.example.org/livekit:v2',
  imagePullPolicy: 'Always',
}

withPart('kube', 'the services of a realm during changes, on a real API server', (part) => {
  const kube = useApiServer(part)
  let operator: Awaited<ReturnType<typeof startOperator>>
  let kubelet: FakeKubelet
  const start = async (installation = platform) => {
    operator = await startOperator(kube.api, kube.namespace, undefined, {
      site: { ...site, propagationMs: 300 },
      syntheticJoins: scriptedJoins(),
      platform: installation,
    })
    kube.stopAfterTest(operator.stop)
  }
  beforeEach(async () => {
    kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    kube.stopAfterTest(kubelet.stop)
    await start()
  })
  const { declare, get, realmOf } = kube
  const realm = (version: string, more: object = {}) => ({ livekit: { type: 'Managed' }, version, ...more })
  const condition = async (type: string) => conditionOf(await realmOf(), type)
  const settled = () => expect.poll(() => condition('Progressing'), patient).toMatchObject({ reason: 'Settled' })
  const cells = async () =>
    (await kube.user.list<CommsCell & KubeObject>(collectionPath(cellResource, kube.namespace), {})).items as CommsCell[]
  const versions = async () => (await cells()).map(({ spec }) => `${spec.slot}:${spec.version}`).sort()
  const workloads = async (): Promise<Made[]> => {
    const kinds = [resources.Deployment, resources.StatefulSet]
    const lists = await Promise.all(kinds.map((kind) => kube.user.list<Made>(collectionPath(kind, kube.namespace), {})))
    return lists.flatMap(({ items }) => items)
  }
  const images = async () =>
    Object.fromEntries(
      (await workloads()).map(({ metadata, spec }) => [
        metadata.name,
        spec.template.spec.containers.map(({ image }) => image)[0],
      ]),
    )
  /** Fingerprints of all pod templates by the name of their workload; nothing collects those of cells that are gone. */
  const templates = async () =>
    Object.fromEntries(
      (await workloads()).map(({ metadata, spec }): [string, number] => [metadata.name, fnv1a(JSON.stringify(spec.template))]),
    )
  const imageOf = async (service: string) => (await images())[`main-${service}`]

  test('a version that does not start leaves the gatekeeper as it is, paused or not, with canary cells or without', async () => {
    await declare(realm('1.0.0'))
    await settled()
    await kubelet.readyOnly((name) => !/^main-0-\w{6}-/.test(name))
    const before = await templates()
    for (const rollout of [{ paused: true }, { canaryCells: 0 }, {}]) {
      await declare(realm('9.9.9', { rollout }))
      await expect
        .poll(() => condition('Progressing'), patient)
        .toMatchObject({ message: expect.stringContaining('these services are not yet: gatekeeper, stats') })
      await operator.settled()
      expect(await templates()).toMatchObject(before)
    }
    await declare(realm('1.0.0'))
    await settled()
    expect(await templates()).toMatchObject(before)
  })

  test('services follow a version once its first cell was joined, and the other cells follow the services', async () => {
    await declare(realm('1.0.0', { cells: { replicas: 2 } }))
    await settled()
    await declare(realm('2.0.0', { cells: { replicas: 2 }, rollout: { canaryCells: 1 } }))
    await expect.poll(() => condition('Progressing'), patient).toMatchObject({ reason: 'AwaitingPromotion' })
    expect(await versions()).toEqual(['0:2.0.0', '1:1.0.0'])
    expect(await imageOf('gatekeeper')).toBe('ghcr.io/example/realm:1.0.0')
    await kubelet.readyOnly((name) => name !== 'main-gatekeeper')
    await declare(realm('2.0.0', { cells: { replicas: 2 } }))
    await expect.poll(() => imageOf('gatekeeper'), patient).toBe('ghcr.io/example/realm:2.0.0')
    await operator.settled()
    expect(await imageOf('stats')).toBe('ghcr.io/example/realm:1.0.0')
    expect(await versions()).toEqual(['0:2.0.0', '1:1.0.0'])
    await kubelet.readyOnly(() => true)
    await expect.poll(versions, patient).toEqual(['0:2.0.0', '1:2.0.0'])
    await settled()
    expect(await imageOf('stats')).toBe('ghcr.io/example/realm:2.0.0')
  })

  test('a canary that is set back is undone at once, although canaryCells stays', async () => {
    const declared = (version: string) => realm(version, { cells: { replicas: 2 }, rollout: { canaryCells: 1 } })
    await declare(declared('1.0.0'))
    await settled()
    // Kubernetes keeps the times of creation to the second, and the older version is the one to return to.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await declare(declared('2.0.0'))
    await expect.poll(() => condition('Progressing'), patient).toMatchObject({ reason: 'AwaitingPromotion' })
    await declare(declared('1.0.0'))
    await expect.poll(versions, patient).toEqual(['0:1.0.0', '1:1.0.0'])
    await settled()
  })

  test('while paused no pod template, Ingress or URL changes, whatever is declared, except numbers', async () => {
    await declare(realm('1.0.0', { exposure: { type: 'Ingress', host: 'a.example.org' } }))
    await settled()
    const [before, ingress] = [await templates(), await get(resources.Ingress, 'main')]
    expect(ingress).toBeDefined()
    await declare(
      realm('1.0.0', {
        cells: { template: { connectors: { replicas: 3, drainSeconds: 99 } } },
        exposure: { type: 'Ingress', host: 'b.example.org' },
        nats: { type: 'Managed', resources: { requests: { cpu: '1m' } } },
        pods: { labels: { team: 'a' } },
        rollout: { paused: true },
      }),
    )
    await expect
      .poll(() => condition('Progressing'), patient)
      .toMatchObject({
        status: 'False',
        reason: 'RolloutPaused',
        message: expect.stringMatching(
          /^0 of 1 cells are updated, and these services are not yet: nats, livekit, gatekeeper, stats; set/,
        ),
      })
    await operator.settled()
    expect(await templates()).toEqual(before)
    expect((await workloads()).find(({ metadata }) => metadata.name === 'main-0-connector')?.spec.replicas).toBe(3)
    expect((await get(resources.Ingress, 'main'))?.metadata.generation).toBe(ingress?.metadata.generation)
    expect((await realmOf()).status?.endpoints).toMatchObject([{ adapter: expect.stringContaining('a.example.org') }])
  })

  test('an operator with other images restarts nothing; a realm takes them with its next version', async () => {
    await declare(realm('1.0.0'))
    await settled()
    const before = await templates()
    await operator.stop()
    await start(MIRROR)
    await operator.settled()
    expect(await templates()).toEqual(before)
    await declare(realm('1.0.0', { gatekeeper: { resources: { requests: { cpu: '10m' } } } }))
    await expect.poll(async () => (await templates())['main-gatekeeper'], patient).not.toBe(before['main-gatekeeper'])
    expect(await imageOf('gatekeeper')).toBe('ghcr.io/example/realm:1.0.0')
    await declare(realm('2.0.0'))
    await expect.poll(versions, patient).toEqual(['0:2.0.0'])
    await settled()
    const [{ metadata } = { metadata: { name: '' } }] = await cells()
    expect(await images()).toMatchObject({
      [`${metadata.name}-connector`]: 'mirror.example.org/realm:2.0.0',
      'main-gatekeeper': 'mirror.example.org/realm:2.0.0',
      'main-stats': 'mirror.example.org/realm:2.0.0',
      'main-nats': 'mirror.example.org/nats:2.13',
      'main-livekit': 'mirror.example.org/livekit:v2',
    })
  })

  describe('of worlds', () => {
    const world = (name: string, more: object = {}, spec: object = {}) => ({
      ...{ apiVersion: API_VERSION, kind: 'Realm', metadata: { name, namespace: kube.namespace } },
      spec: { mode: 'World', ...spec, world: { scenes: ['urn:decentraland:entity:bafkscene'], ...more } },
    })
    const create = (object: KubeObject) => kube.user.create(realmResource, object)
    const stateOf = async (name: string, type = 'Ready') => {
      const realm = await kube.user.get<Realm & KubeObject>(realmResource, { namespace: kube.namespace, name })
      const { status, reason } = conditionOf(realm ?? {}, type) ?? {}
      return `${status} ${reason}`
    }
    const served = async () => {
      const map = await kube.user.get<KubeObject & { data: Record<string, string> }>(resources.ConfigMap, {
        namespace: kube.namespace,
        name: 'plaza-worlds',
      })
      return (JSON.parse(map?.data['worlds.json'] ?? '{"worlds":[]}') as WorldsFile).worlds.map(({ name }) => name)
    }

    test('a guest has no object and no pod of its own; the gatekeeper learns of it, and forgets it, without a new pod', async () => {
      await create(world('attic', { gatekeeperOf: 'plaza' }))
      await expect.poll(() => stateOf('attic', 'Stalled'), patient).toBe('True HostNotUsable')
      await create(world('plaza', {}, { livekit: { type: 'None' }, gatekeeper: { worldHosting: {} } }))
      for (const name of ['plaza', 'attic']) await expect.poll(() => stateOf(name), patient).toBe('True AllServing')
      expect(await stateOf('attic', 'Stalled')).toBe('False NotStalled')
      expect(await served()).toEqual(['plaza', 'attic'])
      expect((await workloads()).map(({ metadata }) => metadata.name)).toEqual(['plaza-gatekeeper'])

      await kubelet.pod('plaza-gatekeeper', { reason: 'ContainerCreating', message: '' })
      const announced = async () =>
        (await kube.user.get<KubeObject>(resources.Pod, { namespace: kube.namespace, name: 'plaza-gatekeeper-1' }))?.metadata
          .annotations?.['comms.decentraland.org/worlds']
      await expect.poll(announced, patient).toMatch(/^[0-9a-f]{8}$/)
      const [before, template] = [await announced(), (await templates())['plaza-gatekeeper']]
      await create(world('cellar', { gatekeeperOf: 'plaza' }))
      await expect.poll(served, patient).toEqual(expect.arrayContaining(['plaza', 'attic', 'cellar']))
      await expect.poll(announced, patient).not.toBe(before)
      expect((await templates())['plaza-gatekeeper']).toBe(template)
      await kube.user.remove(realmResource, { namespace: kube.namespace, name: 'cellar' })
      await expect.poll(served, patient).not.toContain('cellar')
      await expect.poll(announced, patient).toBe(before)
      expect((await templates())['plaza-gatekeeper']).toBe(template)

      await kubelet.readyOnly(() => false)
      for (const name of ['plaza', 'attic']) await expect.poll(() => stateOf(name), patient).toBe('False ServicesNotReady')
      await kube.user.remove(realmResource, { namespace: kube.namespace, name: 'plaza' })
      await expect.poll(() => stateOf('attic'), patient).toBe('False HostNotUsable')
    })
  })
})

import { expect, type TestContext, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeMeta, KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { aProvider } from '../../cells/realm-provider/fixtures.ts'
import { createEventSource } from '../../cells/realm-provider/sources/events.ts'
import { createKubernetesSource } from '../../cells/realm-provider/sources/kubernetes.ts'
import { API_VERSION, conditionOf, type Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { startOperatorProcess } from '../../testing/apiserver/operator.ts'
import { aBlockableProxy, aRemoteProvider } from '../../testing/apiserver/remote-provider.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const LIVEKIT = { url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } }
/** Within this time no player may be routed to a removed cell any more. */
const AT_ONCE = { timeout: 10_000, interval: 20 }
const patient = { timeout: 15_000, interval: 20 }

withPart('kube', 'the publication of realms, against a real API server and real realm providers', (part) => {
  const kube = useApiServer(part)

  /** The realm provider of the cluster. */
  async function ofCluster(context: TestContext, namespace = '', clock?: ManualClock) {
    const watched = { client: kube.api.client(), namespaces: [namespace], log: silentLog }
    const source = createKubernetesSource(watched)
    const events = createEventSource(watched)
    const provider = await aProvider(context, { source, events, realTime: !clock, ...(clock && { clock }) })
    context.onTestFinished(async () => void (await Promise.all([source.stop(), events.stop()])))
    return { ...provider, realms: source.realms }
  }

  async function aNamespace(context: TestContext, providerUrl: string, env: NodeJS.ProcessEnv = {}) {
    const namespace = await kube.newNamespace()
    const kubelet = startFakeKubelet(kube.api.client(), namespace)
    const operator = await startOperatorProcess(kube.api, namespace, providerUrl, env)
    let stopped = false
    const stop = async () => {
      if (!stopped) await operator.stop()
      stopped = true
    }
    context.onTestFinished(async () => {
      await stop()
      await kubelet.stop()
    })
    const declare = (name: string, spec: object) => {
      const realm: KubeObject & { spec: object } = { apiVersion: API_VERSION, kind: 'Realm', metadata: { name, namespace }, spec }
      return kube.user.apply(realmResource, realm, { fieldManager: 'kubectl', force: true })
    }
    const realm = (name: string) => kube.user.get<Realm>(realmResource, { namespace, name })
    const published = async (name: string) => conditionOf((await realm(name)) ?? {}, 'Published')
    const remove = (name: string) => kube.user.remove(realmResource, { namespace, name })
    return { namespace, kubelet, operator, stop, declare, realm, published, remove }
  }

  const adapterAt = async (provider: { url: string }, name: string) => {
    const answer = await fetch(`${provider.url}/${name}/about`)
    return answer.ok ? ((await answer.json()) as { comms?: { adapter?: string } }).comms?.adapter : undefined
  }
  const served = { status: 'True', reason: 'ServedByProvider' }

  test('a realm is leased at the provider of another cluster, and releases its name when it is deleted, which does not wait for that', async (context) => {
    const [home, others] = [await ofCluster(context), await aRemoteProvider(context)]
    const { declare, realm, published, remove } = await aNamespace(context, home.url, others.env)
    await declare('leased', { livekit: LIVEKIT, publication: { providers: [{ url: others.url }] } })
    await expect.poll(() => published('leased'), patient).toMatchObject(served)
    expect(await adapterAt(others, 'leased')).toBe(await adapterAt(home, 'leased'))
    expect((await realm('leased'))?.metadata.finalizers).toBeUndefined()
    await remove('leased')
    await expect.poll(() => adapterAt(others, 'leased'), AT_ONCE).toBeUndefined()
    await expect.poll(() => realm('leased'), AT_ONCE).toBeUndefined()
  })

  test('a realm releases its name at a provider that it no longer names', async (context) => {
    const [home, others] = [await ofCluster(context), await aRemoteProvider(context)]
    const { declare, published } = await aNamespace(context, home.url, others.env)
    await declare('alone', { livekit: LIVEKIT })
    await expect.poll(() => published('alone'), patient).toMatchObject(served)
    await declare('alone', { livekit: LIVEKIT, publication: { providers: [{ url: others.url }] } })
    await expect.poll(() => adapterAt(others, 'alone'), patient).toBeDefined()
    await declare('alone', { livekit: LIVEKIT, publication: { providers: [] } })
    await expect.poll(() => adapterAt(others, 'alone'), AT_ONCE).toBeUndefined()
  })

  test('an unhealthy cell leaves every publication at once, and the console shows the Events of the operator about it', async (context) => {
    const [home, others] = [await ofCluster(context), await aRemoteProvider(context)]
    const { namespace, declare, published, kubelet } = await aNamespace(context, home.url, others.env)
    await declare('unwell', { livekit: LIVEKIT, cells: { replicas: 2 }, publication: { providers: [{ url: others.url }] } })
    await expect.poll(() => published('unwell'), patient).toMatchObject(served)
    await expect.poll(() => adapterAt(others, 'unwell'), patient).toMatch(/slot-0/)
    await kubelet.readyOnly((name) => name !== 'unwell-0-connector')
    for (const provider of [home, others]) await expect.poll(() => adapterAt(provider, 'unwell'), AT_ONCE).toMatch(/slot-1/)
    const shown = async () => {
      const { set } = (await home.json('/console/snapshot')) as { set: { events: { realm?: string; kind: string }[] } }
      return set.events.filter(({ realm }) => realm === `${namespace}/unwell`).map(({ kind }) => kind)
    }
    await expect.poll(shown, patient).toEqual(expect.arrayContaining(['Realm']))
  })

  test('no player is disconnected from a cell before every provider has confirmed that it routes no player there', async (context) => {
    const [home, others] = [await ofCluster(context), await aRemoteProvider(context)]
    /** The events of the test, in their order. */
    const story: string[] = []
    const way = await aBlockableProxy(context, others.url, ({ cells, isTaken }) => isTaken && story.push(`remote: ${cells}`))
    const { namespace, declare, published } = await aNamespace(context, home.url, others.envFor(way.url))
    const spec = { livekit: LIVEKIT, publication: { providers: [{ url: way.url }] } }
    await declare('orderly', { ...spec, cells: { replicas: 2 } })
    await expect.poll(() => story.at(-1), patient).toBe('remote: orderly-0,orderly-1')
    await expect.poll(() => published('orderly'), patient).toMatchObject(served)
    const deployments = createReflector<{ metadata: KubeMeta; spec: { replicas: number } } & KubeObject>({
      client: kube.user,
      path: collectionPath(resources.Deployment, namespace),
      project: (live) => live,
      onChange: ({ object: { metadata, spec } }) => {
        if (metadata.name !== 'orderly-1-connector' || spec.replicas > 0 || story.includes('scaled to 0')) return
        const cells = home
          .realms()
          .find(({ realmName }) => realmName === 'orderly')
          ?.endpoints.map(({ cell }) => cell)
        story.push(`local: ${cells}`, 'scaled to 0')
      },
      log: silentLog,
    })
    deployments.start()
    context.onTestFinished(() => deployments.stop())
    story.length = 0
    way.isBlocked = true
    await declare('orderly', { ...spec, cells: { replicas: 1 } })
    await expect.poll(() => adapterAt(home, 'orderly'), AT_ONCE).toMatch(/slot-0/)
    // Longer than the propagation time of the own provider; the remote one cannot be reached.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect(story).toEqual([])
    way.isBlocked = false
    await expect.poll(() => story, patient).toEqual(['remote: orderly-0', 'local: orderly-0', 'scaled to 0'])
  }, 40_000)

  test('a provider the operator is not configured for is reported, and gets no request', async (context) => {
    const [home, others] = [await ofCluster(context), await aRemoteProvider(context)]
    const { declare, published } = await aNamespace(context, home.url)
    await declare('unknown', { livekit: LIVEKIT, publication: { providers: [{ url: others.url }] } })
    await expect.poll(() => published('unknown'), patient).toMatchObject({ status: 'False', reason: 'ProviderNotConfigured' })
    expect(await adapterAt(others, 'unknown')).toBeUndefined()
  })

  test('of two realms with one name in two namespaces the second is refused, and reports it, until the first is deleted', async (context) => {
    const home = await ofCluster(context)
    const [first, second] = [await aNamespace(context, home.url), await aNamespace(context, home.url)]
    await first.declare('first', { realmName: 'shared', livekit: LIVEKIT })
    await expect.poll(() => first.published('first'), patient).toMatchObject(served)
    await new Promise((resolve) => setTimeout(resolve, 1_100)) // timestamps of objects are whole seconds
    await second.declare('second', { realmName: 'shared', livekit: LIVEKIT })
    await expect
      .poll(() => second.published('second'), patient)
      .toMatchObject({
        status: 'False',
        reason: 'NameTaken',
        message: expect.stringContaining('first-slot-0'),
      })
    expect(await adapterAt(home, 'shared')).toMatch(/first-slot-0/)
    await first.remove('first')
    await expect.poll(() => second.published('second'), patient).toMatchObject(served)
    expect(await adapterAt(home, 'shared')).toMatch(/second-slot-0/)
  })

  test('while the operator is down for an hour its realms stay served in their cluster, and at remote providers until their lease expires', async (context) => {
    const clock = new ManualClock()
    const [home, others] = [await ofCluster(context, '', clock), await aRemoteProvider(context, clock)]
    const { namespace, declare, published, stop } = await aNamespace(context, home.url, others.env)
    await declare('served', { livekit: LIVEKIT, publication: { providers: [{ url: others.url, ttlSeconds: 60 }] } })
    await expect.poll(() => published('served'), patient).toMatchObject(served)
    const before = await adapterAt(home, 'served')
    await stop()
    clock.advance(59_000)
    expect(await adapterAt(others, 'served')).toBe(before)
    clock.advance(1_001)
    expect(await adapterAt(others, 'served')).toBeUndefined()
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(60_000)
      await new Promise(setImmediate)
    }
    expect(await adapterAt(home, 'served')).toBe(before)
    expect(before).toBeDefined()
    expect(await (await home.get('/realms')).json()).toContainEqual(expect.objectContaining({ serverName: 'served' }))
    const again = await startOperatorProcess(kube.api, namespace, home.url, others.env)
    context.onTestFinished(() => again.stop())
    await expect.poll(() => adapterAt(others, 'served'), patient).toBe(before)
  })
})

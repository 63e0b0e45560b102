import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { CollectionChange } from '../../cells/kube/collection-copy.ts'
import { kubeMetrics } from '../../cells/kube/kube-metrics.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { reflectNamespaces } from '../../cells/kube/reflectors.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { type FaultyWire, startFaultyWire } from '../../testing/apiserver/faulty-wire.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

type Account = KubeObject & { automountServiceAccountToken?: boolean }

withPart('kube', 'a reflector of a real API server', (part) => {
  const kube = useOwnApiServer(part)
  let wire: FaultyWire
  beforeAll(async () => {
    wire = await startFaultyWire(Number(new URL(kube.api.access.server).port))
  })
  afterAll(() => wire?.stop())

  const anAccount = (name: string, step: number, app: string): Account => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: 'default', labels: { app, step: String(step) } },
  })
  const write = (name: string, step: number, app: string) =>
    kube.user.apply(resources.ServiceAccount, anAccount(name, step, app), { fieldManager: 'test', force: true })
  const erase = (name: string) => kube.user.remove(resources.ServiceAccount, { namespace: 'default', name })

  /** A reflector of the ServiceAccounts of one test, behind a faulty connection. */
  function aReflector(app: string) {
    const client = kube.api.client({ server: `https://127.0.0.1:${wire.port}` })
    const changes: CollectionChange<Account>[] = []
    const reflector = createReflector<Account>({
      client,
      path: collectionPath(resources.ServiceAccount, 'default'),
      selector: { labels: `app=${app}` },
      project: (live) => live,
      onChange: (change) => changes.push(change),
      log: silentLog,
      // Pauses of seconds pass in milliseconds.
      clock: { ...systemClock, after: (ms, callback) => systemClock.after(ms > 60_000 ? ms : ms / 50, callback) },
    })
    reflector.start()
    const states = () => Object.fromEntries(reflector.list().map(({ metadata }) => [metadata.name, metadata.labels?.step]))
    const received = () => changes.map(({ type, object }) => `${type} ${object.metadata.name} ${object.metadata.labels?.step}`)
    return { reflector, client, states, received }
  }

  test('lists, then follows each change of the selected objects', async () => {
    await write('first', 1, 'follow')
    const { reflector, states, received } = aReflector('follow')
    await reflector.synced
    await write('second', 1, 'follow')
    await write('second', 2, 'follow')
    await write('other', 1, 'not-followed')
    await erase('second')
    await write('first', 2, 'left')
    await expect
      .poll(received)
      .toEqual(['added first 1', 'added second 1', 'changed second 2', 'removed second 2', 'removed first 1'])
    expect(states()).toEqual({})
    await reflector.stop()
  })

  test('loses no final state when connections are reset again and again', async () => {
    const protocols = new Set<unknown>()
    const onConnected = (message: unknown) =>
      protocols.add((message as { connectParams: { version: unknown } }).connectParams.version)
    subscribe('undici:client:connected', onConnected)
    const { reflector, states } = aReflector('resets')
    await reflector.synced
    for (let step = 1; step <= 120; step++) {
      await write(`a${step % 5}`, step, 'resets')
      if (step % 3 === 0) wire.cut()
      if (step % 10 === 0) await erase('a1')
    }
    await expect.poll(states, { timeout: 15_000 }).toEqual({ a0: '120', a2: '117', a3: '118', a4: '119' })
    await reflector.stop()
    unsubscribe('undici:client:connected', onConnected)
    // An HTTP/2 stream that is reset at its beginning may never end.
    expect([...protocols]).toEqual(['h1'])
  })

  test('survives a restart of the API server, and delivers what was written right after it', async () => {
    const { reflector, states, client } = aReflector('restart')
    await write('kept', 1, 'restart')
    await write('gone', 1, 'restart')
    await expect.poll(states).toEqual({ kept: '1', gone: '1' })
    await kube.api.restart()
    await vi.waitFor(() => write('kept', 2, 'restart'), { timeout: 10_000 })
    await erase('gone')
    await expect.poll(states, { timeout: 15_000 }).toEqual({ kept: '2' })
    expect(reflector.healthy()).toBe(true)
    expect(client.counts.list).toBeLessThanOrEqual(10)
    await reflector.stop()
  })

  test('lists again, page by page, when the history it needs was compacted', async () => {
    const { reflector, states, received, client } = aReflector('expired')
    await write('kept', 1, 'expired')
    await write('gone', 1, 'expired')
    await expect.poll(states).toEqual({ kept: '1', gone: '1' })
    wire.refuse()
    for (let step = 1; step <= 600; step += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, index) => write(`many${step + index}`, step, 'expired')))
    }
    await erase('gone')
    await kube.api.compact()
    await kube.api.restart()
    const before = client.counts.list
    wire.heal()
    await expect.poll(() => reflector.list().length, { timeout: 15_000 }).toBe(601)
    expect(states()).not.toHaveProperty('gone')
    expect(received()).toContain('removed gone 1')
    expect(client.counts.list - before).toBeGreaterThanOrEqual(2)
    await reflector.stop()
  })

  test('of some namespaces has their objects and no others, and counts them together', async () => {
    const [east, west, other] = [kube.namespace, await kube.newNamespace(), await kube.newNamespace()]
    const objectsIn = async (metrics: Metrics) =>
      (await metrics.registry.getSingleMetricAsString('realm_test_kube_objects')).trim()
    const create = (namespace: string, name: string) =>
      kube.user.create(resources.ConfigMap, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace, name, labels: { of: 'several' } },
      })
    await create(east, 'first')
    const metrics = new Metrics('test')
    const copy = reflectNamespaces(resources.ConfigMap, [east, west], {
      client: kube.api.client(),
      selector: { labels: 'of=several' },
      project: (live: KubeObject) => live,
      log: silentLog,
      metrics: kubeMetrics(metrics),
    })
    kube.stopAfterTest(() => copy.stop())
    copy.start()
    await copy.synced
    await Promise.all([create(west, 'second'), create(other, 'third')])
    const names = () => copy.list().map(({ metadata }) => metadata.name)
    await expect.poll(names).toEqual(['first', 'second'])
    expect(copy.get({ namespace: west, name: 'second' })).toBeDefined()
    expect(copy.get({ namespace: other, name: 'third' })).toBeUndefined()
    expect(copy.healthy()).toBe(true)
    expect(await objectsIn(metrics)).toContain('{kind="configmaps"} 2')
    await kube.user.remove(resources.ConfigMap, { namespace: east, name: 'first' })
    await expect.poll(names).toEqual(['second'])
    expect(await objectsIn(metrics)).toContain('{kind="configmaps"} 1')
  })
})

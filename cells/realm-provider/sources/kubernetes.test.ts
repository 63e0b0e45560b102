import { expect, test, vi } from 'vitest'
import type { Realm } from '../../../crds/realm.ts'
import { silentLog } from '../../chassis/log.ts'
import { aList, scriptedClient } from '../../kube/fixtures.ts'
import type { KubeObject } from '../../kube/kube-object.ts'
import { anEndpoint, aProvider, aRealm } from '../fixtures.ts'
import { createKubernetesSource } from './kubernetes.ts'

const at = (resourceVersion: string, realm: Realm): KubeObject => ({ ...realm, metadata: { ...realm.metadata, resourceVersion } })

test('realms of a cluster are served as they change, and in their last state while the API server is unreachable', async (t) => {
  const { client, watches, listQueries } = scriptedClient([aList('1', [at('1', aRealm())])])
  const source = createKubernetesSource({ client, namespaces: [], log: silentLog })
  t.onTestFinished(() => source.stop())
  const { get, json } = await aProvider(t, { source })
  await expect.poll(() => get('/main/about').then(({ status }) => status)).toBe(200)
  expect(listQueries).toHaveLength(1)
  await expect.poll(() => watches.length).toBe(1)

  watches[0]?.send({ type: 'MODIFIED', object: at('2', aRealm({ endpoints: [anEndpoint(2)] })) })
  expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(2).adapter } })
  watches[0]?.send({ type: 'ADDED', object: at('3', aRealm({ name: 'other' })) })
  expect(await json('/realms')).toHaveLength(2)
  watches[0]?.send({ type: 'DELETED', object: at('4', aRealm({ name: 'other' })) })
  expect((await get('/other/about')).status).toBe(404)

  watches[0]?.fail(new Error('the API server is gone'))
  expect(await json('/main/about')).toMatchObject({ healthy: true, comms: { adapter: anEndpoint(2).adapter } })
  expect((await get('/health/ready')).status).toBe(200)
})

test('a change that does not affect what is published notifies no listener', async (t) => {
  const { client, watches } = scriptedClient([aList('1', [at('1', aRealm())])])
  const source = createKubernetesSource({ client, namespaces: ['realms'], log: silentLog })
  t.onTestFinished(() => source.stop())
  await expect.poll(() => watches.length).toBe(1)
  const listener = vi.fn()
  source.onChange(listener)
  const realm = aRealm()
  watches[0]?.send({ type: 'MODIFIED', object: at('2', { ...realm, metadata: { ...realm.metadata, annotations: { a: 'b' } } }) })
  expect(listener).not.toHaveBeenCalled()
  watches[0]?.send({ type: 'MODIFIED', object: at('3', aRealm({ replicas: 0 })) })
  expect(listener).toHaveBeenCalledTimes(1)
  expect(source.realms()).toMatchObject([{ realmName: 'main', endpoints: [] }])
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { realmResource } from '../../crds/resources.ts'
import { type OwnApiServer, startApiServer } from '../../testing/apiserver/apiserver.ts'
import { freePort } from '../../testing/free-port.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { KubeClient } from '../kube/kube-client.ts'
import { anEndpoint, aRealm } from './fixtures.ts'
import { main } from './main.ts'

withPart('kube', 'the realm provider of a real API server', (part) => {
  let api: OwnApiServer
  let client: KubeClient
  let running: Running
  let provider: string
  beforeAll(async () => {
    api = await startApiServer(part)
    client = api.client()
    const port = await freePort()
    provider = `http://127.0.0.1:${port}`
    running = await main({
      KUBECONFIG: api.kubeconfig,
      HTTP_SERVER_HOST: '127.0.0.1',
      HTTP_SERVER_PORT: String(port),
      LOG_LEVEL: 'silent',
    })
  })
  afterAll(async () => {
    await running?.stop()
    await api?.stop()
  })

  const { apiVersion, kind, spec } = aRealm({ namespace: 'default' })
  const metadata = { name: 'main', namespace: 'default' }
  const options = { fieldManager: 'test', force: true }
  const reportEndpoint = (slot: number, state: 'Serving' | 'Unhealthy') =>
    client.apply(
      realmResource,
      { apiVersion, kind, metadata, status: { endpoints: [anEndpoint(slot, state)] } },
      { ...options, subresource: 'status' },
    )
  const about = async () => {
    const answer = await fetch(`${provider}/main/about`)
    return { status: answer.status, body: (await answer.json()) as { healthy?: boolean; comms?: { adapter: string } } }
  }
  const adapter = (slot: number) => ({ status: 200, body: { comms: { adapter: anEndpoint(slot).adapter } } })

  test('a realm is published from the moment its status has an endpoint, through an outage of the API server, until it is deleted', async () => {
    await expect.poll(async () => (await about()).status, { timeout: 15_000 }).toBe(404)
    await client.apply(realmResource, { apiVersion, kind, metadata, spec }, options)
    await reportEndpoint(0, 'Serving')
    await expect.poll(about).toMatchObject(adapter(0))
    await reportEndpoint(1, 'Unhealthy')
    await expect.poll(about).toMatchObject({ ...adapter(1), body: { healthy: false } })

    await api.restart(async () => {
      expect(await about()).toMatchObject(adapter(1))
      expect((await fetch(`${provider}/health/ready`)).status).toBe(200)
    })
    await reportEndpoint(2, 'Serving')
    await expect.poll(about, { timeout: 15_000 }).toMatchObject(adapter(2))
    await client.remove(realmResource, metadata)
    await expect.poll(async () => (await about()).status).toBe(404)
  }, 60_000)
})

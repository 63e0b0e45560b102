import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { writesOf } from '../../testing/apiserver/bare-operator.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { startServedOperator } from '../../testing/apiserver/served-operator.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const patient = { timeout: 30_000, interval: 50 }
type LiveCell = KubeObject & { spec: { url: string } }

withPart('kube', 'a realm with a load balancer of its own, on a real API server', (part) => {
  const kube = useApiServer(part)
  const { declare, get, realmOf } = kube
  const realm = (exposure: object = {}, more: object = {}) => ({
    exposure: { type: 'LoadBalancer', ...exposure },
    livekit: { type: 'None' },
    ...more,
  })
  const anOperator = () => startServedOperator(kube)
  /** Writes the status of the Service as the controller of a cloud would. */
  const balance = (...ingress: object[]) => {
    const { apiVersion, kind } = resources.Service
    const metadata = { name: 'main-proxy', namespace: kube.namespace }
    const body = { apiVersion, kind, metadata, status: { loadBalancer: { ingress } } } as Spec
    return kube.user.apply(resources.Service, body, { fieldManager: 'cloud', force: true, subresource: 'status' })
  }
  const cell = () =>
    get<LiveCell>({ apiVersion: 'comms.decentraland.org/v1alpha1', kind: 'CommsCell', plural: 'commscells' }, 'main-0')
  const urlOfCell = async () => (await cell())?.spec.url
  const route = async () => conditionOf(await realmOf(), 'RouteAccepted')

  test('starts its first cell with the address that the cloud gives it, and keeps the cell for the next one', async () => {
    const { client, settled } = await anOperator()
    await declare(realm({ loadBalancer: { sourceRanges: ['198.51.100.0/24'] } }))
    await expect.poll(route, patient).toMatchObject({ status: 'False', reason: 'AddressPending' })
    await settled()
    expect(await cell()).toBeUndefined()
    expect(await get(resources.Service, 'main-proxy')).toMatchObject({
      spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80, targetPort: 'http' }] },
    })
    await balance({ ip: '203.0.113.7' })
    await expect.poll(urlOfCell, patient).toBe('ws://203.0.113.7/cells/0')
    await settled()
    expect((await realmOf()).status).toMatchObject({
      loadBalancer: { address: '203.0.113.7' },
      urls: { gatekeeper: 'http://203.0.113.7/gatekeeper' },
    })
    expect(await route()).toMatchObject({ status: 'True', reason: 'Accepted' })
    // The API server and the cloud added fields of their own.
    const writes = writesOf(client)
    await balance({ ip: '203.0.113.7' }, { ip: '203.0.113.8' })
    await settled()
    expect(writesOf(client)).toBe(writes)

    await balance()
    await expect.poll(route, patient).toMatchObject({ status: 'False', reason: 'AddressPending' })
    await settled()
    expect(await urlOfCell()).toBe('ws://203.0.113.7/cells/0')
  })

  test('takes a host name of a load balancer, and a host of the user in its place', async () => {
    const { settled } = await anOperator()
    await declare(realm())
    await settled()
    await balance({ hostname: 'a-1.elb.example.com' })
    await expect.poll(urlOfCell, patient).toBe('ws://a-1.elb.example.com/cells/0')
    await declare(realm({ host: 'main.example.org', tls: 'Terminated' }))
    await settled()
    expect((await realmOf()).status).toMatchObject({
      loadBalancer: { address: 'a-1.elb.example.com' },
      urls: { gatekeeper: 'https://main.example.org/gatekeeper' },
    })
    expect((await route())?.message).toContain('the name main.example.org has to lead there')
  })

  test('has the proxy for as long as it is exposed by it, also while it has no cell, and raises its slots without a change of it', async () => {
    const { settled } = await anOperator()
    await declare(realm({ host: 'main.example.org' }, { cells: { replicas: 0, max: 2 } }))
    await settled()
    const proxy = async () => {
      const [config, deployment] = [await get(resources.ConfigMap, 'main-proxy'), await get(resources.Deployment, 'main-proxy')]
      return [config?.metadata.resourceVersion, deployment?.metadata.generation]
    }
    const before = await proxy()
    expect(before).not.toContain(undefined)
    await declare(realm({ host: 'main.example.org' }, { cells: { replicas: 0, max: 9 } }))
    await settled()
    expect(await get(resources.Service, 'main-slot-8')).toBeDefined()
    expect(await proxy()).toEqual(before)
    expect(await get(resources.PodDisruptionBudget, 'main-proxy')).toBeDefined()
    await declare(realm({ type: 'None' }, { cells: { replicas: 0, max: 9 } }))
    await settled()
    expect(await get(resources.Service, 'main-proxy')).toBeUndefined()
    expect(await get(resources.Deployment, 'main-proxy')).toBeUndefined()
    expect(conditionOf(await realmOf(), 'RouteAccepted')).toBeUndefined()
  })
})

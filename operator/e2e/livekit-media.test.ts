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

withPart('kube', 'a Managed LiveKit for players outside, on a real API server', (part) => {
  const kube = useApiServer(part)
  const { declare, get, realmOf } = kube
  const realm = (service: object | undefined, more: object = {}) => ({
    exposure: { type: 'Ingress', host: 'main.example.org', tls: 'Terminated' },
    livekit: { type: 'Managed', ...(service && { service }) },
    cells: { replicas: 0 },
    ...more,
  })
  const anOperator = () => startServedOperator(kube)
  type LiveService = KubeObject & { spec: { type: string; ports: { port: number; nodePort?: number; protocol: string }[] } }
  const media = async (name = 'main') => (await get<LiveService>(resources.Service, `${name}-livekit-media`))?.spec
  const config = async () => {
    const deployment = await get<KubeObject & { spec: { template: unknown } }>(resources.Deployment, 'main-livekit')
    return deployment && JSON.stringify(deployment.spec.template)
  }
  /** Writes the status of the media Service as a controller of load balancers would. */
  const balance = (...ingress: object[]) => {
    const { apiVersion, kind } = resources.Service
    const metadata = { name: 'main-livekit-media', namespace: kube.namespace }
    const body = { apiVersion, kind, metadata, status: { loadBalancer: { ingress } } } as Spec
    return kube.user.apply(resources.Service, body, { fieldManager: 'balancer', force: true, subresource: 'status' })
  }

  test('starts with the address of its load balancer, keeps it while that is gone, and takes the next one', async () => {
    const { client, settled } = await anOperator()
    await declare(realm({ type: 'LoadBalancer' }))
    await settled()
    expect(await media()).toMatchObject({ type: 'LoadBalancer', ports: [{ port: 7882, protocol: 'UDP' }] })
    expect(await config()).toBeUndefined()
    await balance({ ip: '203.0.113.9' })
    await expect.poll(config, patient).toContain('203.0.113.9')
    await settled()
    expect((await realmOf()).status?.livekit).toEqual({
      url: 'wss://main.example.org',
      addresses: ['203.0.113.9'],
      udpPort: 7882,
    })
    // The API server added a node port to each port of the Service.
    const writes = writesOf(client)
    await balance({ ip: '203.0.113.9' }, { ip: '203.0.113.10' })
    await settled()
    expect(writesOf(client)).toBe(writes)

    const before = await config()
    await balance()
    await expect.poll(async () => (await realmOf()).status?.livekit, patient).toBeUndefined()
    expect(conditionOf(await realmOf(), 'Reconciling')?.message).toContain('waits for the address')
    await settled()
    expect(await config()).toBe(before)
    await balance({ ip: '203.0.113.10' })
    await expect.poll(config, patient).toContain('203.0.113.10')
  })

  test('moves from a load balancer to node ports and back inside the cluster', async () => {
    const { settled } = await anOperator()
    await declare(realm({ type: 'LoadBalancer', addresses: { ipv4: '203.0.113.9' }, loadBalancerClass: 'example.org/udp' }))
    await settled()
    expect(await config()).toContain('203.0.113.9')
    const nodePort = { type: 'NodePort', addresses: { ipv4: '192.0.2.7' }, udpPort: 30_782, tcpPort: 30_782 }
    await declare(realm(nodePort))
    await settled()
    expect(await media()).toMatchObject({
      type: 'NodePort',
      ports: [
        { port: 30_782, nodePort: 30_782, protocol: 'UDP' },
        { port: 30_782, nodePort: 30_782, protocol: 'TCP' },
      ],
    })
    expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject({ status: 'False' })

    // A node port has one Service.
    await kube.declare(realm(nodePort, { exposure: { type: 'Ingress', host: 'other.example.org' } }), 'other')
    const stalled = async () => conditionOf(await realmOf('other'), 'Stalled')
    await expect.poll(stalled, patient).toMatchObject({ status: 'True', reason: 'ApplyRefused' })
    expect((await stalled())?.message).toMatch(/30782.*already allocated/)
    await declare(realm(undefined))
    await settled()
    expect(await media()).toBeUndefined()
    expect(await config()).not.toContain('node_ip')
  })

  test('leaves the ports as they are while its realm is paused', async () => {
    const { settled } = await anOperator()
    const service = (udpPort: number) => ({ type: 'NodePort', addresses: { ipv4: '192.0.2.7' }, udpPort })
    await declare(realm(service(30_783)))
    await settled()
    const before = await config()
    const paused = { rollout: { paused: true } }
    for (const change of [service(30_784), undefined]) {
      await declare(realm(change, paused))
      await settled()
      expect(await config()).toBe(before)
      expect(await media()).toMatchObject({ ports: [{ nodePort: 30_783 }] })
    }
    await declare(realm(service(30_784)))
    await settled()
    expect(await media()).toMatchObject({ ports: [{ nodePort: 30_784 }] })
    expect(await config()).toContain('30784')
  })
})

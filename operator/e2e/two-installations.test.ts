import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { realmResource } from '../../crds/resources.ts'
import { startOperatorProcess, startProvider } from '../../testing/apiserver/operator.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const patient = { timeout: 15_000, interval: 50 }

withPart('kube', 'two installations of the operator on one API server', (part) => {
  const kube = useOwnApiServer(part)
  const { declare, get, realmOf, runPods } = kube
  /** An installation with a NATS image of its own, by which its writes are recognised. */
  const anInstallation = async (name: string, env: NodeJS.ProcessEnv = {}) => {
    const provider = await startProvider(kube.user, kube.namespace)
    const own = { LEASE_NAME: name, LEASE_NAMESPACE: kube.namespace, NATS_IMAGE: `example.org/nats:${name}`, ...env }
    const operator = await startOperatorProcess(kube.api, kube.namespace, provider.url, own)
    kube.stopAfterTest(operator.stop, provider.stop)
    await expect
      .poll(async () => (await get(resources.Lease, name))?.spec as { holderIdentity?: string }, patient)
      .toMatchObject({ holderIdentity: expect.stringMatching(/./) })
    return operator
  }
  const natsImage = async () => {
    const { spec } = ((await get(resources.StatefulSet, 'main-nats')) ?? {}) as {
      spec?: { template: { spec: { containers: { image: string }[] } } }
    }
    return spec?.template.spec.containers[0]?.image
  }
  const manager = async () => (await realmOf()).status?.operator
  const leftEvents = async () =>
    (
      await kube.user.list<KubeObject & { reason: string; note: string }>(collectionPath(resources.EventV1, kube.namespace), {})
    ).items
      .filter(({ reason }) => reason === 'ManagedByAnother')
      .map(({ note }) => note)

  test('the second leaves a realm to the first, and says so once', async () => {
    const first = await anInstallation('first')
    await declare({ livekit: { type: 'None' } })
    await expect.poll(natsImage, patient).toBe('example.org/nats:first')
    await runPods()
    await first.atRest()
    const second = await anInstallation('second')
    await expect.poll(leftEvents, patient).toHaveLength(1)
    expect((await leftEvents())[0]).toContain(`the operator of the Lease ${kube.namespace}/first manages this realm`)
    await declare({ livekit: { type: 'None' }, cells: { replicas: 2 } })
    await first.atRest()
    await second.atRest()
    expect([await natsImage(), await manager()]).toEqual([
      'example.org/nats:first',
      { lease: `${kube.namespace}/first`, scope: 'Namespace' },
    ])
    expect(await second.requests()).toMatchObject({ statuses: 0 })
    expect(await leftEvents()).toHaveLength(1)
  }, 60_000)

  test('one for a namespace takes the realms there over from one for the cluster, which leaves them alone', async () => {
    await anInstallation('everywhere', { WATCH_NAMESPACES: '' })
    await declare({ livekit: { type: 'None' } })
    await expect.poll(natsImage, patient).toBe('example.org/nats:everywhere')
    await expect.poll(manager, patient).toEqual({ lease: `${kube.namespace}/everywhere`, scope: 'Cluster' })
    const here = await anInstallation('here')
    await expect.poll(async () => (await manager())?.lease, patient).toBe(`${kube.namespace}/here`)
    await expect.poll(leftEvents, patient).toHaveLength(1)
    await here.atRest()
    // What runs keeps its image until its realm gets another version.
    expect([await natsImage(), (await manager())?.lease]).toEqual(['example.org/nats:everywhere', `${kube.namespace}/here`])
    await kube.user.remove(realmResource, { namespace: kube.namespace, name: 'main' })
  }, 60_000)
})

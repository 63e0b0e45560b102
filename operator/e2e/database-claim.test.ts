import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const CLAIM = 'main-gatekeeper-data'

withPart('kube', 'the claim of an embedded database on a real API server', (part) => {
  const kube = useApiServer(part)
  const realm = (storage?: object) => ({
    livekit: { type: 'None' },
    gatekeeper: { database: { type: 'Embedded', ...(storage && { storage }) } },
  })
  const operate = async (storage?: object) => {
    const operator = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(operator.stop)
    const change = async (next?: object) => {
      await kube.declare(realm(next))
      await operator.settled()
      await kube.runPods()
      await operator.settled()
    }
    await change(storage)
    return { ...operator, change }
  }
  const condition = async (type: string) => conditionOf(await kube.realmOf(), type)
  const dataVolume = async () => {
    const gatekeeper = await kube.get(resources.Deployment, 'main-gatekeeper')
    const spec = gatekeeper?.spec as { template: { spec: { volumes: { name: string }[] } } } | undefined
    return spec?.template.spec.volumes.find(({ name }) => name === 'data')
  }
  const withClaim = { name: 'data', persistentVolumeClaim: { claimName: CLAIM } }
  const claimOf = async () =>
    (await kube.get(resources.PersistentVolumeClaim, CLAIM)) as (KubeObject & { spec: object }) | undefined

  test('is created with its owner, and stays when the realm asks for it no longer', async () => {
    const { notes, change } = await operate({ size: '1024Mi' })
    expect(await claimOf()).toMatchObject({
      metadata: { ownerReferences: [{ kind: 'Realm', name: 'main', controller: true }] },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    })
    expect(await dataVolume()).toEqual(withClaim)
    expect(await condition('DataDurable')).toMatchObject({ status: 'True', reason: 'OnVolume' })
    expect(notes.map(({ reason }) => reason)).not.toContain('DataEndsWithPod')
    const { uid } = (await claimOf())?.metadata ?? {}
    await change()
    expect((await claimOf())?.metadata).toMatchObject({ uid })
    expect(await dataVolume()).toEqual({ name: 'data', emptyDir: {} })
    expect(await condition('DataDurable')).toMatchObject({ status: 'False', reason: 'EndsWithPod' })
    expect(await condition('Ready')).toMatchObject({ status: 'True' })
    expect(notes.filter(({ reason }) => reason === 'DataEndsWithPod')).toHaveLength(1)
  }, 60_000)

  test('that a quota refuses is named in the status, and the gatekeeper that runs without it stays', async () => {
    const { change } = await operate()
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few', namespace: kube.namespace } }
    const resource = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas' }
    const hard = { persistentvolumeclaims: '0' }
    await kube.user.create(resource, { ...quota, spec: { hard } } as KubeObject)
    // As the controller of quotas does.
    const status = { hard, used: { persistentvolumeclaims: '0' } }
    await kube.user.apply(resource, { ...quota, status } as KubeObject, {
      fieldManager: 'test',
      force: true,
      subresource: 'status',
    })
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'probe', namespace: kube.namespace } }
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
    const answer = () =>
      kube.user.create(resources.PersistentVolumeClaim, { ...claim, spec } as KubeObject, { dryRun: true }).catch(String)
    await expect.poll(answer, { timeout: 20_000 }).toMatch(/exceeded quota/)
    await change({ size: '1Gi' })
    expect(await condition('Stalled')).toMatchObject({
      status: 'True',
      reason: 'ApplyRefused',
      message: expect.stringMatching(/"main-gatekeeper-data" is forbidden: exceeded quota: few/),
    })
    expect(await dataVolume()).toEqual({ name: 'data', emptyDir: {} })
    await kube.user.remove(resource, quota.metadata)
    await expect.poll(dataVolume, { timeout: 30_000 }).toEqual(withClaim)
  }, 90_000)

  test('of a user that has its name is left alone, even where it agrees in every field', async () => {
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
    await kube.edit(resources.PersistentVolumeClaim, CLAIM, { spec })
    await operate({ size: '1Gi' })
    expect((await claimOf())?.metadata.ownerReferences).toBeUndefined()
    expect(await condition('Stalled')).toMatchObject({
      reason: 'ApplyRefused',
      message: expect.stringContaining(
        `PersistentVolumeClaim ${kube.namespace}/${CLAIM} exists and was not created by this operator`,
      ),
    })
    expect(await kube.names()).not.toContain('Deployment main-gatekeeper')
  }, 60_000)

  test('that cannot grow says so, and the realm keeps it', async () => {
    const { change } = await operate({ size: '1Gi' })
    await change({ size: '2Gi' })
    expect(await condition('Stalled')).toMatchObject({
      reason: 'ApplyRefused',
      message: expect.stringMatching(/PersistentVolumeClaim|resize/i),
    })
    expect(await claimOf()).toMatchObject({ spec: { resources: { requests: { storage: '1Gi' } } } })
    expect(await dataVolume()).toEqual(withClaim)
    await kube.user.remove(realmResource, { namespace: kube.namespace, name: 'main' })
  }, 60_000)
})

import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { type CommsCell, conditionOf } from '../../crds/realm.ts'
import { cellResource, type Kind } from '../../crds/resources.ts'
import { readCrd, type Schema, schemaOf } from '../../crds/schema.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const files = { Realm: 'realm.crd.yaml', CommsCell: 'commscell.crd.yaml' } as const

withPart('kube', 'CRDs of an older release on a real API server', (part) => {
  const kube = useOwnApiServer(part)

  let installed = 0

  /** Installs the CRD of this release for a kind, with a change, and waits until the API server serves it. */
  async function install(kind: Kind, change: (status: Schema, spec: Schema) => void = () => {}): Promise<void> {
    const crd = readCrd(files[kind])
    const schema = schemaOf(crd)
    schema.description = `installed ${++installed}`
    change(schema.properties?.status ?? {}, schema.properties?.spec ?? {})
    const stored = await kube.user.get(resources.CustomResourceDefinition, crd.metadata)
    await kube.user.replace(resources.CustomResourceDefinition, { ...stored, spec: crd.spec } as unknown as KubeObject)
    const served = async () => {
      const path = '/openapi/v3/apis/comms.decentraland.org/v1alpha1'
      const { components } = (await kube.user.list(path, {})) as unknown as { components: { schemas: Record<string, Schema> } }
      return components.schemas[`org.decentraland.comms.v1alpha1.${kind}`]?.description
    }
    await expect.poll(served, { timeout: 20_000 }).toBe(schema.description)
  }
  const operate = async () => {
    const operator = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(operator.stop)
    await kube.declare({ livekit: { type: 'None' } })
    await operator.settled()
    await kube.runPods()
    await operator.settled()
    return operator
  }
  const cellOf = async () => (await kube.get(cellResource, 'main-0')) as unknown as CommsCell
  const stalledOf = (object: object) => conditionOf(object, 'Stalled')

  test('a status is written without the fields that they do not know, and says so', async () => {
    await install('Realm', ({ properties = {} }) => {
      delete properties.updatedReplicas
      delete properties.urls?.properties?.stats
      const endpoint = properties.endpoints?.items
      delete endpoint?.properties?.state
      if (endpoint) endpoint.required = (endpoint.required ?? []).filter((name) => name !== 'state')
    })
    await install('CommsCell', ({ properties = {} }) => {
      delete properties.selector
      if (properties.state) properties.state.enum = ['Starting']
    })
    const operator = await operate()
    const { status = {} } = await kube.realmOf()
    expect(status).toMatchObject({ replicas: 1, endpoints: [{ slot: 0, cell: 'main-0' }], urls: { about: expect.any(String) } })
    expect([status.updatedReplicas, status.urls?.stats]).toEqual([undefined, undefined])
    expect(stalledOf({ status })).toMatchObject({
      status: 'True',
      reason: 'CrdOutdated',
      message: expect.stringMatching(
        /know status\.endpoints\.state, status\.updatedReplicas, status\.urls\.stats; apply the CRDs/,
      ),
    })
    expect(stalledOf(await cellOf())).toMatchObject({
      reason: 'CrdOutdated',
      message: expect.stringMatching(/know status\.selector, status\.state; apply the CRDs/),
    })
    expect(conditionOf(await cellOf(), 'Ready')?.status).toBe('True')
    expect(operator.notes.filter(({ reason }) => reason === 'CrdOutdated')).toHaveLength(2)
  }, 60_000)

  test('cells are neither created nor changed under a CRD that does not know a field of their spec, and the realm says so', async () => {
    await install('Realm')
    await install('CommsCell', (_, { properties = {} }) => delete properties.connectors?.properties?.drainSeconds)
    await operate()
    expect(stalledOf(await kube.realmOf())).toMatchObject({
      status: 'True',
      reason: 'CrdOutdated',
      message: expect.stringMatching(/commscells\.comms.* know spec\.connectors\.drainSeconds; apply the CRDs/),
    })
    expect(await kube.names()).not.toContain('CommsCell main-0')
    expect(await kube.names()).toContain('Deployment main-stats')
  }, 60_000)
})

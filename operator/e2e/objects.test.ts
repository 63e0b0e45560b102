import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const external = { type: 'External', secret: { name: 'postgres', key: 'url' } }

withPart('kube', 'the objects of a realm in a real API server', (part) => {
  // The API server itself refuses pods here that do not pass the profile.
  const kube = useApiServer(part, {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/enforce-version': 'latest',
  })
  let operator: Awaited<ReturnType<typeof startOperator>>
  beforeEach(async () => {
    operator = await startOperator(kube.api, kube.namespace)
  })
  afterEach(() => operator.stop())
  const { declare, realmOf, runPods } = kube
  const list = async <T extends KubeObject>(resource: (typeof resources)['Job' | 'Deployment' | 'StatefulSet']) =>
    (await kube.user.list<T>(collectionPath(resource, kube.namespace), {})).items
  const jobs = async () => (await list(resources.Job)).map(({ metadata }) => metadata.name)
  const ready = async () => conditionOf(await realmOf(), 'Ready')

  test('every pod is accepted by a namespace that enforces the restricted Pod Security profile', async () => {
    const secret = (name: string) => ({ secretName: name })
    await declare({
      nats: { replicas: 3 },
      livekit: { type: 'Managed' },
      gatekeeper: { replicas: 2, database: external },
      pods: { labels: { team: 'metaverse' } },
    })
    const gatekeeper = { database: { type: 'Embedded', storage: { size: '1Gi' } } }
    await declare({ livekit: { url: 'wss://livekit.example.org', credentials: secret('livekit') }, gatekeeper }, 'other')
    await operator.settled()
    const workloads = await Promise.all(
      (['Deployment', 'StatefulSet', 'Job'] as const).map((kind) =>
        list<KubeObject & { spec: { template: V1PodTemplateSpec } }>(resources[kind]),
      ),
    )
    const templates = workloads.flat().map(({ metadata: { name }, spec }) => ({ name, ...spec.template }))
    expect(templates.length).toBeGreaterThanOrEqual(11)
    for (const { name } of templates.map(({ spec }) => ({ name: spec?.serviceAccountName ?? '' })))
      expect(name).toMatch(/-realm$/)
    for (const { name, metadata, spec } of templates) {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, name: `${name}-pod`, namespace: kube.namespace },
        spec,
      }
      await expect(kube.user.create(resources.Pod, pod as unknown as KubeObject), name).resolves.toBeDefined()
    }
    const refused = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'root', namespace: kube.namespace },
      spec: { containers: [{ name: 'a', image: 'a' }] },
    }
    await expect(kube.user.create(resources.Pod, refused as KubeObject)).rejects.toThrow(/PodSecurity/)
  })

  test('a database is migrated once per version: the realm is ready after it, and the Job of the previous version is removed', async () => {
    const spec = { livekit: { type: 'Managed' }, gatekeeper: { replicas: 2, database: external } }
    await declare(spec)
    await operator.settled()
    await runPods()
    await operator.settled()
    expect(await ready()).toMatchObject({ status: 'False', message: 'services without a ready pod: migration' })
    const [first] = await jobs()
    const done = async (name: string | undefined) => {
      const job = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: name ?? '', namespace: kube.namespace },
        status: { succeeded: 1 },
      }
      await kube.user.apply(resources.Job, job, { fieldManager: 'kubelet', force: true, subresource: 'status' })
      await operator.settled()
    }
    await done(first)
    expect(await ready()).toMatchObject({ status: 'True' })
    await declare({ ...spec, cells: { replicas: 2 } })
    await operator.settled()
    expect(await jobs()).toEqual([first])
    await declare({ ...spec, version: '9.9.9' })
    await operator.settled()
    expect(await jobs()).toEqual([first]) // no cell has proven the version yet
    const runAndList = async () => {
      await runPods()
      return jobs()
    }
    await expect.poll(runAndList, { timeout: 20_000 }).toEqual([expect.not.stringMatching(new RegExp(`^${first}$`))])
  })
})

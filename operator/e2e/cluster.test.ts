import { expect, test } from 'vitest'
import { resources } from '../../cells/kube/resources.ts'
import { API_VERSION, conditionOf } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { startOperator, writesOf } from '../../testing/apiserver/bare-operator.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { leadershipBy } from '../leader/leadership.ts'

withPart('kube', 'a cluster behind a real API server', (part) => {
  const kube = useApiServer(part)
  const anOperator = async (
    ...rest: Parameters<typeof startOperator> extends [unknown, unknown, ...infer Rest] ? Rest : never
  ) => {
    const operator = await startOperator(kube.api, kube.namespace, ...rest)
    kube.stopAfterTest(operator.stop)
    return operator
  }
  const { declare, get, edit, names, versions, realmOf, runPods } = kube
  const bare = { livekit: { type: 'None' } }

  test('creates the desired objects of a realm with few writes and one read, and writes nothing at rest', async () => {
    const { client, settled } = await anOperator()
    await declare(bare)
    await settled()
    await runPods()
    await settled()
    expect(conditionOf(await realmOf(), 'Ready')).toMatchObject({ status: 'True' })
    expect(writesOf(client)).toBeLessThanOrEqual(35)
    expect(client.counts.get).toBe(1) // whether its ServiceAccount belongs to another client
    const before = [writesOf(client), await versions()]
    await runPods()
    await settled()
    expect([writesOf(client), await versions()]).toEqual(before)
  })

  test('a restarted operator finds every object up to date, whatever the realm consists of', async () => {
    const first = await anOperator()
    const aNodeTerm = { matchExpressions: [{ key: 'pool', operator: 'In', values: ['realms'] }] }
    const resourcesOfIt = { requests: { cpu: '1000m', memory: '1024Mi' }, limits: { cpu: 2, memory: '1.5Gi' } }
    await declare({
      cells: {
        replicas: 2,
        template: { connectors: { replicas: 3, resources: resourcesOfIt }, archipelago: { resources: resourcesOfIt } },
      },
      gatekeeper: { replicas: 2, database: { type: 'External', secret: { name: 'db', key: 'url' } } },
      nats: { replicas: 3 },
      livekit: { type: 'Managed' },
      networkPolicy: { type: 'Strict', entryNamespaces: ['ingress'] },
      pods: {
        labels: { team: 'metaverse' },
        tolerations: [
          { key: 'realms', operator: 'Exists' },
          { operator: 'Exists', effect: 'NoSchedule' },
        ],
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [aNodeTerm] } } },
        imagePullSecrets: [{ name: 'registry' }],
        priorityClassName: 'system-cluster-critical',
      },
      content: { catalysts: ['https://peer.example.org'] },
      exposure: { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls', annotations: { a: 'b' } },
    })
    await declare(bare, 'other')
    await first.settled()
    await runPods()
    await first.settled()
    await first.stop()
    const second = await anOperator()
    await second.settled()
    expect(second.client.counts).toMatchObject({ apply: 0, applyStatus: 0, create: 0, remove: 0, get: 0 })
  })

  test('repairs a child that was deleted or edited, and does not change fields of other managers', async () => {
    const { settled } = await anOperator()
    await declare(bare)
    await settled()
    const image = async () =>
      (
        (await get(resources.Deployment, 'main-0-connector')) as unknown as {
          spec: { template: { spec: { containers: { image: string }[] } } }
        }
      ).spec.template.spec.containers[0]?.image
    const before = await image()
    await edit(resources.Deployment, 'main-0-connector', {
      metadata: { name: 'main-0-connector', namespace: kube.namespace, labels: { mine: 'stays' } },
      spec: { template: { spec: { containers: [{ name: 'connector', image: 'evil:1' }] } } },
    })
    await kube.user.remove(resources.Service, { namespace: kube.namespace, name: 'main-slot-0' })
    await kube.user.remove(cellResource, { namespace: kube.namespace, name: 'main-0' })
    await expect.poll(image).toBe(before)
    await expect.poll(() => get(resources.Service, 'main-slot-0')).toBeDefined()
    await expect.poll(() => get(cellResource, 'main-0')).toBeDefined()
    expect((await get(resources.Deployment, 'main-0-connector'))?.metadata.labels).toMatchObject({ mine: 'stays' })
  })

  test('repairs a child that lost its labels and its owner', async () => {
    const { settled } = await anOperator()
    await declare(bare)
    await settled()
    const service = (await get(resources.Service, 'main-stats')) as Spec
    const { labels, ownerReferences } = service.metadata
    const { labels: _, ownerReferences: __, ...metadata } = service.metadata
    await kube.user.replace(resources.Service, { ...service, metadata })
    await expect
      .poll(async () => (await get(resources.Service, 'main-stats'))?.metadata)
      .toMatchObject({ labels, ownerReferences })
  })

  test('removes the objects that are no longer desired, and only those', async () => {
    const { settled } = await anOperator()
    await declare({ ...bare, cells: { replicas: 2 } })
    await kube.user.create(resources.ServiceAccount, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'somebodys', namespace: kube.namespace },
    })
    await settled()
    const before = await names()
    await declare({ ...bare, cells: { replicas: 1 }, nats: { type: 'External', urls: ['nats://nats:4222'] } })
    // A cell is removed once its drain is over and no player is left, and a NATS once no cell uses it.
    const running = async () => {
      await runPods()
      return names()
    }
    await expect.poll(running, { timeout: 25_000, interval: 200 }).not.toContain('StatefulSet main-nats')
    await settled()
    const after = await names()
    expect(before.filter((name) => !after.includes(name))).toEqual(
      expect.arrayContaining(['CommsCell main-1', 'StatefulSet main-nats', 'Service main-nats', 'NetworkPolicy main-nats']),
    )
    expect(after).toEqual(expect.arrayContaining(['ServiceAccount somebodys', 'Service main-slot-1']))
    expect(after.filter((name) => name.startsWith('CommsCell '))).toEqual([expect.stringMatching(/ main-0-\w+$/)])
  }, 40_000)

  test('does not take over an object of another client, reports it, and creates the other objects', async () => {
    const foreign = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'main-stats', namespace: kube.namespace },
      spec: { selector: { app: 'mine' }, ports: [{ port: 1 }] },
    }
    await kube.user.create<Spec>(resources.Service, foreign)
    const { settled } = await anOperator()
    await declare(bare)
    await settled()
    expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject({
      status: 'True',
      reason: 'ApplyRefused',
      message: expect.stringContaining('main-stats'),
    })
    expect((await get(resources.Service, 'main-stats'))?.spec).toMatchObject({ selector: { app: 'mine' } })
    expect(await names()).toContain('Deployment main-gatekeeper')
  })

  test('does not take over an object of another client either when both agree about all its fields', async () => {
    const metadata = { name: 'main-realm', namespace: kube.namespace }
    await kube.user.create<Spec>(resources.ServiceAccount, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    const { settled } = await anOperator()
    const before = await get(resources.ServiceAccount, 'main-realm')
    await declare(bare)
    await settled()
    expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject({
      reason: 'ApplyRefused',
      message: `ServiceAccount ${kube.namespace}/main-realm exists and was not created by this operator`,
    })
    expect(await get(resources.ServiceAccount, 'main-realm')).toEqual(before)
    await kube.user.remove(resources.ServiceAccount, metadata)
    await declare({ ...bare, pods: { labels: { again: 'yes' } } })
    await expect
      .poll(async () => (await get(resources.ServiceAccount, 'main-realm'))?.metadata.ownerReferences?.[0]?.name)
      .toBe('main')
    await expect.poll(async () => conditionOf(await realmOf(), 'Stalled')?.status).toBe('False')
  })

  test('takes an object back that lost its labels and its owner while no operator ran', async () => {
    const first = await anOperator()
    await declare(bare)
    await first.settled()
    await first.stop()
    const account = (await get(resources.ServiceAccount, 'main-realm')) as Spec
    const { labels, ownerReferences } = account.metadata
    const { labels: _, ownerReferences: __, ...metadata } = account.metadata
    await kube.user.replace(resources.ServiceAccount, { ...account, metadata })
    const second = await anOperator()
    await second.settled()
    expect((await get(resources.ServiceAccount, 'main-realm'))?.metadata).toMatchObject({ labels, ownerReferences })
  })

  test('an object that is refused because its namespace is being deleted is no problem of the realm', async () => {
    const { client, settled } = await anOperator()
    await declare(bare)
    await settled()
    await kube.user.remove(resources.Namespace, { name: kube.namespace }) // no controller removes what is in it
    const before = client.counts.apply
    await kube.user.remove(resources.Service, { namespace: kube.namespace, name: 'main-stats' })
    await expect.poll(() => client.counts.apply).toBeGreaterThan(before)
    await settled()
    expect(await get(resources.Service, 'main-stats')).toBeUndefined()
    expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject({ reason: 'NotStalled' })
  })

  test('a field of a pod that does not exist is reported with its name, and objects without pods are created all the same', async () => {
    const { settled } = await anOperator()
    const exposure = { type: 'Ingress', host: 'main.example.org' }
    await declare({ ...bare, exposure, pods: { affinity: { nodeAffinty: {} } } })
    await settled()
    const refused = {
      status: 'True',
      reason: 'ApplyRefused',
      message: expect.stringContaining('.affinity.nodeAffinty: field not declared in schema'),
    }
    expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject(refused)
    expect(conditionOf((await get(cellResource, 'main-0')) as never, 'Stalled')).toMatchObject(refused)
    expect(await names()).toEqual(expect.arrayContaining(['Ingress main', 'Service main-0-connector']))
  })

  test('a pull secret that is named twice reaches the pods once', async () => {
    const { settled } = await anOperator()
    await declare({ ...bare, pods: { imagePullSecrets: [{ name: 'registry' }, { name: 'registry' }] } })
    await settled()
    expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject({ status: 'False' })
    for (const name of ['main-0-connector', 'main-gatekeeper']) {
      const deployment = (await get(resources.Deployment, name)) as unknown as { spec: { template: { spec: object } } }
      expect(deployment.spec.template.spec).toMatchObject({ imagePullSecrets: [{ name: 'registry' }] })
    }
  })

  test('a condition that another client adds to a status stays, and a changed one is restored', async () => {
    const { client, settled } = await anOperator()
    await declare(bare)
    await settled()
    const ready = conditionOf(await realmOf(), 'Ready')
    const report = (conditions: object[]) =>
      kube.user.apply<Spec>(
        realmResource,
        { apiVersion: API_VERSION, kind: 'Realm', metadata: { name: 'main', namespace: kube.namespace }, status: { conditions } },
        {
          fieldManager: 'another-client',
          force: true,
          subresource: 'status',
        },
      )
    const theirs = { type: 'Theirs', status: 'True', reason: 'Because', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
    const before = writesOf(client)
    await report([theirs])
    await settled()
    expect(writesOf(client)).toBe(before)
    expect(conditionOf(await realmOf(), 'Theirs')).toEqual(theirs)
    await report([{ ...ready, status: 'True', reason: 'AllServing', message: 'says who?' }])
    await expect.poll(async () => conditionOf(await realmOf(), 'Ready')?.message).toBe(ready?.message)
  })

  test('writes nothing while it does not lead, and has complete caches once it does', async () => {
    let leads = false
    const { client, cluster } = await anOperator(leadershipBy(() => leads))
    await declare(bare)
    await expect.poll(() => cluster.realm({ namespace: kube.namespace, name: 'main' })).toBeDefined()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(writesOf(client)).toBe(0)
    leads = true
    await expect.poll(() => get(resources.Deployment, 'main-0-connector')).toBeDefined()
  })
})

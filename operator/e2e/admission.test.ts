import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { runCommand } from '../../testing/parts/command.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { installManifest } from '../../tools/install-manifest.ts'
import { platform } from '../desired/realm.fixtures.ts'

const chart = fileURLToPath(new URL('../../helm/', import.meta.url))
const ACCOUNT = 'system:serviceaccount:operations:realms-realm-operator'
const patient = { timeout: 20_000, interval: 200 }

withPart('kube', 'admission policies in a real API server', (part) => {
  const kube = useOwnApiServer(part)
  const { declare, realmOf, runPods } = kube

  /** Creates the chart's objects of these kinds, and returns once the policies among them are in force. */
  async function install(kinds: RegExp, ...settings: string[]): Promise<void> {
    const options = ['image.repository=example.org/realm', ...settings].flatMap((setting) => ['--set', setting])
    const text = await runCommand(join(part, 'helm'), ['template', 'realms', chart, '--namespace', 'operations', ...options])
    const objects = text.split(/^---$/m).filter((object) => kinds.test(/^kind: (\w+)$/m.exec(object)?.[1] ?? ''))
    expect(objects.length).toBeGreaterThan(0)
    await apply(objects.join('---\n'))
  }

  async function apply(manifests: string): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'admission-'))
    try {
      await writeFile(join(folder, 'objects.yaml'), manifests)
      await kube.kubectl(`apply -f ${folder}/objects.yaml`)
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  const object = (resource: Resource, name: string, fields: object = {}, labels = {}): KubeObject => ({
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: { name, namespace: kube.namespace, labels },
    ...fields,
  })
  const refusalOf = (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => 'accepted',
      (error: Error) => error.message,
    )

  // Before any policy is in force, which would be about the pod of the chart's test as well.
  describe('the objects of the chart', () => {
    /** Kinds whose CRDs other projects install. */
    const foreign = /^kind: (PodMonitor|PrometheusRule|HTTPRoute)$/m

    async function dryRun(manifest: string): Promise<string[]> {
      const folder = await mkdtemp(join(tmpdir(), 'chart-'))
      try {
        const ours = manifest.split(/^---$/m).filter((each) => /^kind: /m.test(each) && !foreign.test(each))
        await writeFile(join(folder, 'objects.yaml'), ours.join('---\n'))
        const apply = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', join(folder, 'objects.yaml')]
        const said = await runCommand(join(part, 'kubectl'), ['--kubeconfig', kube.api.kubeconfig, ...apply])
        return said.trim().split('\n')
      } finally {
        await rm(folder, { recursive: true })
      }
    }

    beforeAll(async () => {
      for (const name of ['realm-operator', 'metaverse', 'lobby']) await kube.kubectl(`create namespace ${name}`)
      await apply('apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: gvisor }\nhandler: runsc\n')
    })

    test.each(readdirSync(join(chart, 'ci')))('have only fields and values that it knows, with ci/%s', async (set) => {
      const options = ['--namespace', 'realm-operator', '--values', join(chart, 'ci', set)]
      const said = await dryRun(await runCommand(join(part, 'helm'), ['template', 'realms', chart, ...options]))
      expect(said.length).toBeGreaterThan(10)
      expect(said.filter((line) => !line.endsWith('(server dry run)'))).toEqual([])
    })

    test('are in the manifest for clusters without Helm, with the namespace, and it takes them', async () => {
      const options = ['--set', 'image.repository=registry.example.org/realm-operator']
      const manifest = await installManifest(join(part, 'helm'), options)
      const kinds = (text: string) => [...text.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind)
      const place = ['--namespace', 'realm-operator', '--skip-tests']
      const release = await runCommand(join(part, 'helm'), ['template', 'realm-operator', chart, ...place, ...options])
      expect(kinds(manifest)).toEqual(['Namespace', ...kinds(release)])
      expect(manifest.endsWith(release)).toBe(true)
      const said = await dryRun(manifest)
      expect(said).toHaveLength(kinds(manifest).length)
      expect(said[0]).toBe('namespace/realm-operator serverside-applied (server dry run)')
    })
  })

  describe('a cluster that assigns user ids, as OpenShift does', () => {
    beforeEach(async () => {
      await apply(userIdPolicy)
      const root = object(resources.Pod, 'root', {
        spec: { securityContext: { runAsUser: 0 }, containers: [{ name: 'a', image: 'a' }] },
      })
      await expect.poll(() => refusalOf(kube.user.create(resources.Pod, root)), patient).toContain('outside of the range')
    })

    /** Creates a pod from every template of a realm, as the controllers of Kubernetes do; returns what the API server said to each. */
    async function podsOf(userIds: boolean): Promise<string[]> {
      const operator = await startOperator(kube.api, kube.namespace, undefined, { platform: { ...platform, userIds } })
      kube.stopAfterTest(operator.stop)
      const database = { type: 'External', secret: { name: 'postgres', key: 'url' } }
      await declare({ livekit: { type: 'Managed' }, gatekeeper: { database } })
      await operator.settled()
      const workloads = await Promise.all(
        (['Deployment', 'StatefulSet', 'Job'] as const).map(
          async (kind) =>
            (
              await kube.user.list<KubeObject & { spec: { template: V1PodTemplateSpec } }>(
                collectionPath(resources[kind], kube.namespace),
                {},
              )
            ).items,
        ),
      )
      const pods = workloads
        .flat()
        .map(({ metadata: { name }, spec: { template } }) => object(resources.Pod, `${name}-pod`, { spec: template.spec }))
      expect(pods).toHaveLength(7)
      return Promise.all(pods.map((pod) => refusalOf(kube.user.create(resources.Pod, pod))))
    }

    test('refuses pods with the ids of the operator, and takes them without', async () => {
      for (const answer of await podsOf(true)) expect(answer).toContain('outside of the range')
    })

    test('takes all pods of a realm where the operator leaves ids to it', async () => {
      expect(await podsOf(false)).toEqual(Array(7).fill('accepted'))
    })
  })

  describe('the policy of the chart about the operator', () => {
    let account: KubeClient
    beforeAll(async () => {
      account = kube.api.client({ headers: async () => ({ 'impersonate-user': ACCOUNT }) })
      await kube.kubectl('create namespace operations')
      await install(
        /^(ValidatingAdmissionPolicy(Binding)?|ClusterRole(Binding)?)$/,
        'admissionPolicy.operator=true',
        'rbac.aggregate=false',
      )
    })
    beforeEach(async () => {
      const foreign = object(resources.Service, 'foreign', { spec: { ports: [{ port: 80 }] } })
      await expect
        .poll(() => refusalOf(account.create(resources.Service, foreign)), patient)
        .toContain('only objects that it manages')
    })
    const ours = { 'app.kubernetes.io/managed-by': 'realm-operator' }
    const aDeployment = (spec: object, container: object = {}) =>
      object(
        resources.Deployment,
        'evil',
        {
          spec: {
            selector: { matchLabels: { app: 'evil' } },
            template: {
              metadata: { labels: { app: 'evil' } },
              spec: {
                serviceAccountName: 'main-realm',
                automountServiceAccountToken: false,
                containers: [{ name: 'a', image: 'a', ...container }],
                ...spec,
              },
            },
          },
        },
        ours,
      )

    test('lets it bring a realm to life, restore it, and remove it', async () => {
      const operator = await startOperator(kube.api, kube.namespace, undefined, { client: account })
      kube.stopAfterTest(operator.stop)
      await declare({
        livekit: { type: 'Managed' },
        exposure: { type: 'Ingress', host: 'a.example.org' },
        networkPolicy: { type: 'Strict' },
        gatekeeper: { database: { type: 'Embedded', storage: { size: '1Gi' } } },
      })
      await operator.settled()
      await runPods()
      await operator.settled()
      expect(conditionOf(await realmOf(), 'Ready')).toMatchObject({ status: 'True' })
      await kube.kubectl('label service main-stats app.kubernetes.io/managed-by-')
      await operator.settled()
      expect(await kube.kubectl('get service main-stats -o jsonpath={.metadata.labels}')).toContain('realm-operator')
      await declare({ livekit: { type: 'Managed' }, exposure: { type: 'Ingress', host: 'a.example.org' } })
      await operator.settled()
      expect(await kube.kubectl('get networkpolicies -o name')).toBe('networkpolicy.networking.k8s.io/main-nats')
    })

    test.each([
      ['the network of the node', { hostNetwork: true }, {}, /network, the processes or the files of its node/],
      ['the processes of the node', { hostPID: true }, {}, /network, the processes or the files of its node/],
      ['files of the node', { volumes: [{ name: 'a', hostPath: { path: '/' } }] }, {}, /network, the processes or the files/],
      ['a privileged container', {}, { securityContext: { privileged: true } }, /no privileged pod/],
      ['capabilities', {}, { securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }, /no privileged pod/],
      ['another ServiceAccount', { serviceAccountName: 'admin' }, {}, /another ServiceAccount/],
      ['a token', { automountServiceAccountToken: true }, {}, /nor with a token/],
    ])('refuses it a pod with %s', async (_, spec, container, says) => {
      expect(await refusalOf(account.create(resources.Deployment, aDeployment(spec, container)))).toMatch(says)
    })

    test('takes a harmless pod, so that the refusals are about their one difference', async () => {
      expect(await refusalOf(account.create(resources.Deployment, aDeployment({})))).toBe('accepted')
    })

    test('refuses it to change, adopt or delete what is not of a realm, and to change pods but for their annotations', async () => {
      await kube.user.create(resources.Service, object(resources.Service, 'shop', { spec: { ports: [{ port: 80 }] } }))
      const adopted = object(resources.Service, 'shop', {}, ours)
      const manager = { fieldManager: 'realm-operator', force: true }
      expect(await refusalOf(account.apply(resources.Service, adopted, manager))).toContain('only objects that it manages')
      expect(await refusalOf(account.remove(resources.Service, { namespace: kube.namespace, name: 'shop' }))).toContain(
        'only objects',
      )
      const pod = object(resources.Pod, 'main-0', { spec: { containers: [{ name: 'a', image: 'a' }] } }, ours)
      await kube.user.create(resources.Pod, pod)
      const patched = (fields: object, metadata: object = {}) =>
        refusalOf(
          account.apply(resources.Pod, { ...pod, metadata: { ...pod.metadata, ...metadata }, ...fields } as KubeObject, manager),
        )
      expect(await patched({ spec: {} }, { annotations: { cost: '1' } })).toBe('accepted')
      expect(await patched({ spec: { containers: [{ name: 'a', image: 'b' }] } })).toContain(
        'nothing of a pod but its annotations',
      )
      expect(await patched({ spec: {} }, { labels: { ...ours, app: 'stolen' } })).toContain(
        'nothing of a pod but its annotations',
      )
    })
  })

  describe('the policy of the chart about Realms', () => {
    beforeAll(async () => {
      await install(
        /^ValidatingAdmissionPolicy(Binding)?$/,
        'admissionPolicy.realms.enabled=true',
        'admissionPolicy.realms.hosts={*.realms.example.org,town.example.org}',
        'admissionPolicy.realms.ingressAnnotations={cert-manager.io/*}',
        'admissionPolicy.realms.serviceTypes={NodePort}',
        'admissionPolicy.realms.podAnnotations={team}',
        'admissionPolicy.realms.priorityClasses={players}',
      )
    })
    const answer = (spec: object, name = 'main') =>
      refusalOf(kube.user.create(realmResource, object(realmResource, name, { spec: { livekit: { type: 'None' }, ...spec } })))
    const ingress = (host: string, annotations?: Record<string, string>) => ({
      exposure: { type: 'Ingress', host, ...(annotations && { annotations }) },
    })
    /** With a LiveKit whose media players outside reach. */
    const nodePort = { type: 'NodePort', addresses: { ipv4: '192.0.2.7' }, udpPort: 30_782 }
    const media = (service: object) => ({ ...ingress('town.example.org'), livekit: { type: 'Managed', service } })
    beforeEach(() => expect.poll(() => answer(ingress('other.example.org'), 'probe'), patient).toContain('is not one of those'))

    test('takes what it allows', async () => {
      expect(await answer({})).toBe('accepted')
      expect(
        await answer(
          {
            ...ingress('a.realms.example.org', { 'cert-manager.io/cluster-issuer': 'le' }),
            gatekeeper: { hosts: ['town.example.org'] },
          },
          'a',
        ),
      ).toBe('accepted')
      expect(
        await answer({ ...ingress('town.example.org'), pods: { annotations: { team: 'a' }, priorityClassName: 'players' } }, 'b'),
      ).toBe('accepted')
      expect(await answer(media(nodePort), 'c')).toBe('accepted')
    })

    test.each([
      ['a host of another domain', ingress('evilrealms.example.org'), /the host evilrealms.example.org is not/],
      [
        'a further host of a gatekeeper of another domain',
        { ...ingress('town.example.org'), gatekeeper: { hosts: ['a.realms.example.org', 'bank.example.org'] } },
        /the host bank.example.org is not/,
      ],
      ['a snippet', ingress('town.example.org', { 'nginx.ingress.kubernetes.io/server-snippet': 'x' }), /exposure.annotations/],
      [
        'an annotation that only looks like an allowed one',
        ingress('town.example.org', { 'cert-manager.iox': 'x' }),
        /exposure.annotations/,
      ],
      [
        'an annotation of Services',
        { exposure: { type: 'None', serviceAnnotations: { 'external-dns.alpha.kubernetes.io/hostname': 'bank.example.org' } } },
        /exposure.serviceAnnotations/,
      ],
      ['a load balancer of a LiveKit', media({ type: 'LoadBalancer' }), /livekit.service has a type/],
      [
        'a load balancer for players',
        { exposure: { type: 'LoadBalancer', host: 'town.example.org' } },
        /exposure.type is LoadBalancer/,
      ],
      [
        'an annotation of its Service',
        media({ ...nodePort, annotations: { 'metallb.io/address-pool': 'bank' } }),
        /livekit.service.annotations/,
      ],
      ['an annotation of pods', { pods: { annotations: { 'iam.amazonaws.com/role': 'admin' } } }, /annotation of pods/],
      ['one of the cells', { cells: { template: { pods: { annotations: { other: 'x' } } } } }, /annotation of pods/],
      ['one of the gatekeeper', { gatekeeper: { pods: { annotations: { other: 'x' } } } }, /annotation of pods/],
      ['a priority class', { pods: { priorityClassName: 'system-node-critical' } }, /priorityClassName/],
    ])('refuses %s', async (_, spec, says) => {
      expect(await answer(spec)).toMatch(says)
    })

    test('refuses a CommsCell what it refuses a Realm', async () => {
      const cell = {
        apiVersion: 'comms.decentraland.org/v1alpha1',
        kind: 'CommsCell',
        plural: 'commscells',
      }
      const spec = {
        realmRef: { name: 'main' },
        slot: 0,
        url: 'ws://a/cells/0',
        pods: { priorityClassName: 'system-node-critical' },
      }
      expect(await refusalOf(kube.user.create(cell, object(cell, 'main-9', { spec })))).toMatch(/priorityClassName/)
    })
  })
})

/** What the admission of OpenShift checks of user ids, for the profile restricted-v2. */
const userIdPolicy = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: user-ids }
spec:
  matchConstraints:
    resourceRules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods] }]
  variables:
    - name: ids
      expression: >-
        [object.spec.?securityContext.?runAsUser, object.spec.?securityContext.?runAsGroup, object.spec.?securityContext.?fsGroup]
        .filter(id, id.hasValue()).map(id, id.value()) +
        object.spec.containers.filter(container, has(container.securityContext) && has(container.securityContext.runAsUser))
        .map(container, container.securityContext.runAsUser)
  validations:
    - expression: variables.ids.all(id, id >= 1000630000 && id <= 1000639999)
      message: an id is outside of the range of the namespace
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: user-ids }
spec: { policyName: user-ids, validationActions: [Deny] }
`

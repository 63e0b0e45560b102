import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { V1Deployment, V1Ingress, V1PodSpec } from '@kubernetes/client-node'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { installCheckVariables } from '../operator/install-check/main.ts'
import { chart, named, type Rendered, renderChart, renderedObjects } from '../testing/chart.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { chartValues } from '../tools/generate-docs/chart-values.ts'
import { installManifest } from '../tools/install-manifest.ts'

/** A part of a JSON schema, as far as the tests look into it. */
interface Schema {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
}

const schema = parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Schema & { definitions: Record<string, Schema> }
const resolved = (part: Schema): Schema => (part.$ref ? (schema.definitions[part.$ref.split('/').at(-1) ?? ''] ?? {}) : part)
const accepts = new Ajv({ strict: false, allErrors: true }).compile(schema)
const defaults = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as object
const sets = readdirSync(join(chart, 'ci'))

describe('every value', () => {
  test('has a sentence that says what it is', () => {
    const values = chartValues()
    expect(values.length).toBeGreaterThan(100)
    expect(values.filter(({ about }) => !/^\S.{8,}[.:)]$/.test(about)).map(({ path }) => path)).toEqual([])
  })

  test('is in the schema, which has no other ones', () => {
    const inSchema = (part: Schema, path: string): string[] => {
      const { properties } = part
      if (part.$ref?.endsWith('/serviceAccount')) return inSchema(resolved(part), path)
      return properties
        ? Object.entries(properties).flatMap(([name, each]) => inSchema(each, path ? `${path}.${name}` : name))
        : [path]
    }
    const known = inSchema(schema, '').filter((path) => path !== 'global')
    expect(known.toSorted()).toEqual(
      chartValues()
        .map(({ path }) => path)
        .toSorted(),
    )
  })

  test('of the schema is of a closed form, but for objects of Kubernetes that the API server checks', () => {
    const open = new Set<string>()
    const visit = (part: Schema, path: string) => {
      if (part.type === 'object' && part.additionalProperties === undefined) open.add(path)
      for (const [name, each] of Object.entries(part.properties ?? {})) visit(each, `${path}.${name}`)
      if (part.items) visit(part.items, `${path}[]`)
      if (typeof part.additionalProperties === 'object') visit(part.additionalProperties, `${path}{}`)
    }
    visit(schema, '')
    for (const [name, part] of Object.entries(schema.definitions)) visit(part, name)
    expect([...open].toSorted()).toEqual([
      '.global',
      '.networkPolicy.egress[].to[]',
      '.provider.autoscaling.metrics[]',
      '.provider.httpRoute.filters[]',
      '.provider.ingress.extraPaths[].backend',
      'behavior.scaleDown',
      'behavior.scaleUp',
      'containers[]',
      'env[].valueFrom.configMapKeyRef',
      'env[].valueFrom.fieldRef',
      'env[].valueFrom.resourceFieldRef',
      'env[].valueFrom.secretKeyRef',
      'terms[]',
      'topologySpreadConstraints[].labelSelector',
      'volumes[]',
    ])
  })

  test.each([
    [{ operator: { resources: { limits: { memory: 'lots' } } } }, 'memory'],
    [{ operator: { tolerations: [{ efect: 'NoSchedule' }] } }, 'tolerations/0'],
    [{ operator: { podSecurityContext: { runAsUsr: 1 } } }, 'podSecurityContext'],
    [{ operator: { extraVolumes: [{ name: 'a' }] } }, 'extraVolumes/0'],
    [{ commonLabels: { team: 'a b' } }, 'commonLabels/team'],
    [{ provider: { ingress: { enabled: true } } }, 'ingress/hosts'],
    [{ provider: { ingress: { hosts: [{ host: 'https://a.example.org' }] } } }, 'hosts/0/host'],
    [{ provider: { httpRoute: { enabled: true } } }, 'httpRoute/parentRefs'],
    [{ provider: { service: { type: 'ExternalName' } } }, 'service/type'],
    [{ imageRegistry: 'mirror' }, 'imageRegistry'],
    [{ fullnameOverride: 'Realms' }, 'fullnameOverride'],
    [{ movement: { strategy: { type: 'Recreate' } } }, 'movement'],
  ])('that is wrong is refused: %j', (given, path) => {
    expect([accepts(defaults), accepts.errors]).toEqual([true, null])
    expect(accepts(overlaid(defaults, given))).toBe(false)
    expect(accepts.errors?.map(({ instancePath }) => instancePath).join()).toContain(path)
  })

  test('of one component is there for the others, unless it is about what only that one does', () => {
    const ofPods = (component: string) => Object.keys(resolved(schema.properties?.[component] ?? {}).properties ?? {})
    const common = ofPods('operator').filter((name) => !['replicas', 'workers', 'checkDependencies'].includes(name))
    expect(common).toHaveLength(23)
    expect(common.filter((name) => !ofPods('provider').includes(name))).toEqual([])
    expect(common.filter((name) => !ofPods('movement').includes(name))).toEqual(['strategy'])
  })
})

/** Values of the user over those of the chart, as Helm lays them. */
const overlaid = (below: object, above: object): object =>
  Object.fromEntries(
    Object.entries({ ...below, ...above }).map(([name, value]) => {
      const under = (below as Record<string, unknown>)[name]
      const isMap = (each: unknown): each is object => typeof each === 'object' && each !== null && !Array.isArray(each)
      return [name, isMap(value) && isMap(under) && value !== under ? overlaid(under, value) : value]
    }),
  )

withPart('kube', 'the chart with the values of platform teams', (kube) => {
  const helm = (...args: string[]) => runCommand(join(kube, 'helm'), args)
  const rendered = new Map<string, Promise<Rendered[]>>()
  const withSet = (set: string): Promise<Rendered[]> => {
    const options = ['--namespace', 'operations', '--values', join(chart, 'ci', set)]
    const objects = rendered.get(set) ?? helm('template', 'realms', chart, ...options).then(renderedObjects)
    rendered.set(set, objects)
    return objects
  }
  const podOf = (objects: readonly Rendered[], name: string) =>
    (named(objects, 'Deployment', name).spec as V1Deployment['spec'])?.template

  // In npm and in the image, for clusters without Helm: vitest -u writes it.
  test('is what realmctl install applies', async () => {
    const settings = ['--set', 'image.repository=registry.invalid/realm-operator', '--set', 'crds.install=false']
    await expect(await installManifest(join(kube, 'helm'), settings)).toMatchFileSnapshot('../cli/install/install.yaml')
  })

  test('renders what it rendered before, when no values are set', async () => {
    const text = await helm(
      ...['template', 'realm-operator', chart, '--namespace', 'realm-operator'],
      ...['--set', 'image.repository=registry.example.org/realm-operator', '--set', 'crds.install=false'],
    )
    await expect(text).toMatchFileSnapshot('golden/chart.rendered')
  })

  test('passes helm lint with each set of values', async () => {
    const lint = (set: string) => helm('lint', '--strict', chart, '--values', join(chart, 'ci', set))
    for (const said of await Promise.all(sets.map(lint))) expect(said).toContain('0 chart(s) failed')
  })

  describe('sets on the pods', () => {
    test.each(['realms', 'realms-provider'])('of %s everything that the values say', async (name) => {
      const objects = await withSet('platform-values.yaml')
      const { operator: wanted } = parse(readFileSync(join(chart, 'ci/platform-values.yaml'), 'utf8')) as {
        operator: V1PodSpec & Record<string, unknown>
      }
      const pod = podOf(objects, name)
      expect(pod?.metadata).toMatchObject({ annotations: wanted.podAnnotations, labels: { ...(wanted.podLabels as object) } })
      expect(named(objects, 'Deployment', name).metadata.annotations).toEqual(wanted.deploymentAnnotations)
      for (const field of ['nodeSelector', 'tolerations', 'affinity', 'priorityClassName', 'runtimeClassName'] as const)
        expect(pod?.spec?.[field]).toEqual(wanted[field])
      for (const field of ['dnsPolicy', 'dnsConfig', 'hostAliases', 'initContainers'] as const)
        expect(pod?.spec?.[field]).toEqual(wanted[field])
      const [main, ...others] = pod?.spec?.containers ?? []
      expect(others).toEqual(wanted.extraContainers)
      expect(main?.env).toEqual(expect.arrayContaining(wanted.extraEnv as unknown[]))
      expect(main?.volumeMounts).toEqual(expect.arrayContaining(wanted.extraVolumeMounts as unknown[]))
      expect(main).toMatchObject({ resources: wanted.resources, securityContext: { readOnlyRootFilesystem: true } })
      expect(main?.securityContext).toMatchObject(wanted.securityContext as object)
      expect(pod?.spec?.volumes).toEqual(expect.arrayContaining(wanted.extraVolumes as unknown[]))
      expect(pod?.spec?.securityContext).toMatchObject({ runAsUser: 65_532, ...(wanted.podSecurityContext as object) })
      expect(pod?.spec?.topologySpreadConstraints).toMatchObject(wanted.topologySpreadConstraints ?? [])
      expect(pod?.metadata?.labels).toMatchObject(pod?.spec?.topologySpreadConstraints?.[0]?.labelSelector?.matchLabels ?? {})
      expect(named(objects, 'Deployment', name).spec).toMatchObject({ revisionHistoryLimit: wanted.revisionHistoryLimit })
    })

    test('the images of a mirror, also those of Realms', async () => {
      const objects = await withSet('platform-values.yaml')
      const env = podOf(objects, 'realms')?.spec?.containers[0]?.env ?? []
      const images = env.filter(({ name }) => name.endsWith('_IMAGE') || name === 'IMAGE_REPOSITORY').map(({ value }) => value)
      expect(images).toHaveLength(4)
      for (const image of [...images, podOf(objects, 'realms-provider')?.spec?.containers[0]?.image])
        expect(image).toMatch(
          /^mirror\.example\.org:5000\/proxy\/(realm-operator|library\/nats|livekit\/livekit-server|nginxinc\/nginx-unprivileged)/,
        )
    })

    test('no field that the values remove, and no uid where the cluster assigns them', async () => {
      const objects = await withSet('openshift-values.yaml')
      expect(podOf(objects, 'realms-realm-operator')?.spec?.securityContext).toEqual({ runAsNonRoot: true })
      expect(named(objects, 'Deployment', 'realms-realm-operator-provider').spec).toMatchObject({
        strategy: { type: 'Recreate' },
      })
    })
  })

  test('puts the labels of the values on every object, and leaves its own as they are', async () => {
    const objects = await withSet('platform-values.yaml')
    expect(objects.length).toBeGreaterThan(15)
    for (const { kind, metadata } of objects)
      expect([kind, metadata.labels]).toEqual([kind, expect.objectContaining({ 'cost-centre': '4711', team: 'metaverse' })])
    const [realm] = await renderChart(kube, ['commonLabels.app\\.kubernetes\\.io/name=mine'])
    expect(realm?.metadata.labels?.['app.kubernetes.io/name']).not.toBe('mine')
    for (const { kind, metadata } of objects.filter((object) => object.kind !== 'CustomResourceDefinition'))
      expect([kind, metadata.name]).toEqual([kind, expect.stringMatching(/^(operations-)?realms/)])
  })

  test('has a test that may make one realm in the place where Realms are watched, and leaves nothing behind', async () => {
    const objects = await withSet('tenants-values.yaml')
    const name = 'realms-realm-operator-test'
    const hooks = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test')
    expect(hooks.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace]).toSorted()).toEqual([
      ['Pod', name, 'operations'],
      ['Role', name, 'metaverse'],
      ['RoleBinding', name, 'metaverse'],
      ['ServiceAccount', name, 'operations'],
    ])
    for (const { metadata } of hooks)
      expect(metadata.annotations?.['helm.sh/hook-delete-policy']).toBe('before-hook-creation,hook-succeeded')
    const pod = named(objects, 'Pod', name)
    const [container] = (pod.spec as V1PodSpec).containers
    const env = Object.fromEntries((container?.env ?? []).map((each) => [each.name, each.value]))
    expect(installCheckVariables.parse(env)).toEqual({
      PROVIDER_URL: 'http://realms-realm-operator-provider.operations.svc.cluster.local',
      CHECK_NAMESPACE: 'metaverse',
      CHECK_SECONDS: 180,
    })
    expect(container?.command?.at(-1)).toBe('/app/dist/operator/install-check.js')
    expect((pod.spec as V1PodSpec).serviceAccountName).toBe(name)
    // It is no pod of the operator: no disruption budget and no policy of that selects it.
    expect(pod.metadata.labels?.['app.kubernetes.io/name']).toBe('test')
    const role = named(objects, 'Role', name)
    expect(role.rules?.flatMap(({ verbs }) => verbs)).toEqual(['create', 'get', 'delete'])
  })

  test('binds its permissions to a ServiceAccount that exists, and creates none then', async () => {
    const objects = await withSet('openshift-values.yaml')
    const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name)
    expect(accounts).toEqual(['realms-realm-operator-test'])
    expect(podOf(objects, 'realms-realm-operator')?.spec?.serviceAccountName).toBe('realms')
    const bound = objects
      .filter(({ kind }) => kind.endsWith('RoleBinding'))
      .map((binding) => (binding as { subjects?: { name: string }[] }).subjects?.[0]?.name)
    expect(bound.toSorted()).toEqual(['realms', 'realms', 'realms-provider', 'realms-realm-operator-test'])
    const policy = named(objects, 'ValidatingAdmissionPolicy', 'operations-realms-realm-operator-writes')
    expect(JSON.stringify(policy.spec)).toContain("'system:serviceaccount:operations:realms'")
  })

  test('makes the realm provider reachable in every way, at several hosts, and lets an autoscaler count its replicas', async () => {
    const objects = await withSet('public-values.yaml')
    const name = 'realms'
    const provider = `${name}-provider`
    const ingress = named(objects, 'Ingress', provider).spec as V1Ingress['spec']
    expect(ingress?.rules?.map(({ host, http }) => [host, http?.paths.length])).toEqual([
      ['realms.example.org', 2],
      ['*.example.net', 2],
      ['plain.example.org', 2],
    ])
    expect(ingress?.tls).toEqual([
      { hosts: ['realms.example.org'], secretName: 'realms-tls' },
      { hosts: ['*.example.net'], secretName: 'net-tls' },
    ])
    expect(named(objects, 'HTTPRoute', provider).spec).toMatchObject({
      hostnames: ['realms.example.org', 'realms.example.net'],
      rules: [{ backendRefs: [{ name: provider, port: 80 }], filters: [{ type: 'ResponseHeaderModifier' }] }],
    })
    expect(named(objects, 'Service', provider).spec).toMatchObject({
      type: 'LoadBalancer',
      loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8::/32'],
      ports: [{ port: 80, targetPort: 'http', nodePort: 30_080 }],
    })
    expect(named(objects, 'HorizontalPodAutoscaler', provider).spec).toMatchObject({
      scaleTargetRef: { kind: 'Deployment', name: provider },
      minReplicas: 3,
      metrics: [{ resource: { name: 'cpu', target: { averageUtilization: 75 } } }],
    })
    expect(named(objects, 'Deployment', provider).spec).not.toHaveProperty('replicas')
    expect(named(objects, 'ConfigMap', 'realms-note')).toMatchObject({ data: { domain: 'cluster.local' } })
    expect(named(objects, 'ConfigMap', `${name}-text`)).toBeDefined()
  })

  test.each([
    ['operator.extraEnv[0].name=LEASE_NAME', 'LEASE_NAME is there twice, or is set by other values'],
    ['env[0].name=A,provider.extraEnv[0].name=A', 'A is there twice'],
    ['operator.serviceAccount.create=false', 'serviceAccount'],
  ])('refuses --set %s', async (setting, reason) => {
    await expect(renderChart(kube, [setting])).rejects.toThrow(reason)
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { V1Deployment, V1PodTemplateSpec, V1PolicyRule } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { resources } from '../cells/kube/resources.ts'
import { readConfig as readProviderConfig } from '../cells/realm-provider/config.ts'
import type { Realm } from '../crds/realm.ts'
import { crdFiles, readCrd, readCrdText } from '../crds/schema.ts'
import { createValidator } from '../crds/validate.ts'
import { readConfig as readOperatorConfig } from '../operator/config.ts'
import { cellObjects, generatedSecrets, realmObjects } from '../operator/desired/manifests/objects.ts'
import { planCell, planRealm } from '../operator/desired/plan.ts'
import { aCell, aRealm, platform, site } from '../operator/desired/realm.fixtures.ts'
import { clusterSite } from '../operator/desired/site.ts'
import { chart, named, type Rendered, renderChart } from '../testing/chart.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'

test('the chart holds the CRDs as they are in crds/', () => {
  expect(readdirSync(join(chart, 'files/crds')).sort()).toEqual([...crdFiles].sort())
  for (const file of crdFiles) {
    expect(readFileSync(join(chart, 'files/crds', file), 'utf8'), `run 'npx node tools/chart-sync.ts'`).toBe(readCrdText(file))
  }
})

test('the version of the chart is that of the package, and of the cells a realm gets by default', () => {
  const { version, appVersion } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))
  const { version: ours } = JSON.parse(readFileSync(join(chart, '../package.json'), 'utf8'))
  const spec = readCrd('realm.crd.yaml').spec.versions[0]?.schema.openAPIV3Schema.properties?.spec
  expect([version, appVersion, spec?.properties?.version?.default]).toEqual([ours, ours, ours])
})

test('the realm that the notes propose is one the API server accepts', () => {
  const notes = readFileSync(join(chart, 'templates/NOTES.txt'), 'utf8')
  const [, manifest = ''] = /<<END\n(.*?)\n\s*END\n/s.exec(notes) ?? []
  const proposed = parse(manifest.replace(/^ {2}/gm, ''))
  const object = { ...proposed, metadata: { ...proposed.metadata, namespace: 'default' } }
  expect(createValidator<Realm>(readCrd('realm.crd.yaml'))(object)).toMatchObject({ ok: true })
})

withPart('kube', 'the chart', (kube) => {
  const helm = (...args: string[]) => runCommand(join(kube, 'helm'), args)

  const render = (...settings: string[]) => renderChart(kube, settings)

  const rulesOf = (objects: Rendered[]): V1PolicyRule[] =>
    named(objects, 'ClusterRole', 'operations-realms-realm-operator').rules ?? []

  const mayDo = (rules: V1PolicyRule[], group: string, resource: string): string[] =>
    rules
      .filter(({ apiGroups = [], resources: held = [] }) => apiGroups.includes(group) && held.includes(resource))
      .flatMap(({ verbs }) => verbs)
      .sort()

  test('passes helm lint', async () => {
    expect(await helm('lint', '--strict', chart, '--set', 'image.repository=registry.example.org/realm-operator')).toContain(
      '1 chart(s) linted, 0 chart(s) failed',
    )
  })

  test('installs the CRDs, upgrades them, and keeps them when it is uninstalled', async () => {
    const crds = (await render()).filter(({ kind }) => kind === 'CustomResourceDefinition')
    expect(crds.map(({ metadata }) => metadata.annotations)).toEqual(crds.map(() => ({ 'helm.sh/resource-policy': 'keep' })))
    const byName = (a: { metadata: { name: string } }, b: typeof a) => a.metadata.name.localeCompare(b.metadata.name)
    expect(crds.toSorted(byName).map(({ spec }) => spec)).toEqual(
      crdFiles
        .map(readCrd)
        .toSorted(byName)
        .map(({ spec }) => spec),
    )
    expect((await render('crds.install=false')).filter(({ kind }) => kind === 'CustomResourceDefinition')).toEqual([])
  })

  test('runs pods that pass the restricted Pod Security profile, on a read-only file system', async () => {
    const pods = (await render('movement.enabled=true'))
      .filter(({ kind }) => kind === 'Deployment')
      .map(({ spec }) => (spec as V1Deployment['spec'])?.template.spec)
    expect(pods).toHaveLength(3)
    for (const pod of pods) {
      expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      expect(pod?.containers.map((container) => container.terminationMessagePolicy)).toEqual(['FallbackToLogsOnError'])
      expect(pod?.containers.map(({ securityContext }) => securityContext)).toEqual([
        { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      ])
    }
  })

  describe('gives the operator permissions', () => {
    test('to create, change and delete every kind of object of a realm', async () => {
      const rules = rulesOf(await render())
      const atGateway = { type: 'Gateway', host: 'b.example.org', gateway: { name: 'edge' } } as const
      const realms = [
        aRealm({ livekit: { type: 'Managed' }, exposure: { type: 'Ingress', host: 'a.example.org' } }),
        aRealm({ exposure: atGateway }),
      ]
      const made = realms.flatMap((realm) => [
        ...realmObjects(realm, planRealm(realm, { cells: [], services: [] }, site), platform),
        ...cellObjects(aCell(realm), planCell(aCell(realm)), platform),
      ])
      const ours = [{ apiVersion: 'comms.decentraland.org/v1alpha1', kind: 'CommsCell', plural: 'commscells' }]
      const known = [...Object.values(resources), ...ours]
      for (const kind of new Set(made.map((object) => object.kind))) {
        const { apiVersion = '', plural = '' } = known.find((each) => each.kind === kind) ?? {}
        const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
        expect([kind, ...mayDo(rules, group, plural)]).toEqual([kind, 'create', 'delete', 'get', 'list', 'patch', 'watch'])
      }
    })

    test('to read what routes belong to, in an installation for some namespaces without the kinds of the whole cluster', async () => {
      const ofRoutes = (rules: V1PolicyRule[]) =>
        [
          ['networking.k8s.io', 'ingressclasses'],
          ['gateway.networking.k8s.io', 'gateways'],
        ].map(([group = '', resource = '']) => mayDo(rules, group, resource))
      expect(ofRoutes(rulesOf(await render()))).toEqual([
        ['list', 'watch'],
        ['list', 'watch'],
      ])
      const narrow = named(await render('watchNamespaces={metaverse}'), 'Role', 'realms-realm-operator').rules ?? []
      expect(ofRoutes(narrow)).toEqual([[], ['list', 'watch']])
    })

    test('to create Secrets and not to read them', async () => {
      expect(generatedSecrets(aRealm())).not.toEqual([])
      expect(mayDo(rulesOf(await render()), '', 'secrets')).toEqual(['create'])
    })

    test('to create claims and not to delete them, because they have data', async () => {
      expect(mayDo(rulesOf(await render()), '', 'persistentvolumeclaims')).toEqual(['create', 'get', 'list', 'patch', 'watch'])
    })

    test('to read pods and to annotate them, and no other permission on them', async () => {
      expect(mayDo(rulesOf(await render()), '', 'pods')).toEqual(['list', 'patch', 'watch'])
    })

    test('that name every group, resource and verb', async () => {
      const all = (await render()).flatMap(({ rules = [] }) => rules)
      expect(all.flatMap(({ apiGroups = [], resources: held = [], verbs }) => [...apiGroups, ...held, ...verbs])).not.toContain(
        '*',
      )
    })

    test('in the watched namespace only, when there is one', async () => {
      const objects = await render('watchNamespaces={metaverse}', 'crds.install=false', 'rbac.aggregate=false')
      expect(objects.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([])
      expect(named(objects, 'Role', 'realms-realm-operator').metadata.namespace).toBe('metaverse')
      expect(named(objects, 'Role', 'realms-realm-operator-lease').metadata.namespace).toBe('metaverse')
    })
  })

  test('gives permissions in each of several watched namespaces', async () => {
    const objects = await render('watchNamespaces={east,west}', 'crds.install=false', 'rbac.aggregate=false')
    expect(objects.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([])
    for (const kind of ['Role', 'RoleBinding'])
      for (const name of ['realms-realm-operator', 'realms-realm-operator-provider']) {
        const found = objects.filter((object) => object.kind === kind && object.metadata.name === name)
        expect(found.map(({ metadata }) => metadata.namespace).sort(), `${kind} ${name}`).toEqual(['east', 'west'])
      }
    expect(named(objects, 'Role', 'realms-realm-operator-lease').metadata.namespace).toBe('east')
  })

  describe('passes its values on', () => {
    const environmentOf = ({ spec }: Rendered): NodeJS.ProcessEnv => {
      const [container] = (spec as V1Deployment['spec'])?.template.spec?.containers ?? []
      return Object.fromEntries(
        (container?.env ?? []).map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.fieldRef?.fieldPath]),
      )
    }

    test('to an operator that understands all of them', async () => {
      const objects = await render('image.repository=example.org/realm', 'logLevel=debug', 'watchNamespaces={metaverse}')
      const env = environmentOf(named(objects, 'Deployment', 'realms-realm-operator'))
      const config = readOperatorConfig(env)
      expect(Object.keys(env).filter((name) => !(name in config))).toEqual([])
      expect(config).toMatchObject({
        IMAGE_REPOSITORY: 'example.org/realm',
        LOG_LEVEL: 'debug',
        WATCH_NAMESPACES: ['metaverse'],
        PROVIDER_URL: 'http://realms-realm-operator-provider.operations.svc.cluster.local',
        LEASE_NAME: 'realms-realm-operator',
        LEASE_NAMESPACE: 'metaverse',
      })
    })

    test('to a realm provider that understands all of them', async () => {
      const objects = await render('provider.baseUrl=https://realms.example.org', 'watchNamespaces={metaverse}')
      const env = environmentOf(named(objects, 'Deployment', 'realms-realm-operator-provider'))
      const config = readProviderConfig(env)
      expect(Object.keys(env).filter((name) => !(name in config))).toEqual([])
      expect(config).toMatchObject({ HTTP_BASE_URL: 'https://realms.example.org', WATCH_NAMESPACES: ['metaverse'] })
    })

    test('to a realm provider that reads statistics from the Services that the operator creates, and no URL of a tenant', async () => {
      const realm = aRealm({ exposure: { type: 'Ingress', host: 'a.example.org' } })
      const env = environmentOf(
        named(await render('clusterDomain=example.internal'), 'Deployment', 'realms-realm-operator-provider'),
      )
      const { name, namespace } = realm.metadata
      const template = readProviderConfig(env).STATS_URL ?? ''
      expect(template.replace('{namespace}', namespace).replace('{name}', name)).toBe(
        clusterSite('example.internal', 'http://provider').statsUrl(realm),
      )
    })
  })

  test('mounts the tokens of publications where the operator and the provider read them, and grants no permission to read Secrets', async () => {
    const publications = ['publication.providers[0].url=https://far.example.org', 'publication.providers[0].tokenSecret.name=far']
    const objects = await render(
      ...publications,
      'publication.providers[0].tokenSecret.key=token',
      'provider.publications.tokenSecretName=near',
    )
    const podOf = (name: string) => (named(objects, 'Deployment', name).spec as V1Deployment['spec'])?.template.spec
    const variable = (name: string, of: string) => podOf(of)?.containers[0]?.env?.find((each) => each.name === name)?.value ?? ''
    const mounted = (of: string) =>
      podOf(of)?.containers[0]?.volumeMounts?.map(({ name, mountPath }) => [
        mountPath,
        podOf(of)?.volumes?.find((volume) => volume.name === name)?.secret,
      ])
    const [operator, provider] = ['realms-realm-operator', 'realms-realm-operator-provider'] as const
    expect(JSON.parse(variable('PUBLICATION_PROVIDERS', operator))).toEqual([
      { url: 'https://far.example.org', tokenFile: '/run/secrets/publication/0/token' },
    ])
    const secret = (secretName: string) => ({ secretName, defaultMode: 0o440, items: [{ key: 'token', path: 'token' }] })
    expect(mounted(operator)).toEqual([['/run/secrets/publication/0', secret('far')]])
    expect(mounted(provider)).toEqual([
      ['/run/secrets/publications', secret('near')],
      ['/run/secrets/replicas', secret(`${provider}-replicas`)],
    ])
    expect(variable('PUBLICATION_TOKEN_FILE', provider)).toBe('/run/secrets/publications/token')
    const peers = variable('PUBLICATION_PEERS', provider)
    expect(named(objects, 'Service', peers.replace(':8081', '')).spec).toMatchObject({ clusterIP: 'None' })
    const read = objects.flatMap(({ rules = [] }) => rules).filter(({ resources: held = [] }) => held.includes('secrets'))
    expect(read.flatMap(({ verbs }) => verbs)).toEqual(['create'])
    expect((await render()).some(({ kind, metadata }) => kind === 'Service' && metadata.name.endsWith('-peers'))).toBe(false)
  })

  describe('gives the realm provider', () => {
    const provider = 'realms-realm-operator-provider'
    const publishers = [
      'provider.publications.publishers.east.tokenSecret.name=east-token',
      'provider.publications.publishers.east.tokenSecret.key=key',
      'provider.publications.publishers.east.names={east-*,harbour}',
      'provider.publications.publishers.west.tokenSecret.name=west-token',
      'provider.publications.publishers.west.tokenSecret.key=token',
      'provider.publications.publishers.west.names={west-*}',
    ]
    const podOf = (objects: Rendered[], name = provider) =>
      (named(objects, 'Deployment', name).spec as V1Deployment['spec'])?.template.spec
    const variable = (objects: Rendered[], name: string) =>
      podOf(objects)?.containers[0]?.env?.find((each) => each.name === name)?.value ?? ''

    test('a token and names for each publisher', async () => {
      const objects = await render(...publishers)
      expect(JSON.parse(variable(objects, 'PUBLICATION_PUBLISHERS'))).toEqual([
        { name: 'east', tokenFile: '/run/secrets/publishers/east/token', names: ['east-*', 'harbour'] },
        { name: 'west', tokenFile: '/run/secrets/publishers/west/token', names: ['west-*'] },
      ])
      const volumes = podOf(objects)?.volumes ?? []
      expect(volumes.find(({ name }) => name === 'publishers')?.projected?.sources).toEqual([
        { secret: { name: 'east-token', items: [{ key: 'key', path: 'east/token' }] } },
        { secret: { name: 'west-token', items: [{ key: 'token', path: 'west/token' }] } },
      ])
      expect(variable(objects, 'PUBLICATION_TOKEN_FILE')).toBe('')
    })

    test('a secret of its replicas that no publisher has, made up unless one is named', async () => {
      const made = named(await render(...publishers), 'Secret', `${provider}-replicas`) as Rendered & { data: { token: string } }
      expect(Buffer.from(made.data.token, 'base64').toString()).toMatch(/^[A-Za-z0-9]{40}$/)
      const objects = await render(...publishers, 'provider.publications.replicaTokenSecretName=own')
      expect(objects.some(({ kind }) => kind === 'Secret')).toBe(false)
      expect(podOf(objects)?.volumes?.find(({ name }) => name === 'replicas')?.secret?.secretName).toBe('own')
      expect((await render()).some(({ kind }) => kind === 'Secret')).toBe(false)
    })

    test('a port for replicas, probes and metrics that its public Service and Ingress do not have', async () => {
      const monitored = [
        'monitoring.podMonitor.enabled=true',
        'provider.ingress.enabled=true',
        'provider.ingress.hosts[0].host=realms.example.org',
      ]
      const objects = await render(...publishers, ...monitored)
      const container = podOf(objects)?.containers[0]
      expect(container?.ports).toEqual([
        { name: 'http', containerPort: 8080 },
        { name: 'peer', containerPort: 8081 },
      ])
      expect(variable(objects, 'PEER_SERVER_PORT')).toBe('8081')
      for (const probe of [container?.startupProbe, container?.livenessProbe, container?.readinessProbe])
        expect(probe?.httpGet?.port).toBe('peer')
      const operator = 'realms-realm-operator'
      expect(podOf(objects, operator)?.containers[0]?.readinessProbe?.httpGet?.port).toBe('http')
      expect(named(objects, 'PodMonitor', provider).spec).toMatchObject({ podMetricsEndpoints: [{ port: 'peer' }] })
      expect(named(objects, 'PodMonitor', operator).spec).toMatchObject({ podMetricsEndpoints: [{ port: 'http' }] })
      expect(named(objects, 'Service', provider).spec).toMatchObject({ ports: [{ targetPort: 'http' }] })
      expect(JSON.stringify(named(objects, 'Ingress', provider).spec)).not.toContain('peer')
    })
  })

  test('leaves user and group ids to the cluster when it is asked to, and makes mounted tokens readable all the same', async () => {
    const objects = await render('podSecurity.userIds=false', 'provider.publications.tokenSecretName=near')
    const operator = named(objects, 'Deployment', 'realms-realm-operator').spec as V1Deployment['spec']
    const provider = named(objects, 'Deployment', 'realms-realm-operator-provider').spec as V1Deployment['spec']
    for (const pod of [operator?.template.spec, provider?.template.spec])
      expect(pod?.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(provider?.template.spec?.volumes?.map(({ secret }) => secret?.defaultMode)).toEqual([0o444, 0o444])
    expect(operator?.template.spec?.containers[0]?.env).toContainEqual({ name: 'POD_USER_IDS', value: 'false' })
  })

  test('gives both components variables and authorities of the user, and lets none replace its own', async () => {
    const objects = await render(
      'env[0].name=HTTPS_PROXY,env[0].value=http://proxy:3128',
      'env[1].name=NO_PROXY,env[1].valueFrom.configMapKeyRef.name=proxy,env[1].valueFrom.configMapKeyRef.key=none',
      'caCertificates.configMapName=authorities',
    )
    for (const name of ['realms-realm-operator', 'realms-realm-operator-provider']) {
      const pod = (named(objects, 'Deployment', name).spec as V1Deployment['spec'])?.template.spec
      expect(pod?.containers[0]?.env?.slice(0, 4)).toEqual([
        { name: 'HTTPS_PROXY', value: 'http://proxy:3128' },
        { name: 'NO_PROXY', valueFrom: { configMapKeyRef: { name: 'proxy', key: 'none' } } },
        { name: 'NODE_EXTRA_CA_CERTS', value: '/run/ca-certificates/ca.crt' },
        { name: 'LOG_LEVEL', value: 'info' },
      ])
      expect(pod?.containers[0]?.volumeMounts).toEqual([
        { name: 'ca-certificates', mountPath: '/run/ca-certificates', readOnly: true },
      ])
      expect(pod?.volumes).toMatchObject([{ configMap: { name: 'authorities', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }])
    }
  })

  test('names every image with its registry, and by its digest where there is one', async () => {
    const digest = `sha256:${'a'.repeat(64)}`
    const imagesOf = async (...settings: string[]) => {
      const objects = await render('image.repository=registry:5000/realm', ...settings)
      const operator = named(objects, 'Deployment', 'realms-realm-operator')
      const env = (operator.spec as V1Deployment['spec'])?.template.spec?.containers[0]?.env ?? []
      const value = (name: string) => env.find((each) => each.name === name)?.value ?? ''
      const on = {
        ...platform,
        imageRepository: value('IMAGE_REPOSITORY'),
        natsImage: value('NATS_IMAGE'),
        livekitImage: value('LIVEKIT_IMAGE'),
        proxyImage: value('PROXY_IMAGE'),
      }
      const realm = aRealm({
        livekit: { type: 'Managed' },
        gatekeeper: { database: { type: 'External', secret: { name: 'a', key: 'b' } } },
      })
      const made = [
        ...realmObjects(realm, planRealm(realm, { cells: [], services: [] }, site), on),
        ...cellObjects(aCell(realm), planCell(aCell(realm)), on),
      ]
      return [...objects, ...made].flatMap((object) => {
        const { template } = ((object as Rendered).spec ?? {}) as { template?: V1PodTemplateSpec }
        return template?.spec?.containers.map(({ image = '' }) => image) ?? []
      })
    }
    const images = await imagesOf(`image.digest=${digest}`, `managed.nats=docker.io/library/nats@${digest}`)
    expect(images).toHaveLength(9)
    for (const image of [...images, ...(await imagesOf())])
      expect(image).toMatch(/^(docker\.io|registry:5000)\/[^:]+(:|@sha256:)/)
    expect(images.filter((image) => image === `registry:5000/realm:0.1.0@${digest}`)).toHaveLength(2)
    expect(images).toContain(`docker.io/library/nats@${digest}`)
  })

  test('creates PodMonitors with the labels a Prometheus selects by, for its own pods and those of the watched Realms', async () => {
    const settings = ['enabled=true', 'labels.release=kps', 'interval=15s'].map((each) => `monitoring.podMonitor.${each}`)
    const monitorsOf = async (...more: string[]) =>
      (await render(...settings, ...more)).filter(({ kind }) => kind === 'PodMonitor')
    const monitors = await monitorsOf()
    expect(monitors.map(({ metadata }) => metadata.name).sort()).toEqual([
      'realms-realm-operator',
      'realms-realm-operator-provider',
      'realms-realm-operator-realms',
    ])
    for (const { metadata, spec } of monitors) {
      expect(metadata).toMatchObject({ labels: { release: 'kps' } })
      expect(spec).toMatchObject({ podMetricsEndpoints: [{ path: '/metrics', interval: '15s' }] })
    }
    const ofRealms = named(monitors, 'PodMonitor', 'realms-realm-operator-realms').spec as {
      selector: { matchLabels: Record<string, string>; matchExpressions: { key: string; values: string[] }[] }
      podMetricsEndpoints: { port: string }[]
    }
    expect(ofRealms).toMatchObject({ namespaceSelector: { any: true } })
    const [watched] = (await monitorsOf('watchNamespaces={metaverse}')).slice(-1)
    expect(watched?.spec).toMatchObject({ namespaceSelector: { matchNames: ['metaverse'] } })
    // It selects the pods as the operator renders them: all that serve metrics, by the name of their port.
    const { selector, podMetricsEndpoints } = ofRealms
    const realm = aRealm({ livekit: { type: 'Managed' } })
    const templates = [
      ...realmObjects(realm, planRealm(realm, { cells: [], services: [] }, site), platform),
      ...cellObjects(aCell(realm), planCell(aCell(realm)), platform),
    ].flatMap((object) => (object as { spec?: { template?: V1PodTemplateSpec } }).spec?.template ?? [])
    const selected = templates.filter(
      ({ metadata }) =>
        Object.entries(selector.matchLabels).every(([key, value]) => metadata?.labels?.[key] === value) &&
        selector.matchExpressions.every(({ key, values }) => values.includes(metadata?.labels?.[key] ?? '')),
    )
    expect(selected.map(({ metadata }) => metadata?.labels?.['app.kubernetes.io/component']).sort()).toEqual([
      'archipelago',
      'connector',
      'gatekeeper',
      'stats',
    ])
    for (const { spec } of selected)
      expect(spec?.containers[0]?.ports?.map(({ name }) => name)).toContain(podMetricsEndpoints[0]?.port)
  })

  describe('closes its pods to connections they do not need, where it is asked to', () => {
    type Policy = {
      ingress: { from?: unknown[]; ports: { port: number }[] }[]
      egress: { to?: unknown[]; ports: { port: number }[] }[]
    }
    const policiesOf = async (...settings: string[]) => {
      const objects = await render('networkPolicy.enabled=true', ...settings)
      return ['', '-provider'].map((part) => named(objects, 'NetworkPolicy', `realms-realm-operator${part}`).spec as Policy)
    }
    const portsOf = (rules: { from?: unknown[]; to?: unknown[]; ports: { port: number }[] }[], isOpen = true) =>
      rules.filter(({ from, to }) => !(from ?? to) === isOpen).flatMap(({ ports }) => ports.map(({ port }) => port))

    test('but for the port of explorers, DNS, the API server, the ports outside and movement relays', async () => {
      const [operator, provider] = await policiesOf()
      expect([portsOf(operator?.ingress ?? []), portsOf(provider?.ingress ?? [])]).toEqual([[], [8080]])
      const outside = [53, 53, 5353, 5353, 443, 6443, 80, 4222]
      expect(portsOf(provider?.egress ?? [])).toEqual(outside)
      expect(portsOf(operator?.egress ?? [])).toEqual([...outside, 7777])
      expect([portsOf(operator?.egress ?? [], false), portsOf(provider?.egress ?? [], false)]).toEqual([
        [8080, 8081, 8080],
        [8080, 8081, 8081],
      ])
    })

    test('and but for monitors, and what the values add', async () => {
      const [operator, provider] = await policiesOf(
        'networkPolicy.monitorNamespaces={monitoring}',
        'networkPolicy.egress[0].ports[0].port=3128',
      )
      expect([portsOf(operator?.ingress ?? [], false), portsOf(provider?.ingress ?? [], false)]).toEqual([[8080], [8081, 8081]])
      for (const policy of [operator, provider]) expect(portsOf(policy?.egress ?? [])).toContain(3128)
    })

    test('and not by default', async () => {
      expect((await render()).filter(({ kind }) => /NetworkPolicy|AdmissionPolicy/.test(kind))).toEqual([])
    })
  })

  test('lets every client look at the console, or those with its token, or none', async () => {
    const podWith = async (...settings: string[]) => {
      const deployment = named(await render(...settings), 'Deployment', 'realms-realm-operator-provider')
      const pod = (deployment.spec as V1Deployment['spec'])?.template.spec
      const variable = (name: string) => pod?.containers[0]?.env?.find((each) => each.name === name)?.value
      const mount = pod?.containers[0]?.volumeMounts?.find(({ mountPath }) => mountPath === '/run/secrets/console')
      const secret = pod?.volumes?.find(({ name }) => name === mount?.name)?.secret
      return [variable('CONSOLE'), variable('CONSOLE_TOKEN_FILE'), secret?.secretName, secret?.items]
    }
    expect(await podWith()).toEqual(['Public', undefined, undefined, undefined])
    expect(await podWith('provider.console.access=None')).toEqual(['None', undefined, undefined, undefined])
    const settings = ['access=Token', 'tokenSecretName=lookers', 'tokenKey=key'].map((setting) => `provider.console.${setting}`)
    expect(await podWith(...settings)).toEqual([
      'Token',
      '/run/secrets/console/token',
      'lookers',
      [{ key: 'key', path: 'token' }],
    ])
  })

  test('lets the realm provider read Realms, and Events where it has a console to show them on', async () => {
    const readBy = async (...settings: string[]) => {
      const { rules } = named(await render(...settings), 'ClusterRole', 'operations-realms-realm-operator-provider')
      return (rules as V1PolicyRule[]).map(({ resources, verbs }) => [...(resources ?? []), ...verbs].join(' '))
    }
    expect(await readBy()).toEqual(['realms list watch', 'events list watch'])
    expect(await readBy('provider.console.access=None')).toEqual(['realms list watch'])
  })

  test.each([
    ['oprator.replicas=3', "additional properties 'oprator' not allowed"],
    ['image.pullPolicy=Sometimes', 'pullPolicy'],
    ['image.repository=', 'name the registry'],
    ['image.repository=realm-operator', 'repository'],
    ['image.repository=example.org/x:1.0', 'repository'],
    ['image.repository=example.org/Realm', 'repository'],
    ['image.repository=example.org/realm@sha256:abc', 'repository'],
    ['image.digest=sha256:abc', 'digest'],
    ['managed.nats=nats:2.11.17', 'nats'],
    ['managed.nats=docker.io/library/nats', 'nats'],
    ['monitoring.podMonitor.interval=often', 'interval'],
    ['caCertificates.configMapName=a,caCertificates.secretName=b', 'caCertificates'],
    ['env[0].value=b', 'name'],
    ['provider.publications.publishers.east.tokenSecret.name=a', 'east'],
    ['provider.console.access=Secret', 'access'],
    ['provider.console.access=Token', 'tokenSecretName'],
  ])('refuses --set %s', async (setting, reason) => {
    await expect(render(setting)).rejects.toThrow(reason)
  })
})

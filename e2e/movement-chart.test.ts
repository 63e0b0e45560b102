import { join } from 'node:path'
import type { V1Deployment, V1NetworkPolicy, V1PodDisruptionBudget, V1Service } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { readConfig as readPulseConfig } from '../cells/pulse/config.ts'
import { PASS_ON_MS } from '../cells/pulse/hand-over/succession.ts'
import { readConfig as readOperatorConfig } from '../operator/config.ts'
import { connectorDeployment } from '../operator/desired/manifests/deployment.ts'
import { planCell } from '../operator/desired/plan.ts'
import { aCell, aRealm, platform } from '../operator/desired/realm.fixtures.ts'
import { chart, named, type Rendered, renderChart } from '../testing/chart.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'

const relay = 'realms-realm-operator-movement'
const operator = 'realms-realm-operator'
const connectorLabels = () => {
  const { labels = {} } = connectorDeployment(aCell(aRealm()), planCell(aCell(aRealm())), platform).spec.template.metadata ?? {}
  const [manager, component] = ['app.kubernetes.io/managed-by', 'app.kubernetes.io/component']
  return { [manager]: labels[manager], [component]: labels[component] }
}

withPart('kube', 'the movement relay of the chart', (kube) => {
  const render = (...settings: string[]) => renderChart(kube, settings)
  const enabled = (...settings: string[]) => render('movement.enabled=true', ...settings.map((each) => `movement.${each}`))
  const deploymentOf = (objects: Rendered[], name = relay) => named(objects, 'Deployment', name).spec as V1Deployment['spec']
  const containerOf = (objects: Rendered[], name = relay) => deploymentOf(objects, name)?.template.spec?.containers[0]
  const environmentOf = (objects: Rendered[], name = relay): NodeJS.ProcessEnv =>
    Object.fromEntries(containerOf(objects, name)?.env?.map((each) => [each.name, each.value]) ?? [])
  const serviceOf = (objects: Rendered[]) => named(objects, 'Service', relay).spec as V1Service['spec']

  test('runs when it is asked to, with settings that the relay understands all of', async () => {
    expect((await render()).some(({ metadata }) => metadata.name === relay)).toBe(false)
    const objects = await enabled('denyListUrl=https://deny.example.org/list', 'ethereumRpcUrl=https://rpc.example.org')
    const env = environmentOf(objects)
    const config = readPulseConfig(env)
    expect(Object.keys(env).filter((variable) => !(variable in config))).toEqual([])
    expect(config).toMatchObject({
      UDP_SERVER_PORT: 7777,
      VISIBLE_PLAYERS: 'Everyone',
      DENYLIST_URL: 'https://deny.example.org/list',
    })
    expect(containerOf(objects)?.ports).toContainEqual({ name: 'movement', containerPort: 7777, protocol: 'UDP' })
    const { HTTP_SERVER_PORT, PEER_SERVER_PORT, HAND_OVER_PORT, FORWARD_PORT } = config
    const listensAt = [HTTP_SERVER_PORT, PEER_SERVER_PORT, HAND_OVER_PORT, FORWARD_PORT].filter((port) => port !== undefined)
    expect(new Set(listensAt).size).toBe(listensAt.length)
    expect(containerOf(objects)?.resources).toMatchObject({ requests: { cpu: '100m' }, limits: { memory: '512Mi' } })
    expect(deploymentOf(objects)).toMatchObject({ replicas: 1, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } })
  })

  describe('is reached', () => {
    test('through a load balancer of both families that keeps the addresses of players', async () => {
      const objects = await enabled('service.annotations.example\\.org/address=kept', 'service.loadBalancerClass=example.org/udp')
      expect(serviceOf(objects)).toMatchObject({
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        ipFamilyPolicy: 'PreferDualStack',
        loadBalancerClass: 'example.org/udp',
        ports: [{ port: 7777, protocol: 'UDP', targetPort: 'movement' }],
      })
      expect(named(objects, 'Service', relay).metadata.annotations).toEqual({ 'example.org/address': 'kept' })
    })

    test('at a port of the nodes, by one family, where the values say so', async () => {
      const settings = ['type=NodePort', 'nodePort=30777', 'externalTrafficPolicy=Cluster', 'ipFamilyPolicy=SingleStack']
      expect(serviceOf(await enabled(...settings.map((each) => `service.${each}`)))).toMatchObject({
        type: 'NodePort',
        externalTrafficPolicy: 'Cluster',
        ipFamilyPolicy: 'SingleStack',
        ports: [{ port: 7777, nodePort: 30_777 }],
      })
    })

    test('inside the cluster only, by a Service without fields that belong to other types', async () => {
      const service = serviceOf(await enabled('service.type=ClusterIP'))
      expect(service).not.toHaveProperty('externalTrafficPolicy')
      expect(service).not.toHaveProperty('loadBalancerClass')
      expect(service?.ports?.[0]).not.toHaveProperty('nodePort')
    })

    test('at the node of its pod, of which there is never more than one then', async () => {
      const objects = await enabled('hostPort=true')
      expect(deploymentOf(objects)?.strategy).toEqual({ type: 'Recreate' })
      expect(containerOf(objects)?.ports).toContainEqual(expect.objectContaining({ containerPort: 7777, hostPort: 7777 }))
    })
  })

  test('is what the operator tells Realms: by its public host, or else by its Service, and nothing where there is none', async () => {
    const hostOf = (objects: Rendered[]) =>
      readOperatorConfig({ ...environmentOf(objects, operator), MOVEMENT_KEYS_FILE: '' }).MOVEMENT_HOST
    expect(hostOf(await render())).toBeUndefined()
    expect(hostOf(await enabled())).toEqual({ host: `${relay}.operations.svc.cluster.local`, port: 7777 })
    expect(hostOf(await enabled('host=pulse-server.example.org'))).toEqual({ host: 'pulse-server.example.org', port: 7777 })
    expect(hostOf(await render('movement.host=203.0.113.7:30777'))).toEqual({ host: '203.0.113.7', port: 30_777 })
  })

  test('takes the reports of connectors at a Service of its own, with keys that the operator has, too', async () => {
    const objects = await enabled('visiblePlayers=WithSession')
    const secretsOf = (name: string, of = objects) =>
      deploymentOf(of, name)?.template.spec?.volumes?.flatMap(({ secret }) => secret ?? [])
    const keys = { secretName: `${relay}-keys`, items: [{ key: 'keys', path: 'keys' }] }
    for (const name of [relay, operator]) expect(secretsOf(name)).toEqual([expect.objectContaining(keys)])
    expect(named(objects, 'Secret', `${relay}-keys`)).toBeDefined()
    expect(environmentOf(objects, operator)).toMatchObject({
      MOVEMENT_REPORTS_URL: `http://${relay}-reports.operations.svc.cluster.local:8080`,
      MOVEMENT_KEYS_FILE: '/run/secrets/movement/keys',
    })
    expect(environmentOf(objects)).toMatchObject({
      VISIBLE_PLAYERS: 'WithSession',
      REALM_TOKEN_KEY_FILE: '/run/secrets/movement/keys',
    })
    expect(named(objects, 'Service', `${relay}-reports`).spec).toMatchObject({ ports: [{ port: 8080, targetPort: 'http' }] })
    const given = await enabled('keysSecretName=mine', 'keysSecretKey=all')
    expect(given.filter(({ kind }) => kind === 'Secret')).toEqual([])
    expect(secretsOf(operator, given)).toEqual([
      expect.objectContaining({ secretName: 'mine', items: [{ key: 'all', path: 'keys' }] }),
    ])
  })

  test('lets a node be drained, unless the values make the drain wait', async () => {
    const budgetOf = async (...settings: string[]) =>
      named(await enabled(...settings), 'PodDisruptionBudget', relay).spec as V1PodDisruptionBudget['spec']
    expect(await budgetOf()).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
    expect((await budgetOf())?.selector).toEqual(deploymentOf(await enabled())?.selector)
    expect(await budgetOf('podDisruptionBudget.maxUnavailable=0')).toMatchObject({ maxUnavailable: 0 })
  })

  test('is open over UDP from anywhere, to connectors and to monitors, and connects to what its values name only', async () => {
    const closed = ['networkPolicy.enabled=true', 'networkPolicy.monitorNamespaces={monitoring}', 'movement.enabled=true']
    const policyOf = async (...settings: string[]) =>
      named(await render(...closed, ...settings), 'NetworkPolicy', relay).spec as V1NetworkPolicy['spec']
    const policy = await policyOf()
    const relays = [{ podSelector: policy?.podSelector }]
    const handOver = [{ port: 7778, protocol: 'TCP' }]
    const dns = [53, 5353].flatMap((port) => ['UDP', 'TCP'].map((protocol) => ({ port, protocol })))
    expect(policy?.ingress).toEqual([
      { ports: [{ port: 7777, protocol: 'UDP' }] },
      {
        from: [{ namespaceSelector: {}, podSelector: { matchLabels: expect.objectContaining(connectorLabels()) } }],
        ports: [{ port: 8080, protocol: 'TCP' }],
      },
      { from: [expect.anything()], ports: [{ port: 8081, protocol: 'TCP' }] },
      { from: relays, ports: handOver },
    ])
    expect(policy).toMatchObject({ policyTypes: ['Ingress', 'Egress'] })
    expect(policy?.egress).toEqual([{ to: relays, ports: handOver }, { ports: dns }])
    expect(await policyOf('movement.hostPort=true')).not.toHaveProperty('egress')
    const [, outside] = (await policyOf('movement.denyListUrl=https://deny.example.org'))?.egress ?? []
    expect(outside?.ports).toContainEqual({ port: 443, protocol: 'TCP' })
  })

  test('hands its players over to the pod that follows it, unless two pods cannot be on a node', async () => {
    const objects = await enabled()
    expect(environmentOf(objects)).toMatchObject({
      HAND_OVER_PORT: '7778',
      HAND_OVER_FROM: `${relay}-peers.operations.svc.cluster.local`,
      HAND_OVER_KEY_FILE: '/run/secrets/movement/keys',
    })
    expect(named(objects, 'Service', `${relay}-peers`).spec).toMatchObject({
      ...{ clusterIP: 'None', publishNotReadyAddresses: true, selector: deploymentOf(objects)?.selector.matchLabels },
    })
    const { HAND_OVER_WAIT_SECONDS: wait } = readPulseConfig(environmentOf(objects))
    expect(deploymentOf(objects)?.template.spec?.terminationGracePeriodSeconds).toBeGreaterThan(wait + PASS_ON_MS / 1_000)
    const onHost = await enabled('hostPort=true')
    expect(JSON.stringify(onHost)).not.toMatch(/HAND_OVER|movement-peers/)
  })

  test('is reached by an operator that is closed to other connections, unless that checks nothing', async () => {
    const udpPortsOf = async (...settings: string[]) => {
      const objects = await render('networkPolicy.enabled=true', ...settings)
      const { egress } = named(objects, 'NetworkPolicy', operator).spec as NonNullable<V1NetworkPolicy['spec']>
      const ports = egress?.flatMap((rule) => rule.ports ?? []) ?? []
      return ports.flatMap(({ port, protocol }) => (protocol === 'UDP' && port !== 53 && port !== 5353 ? [port] : []))
    }
    expect(await udpPortsOf()).toEqual([7777])
    expect(await udpPortsOf('movement.host=relay.example.org:30777')).toEqual([7777, 30_777])
    expect(await udpPortsOf('operator.checkDependencies=false')).toEqual([])
  })

  test('is read by Prometheus, at the port that its pod has', async () => {
    const objects = await enabled('host=relay.example.org')
    expect(objects.some(({ kind }) => kind === 'PodMonitor')).toBe(false)
    const monitored = await render('movement.enabled=true', 'monitoring.podMonitor.enabled=true')
    expect(named(monitored, 'PodMonitor', relay).spec).toMatchObject({
      selector: deploymentOf(monitored)?.selector,
      podMetricsEndpoints: [{ port: 'peer', path: '/metrics' }],
    })
    expect(containerOf(monitored)?.ports).toContainEqual({ name: 'peer', containerPort: 8081 })
    expect(environmentOf(monitored).PEER_SERVER_PORT).toBe('8081')
  })

  test.each([
    ['movement.host=udp://relay.example.org', 'host'],
    ['movement.host=relay.example.org:65536', 'host'],
    ['movement.service.type=ExternalName', 'type'],
    ['movement.service.ipFamilyPolicy=Both', 'ipFamilyPolicy'],
    ['movement.service.externalTrafficPolicy=None', 'externalTrafficPolicy'],
    ['movement.podDisruptionBudget.maxUnavailable=2', 'maxUnavailable'],
    ['movement.replicas=2', 'replicas'],
    ['movement.visiblePlayers=Friends', 'visiblePlayers'],
  ])('refuses --set %s', async (setting, reason) => {
    await expect(render(setting)).rejects.toThrow(reason)
  })

  test.each([
    [[], 'EXTERNAL-IP', 'set movement.host to it'],
    [['service.type=NodePort'], 'which Unity explorers cannot use', 'set movement.host to it'],
    [['service.type=ClusterIP'], 'inside the cluster only', 'set movement.host to it'],
    [['hostPort=true'], 'of the node of the pod', 'set movement.host to it'],
    [['host=relay.example.org'], 'EXTERNAL-IP', 'status.movement'],
  ])('is explained by the notes with %j', async (settings, ...sentences) => {
    const values = ['image.repository=registry.example.org/realm-operator', 'movement.enabled=true']
    const options = [...values, ...settings.map((each) => `movement.${each}`)].flatMap((setting) => ['--set', setting])
    const notes = await runCommand(join(kube, 'helm'), ['install', 'realms', chart, '--dry-run=client', ...options])
    for (const sentence of sentences) expect(notes).toContain(sentence)
  })
})

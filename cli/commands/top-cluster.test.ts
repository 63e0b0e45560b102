import { expect, test } from 'vitest'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { CommsCell } from '../../crds/realm.ts'
import { CELL_LABEL, REALM_LABEL } from '../../operator/desired/naming.ts'
import { aRealm, aServingCell } from '../../operator/desired/realm.fixtures.ts'
import type { ClusterNamespace } from '../cluster/cluster.ts'
import { aProgram } from '../doctor/fixtures.ts'
import { clusterTop, dataWithUse } from './top-cluster.ts'
import type { TopData } from './top-data.ts'

const rates = { islands: 1, joins: 0, leaves: 0, heartbeats: 0 }
const data: TopData = {
  ...{ at: '2026-06-01T12:00:00.000Z', players: 90, realmCount: 1, healthyCount: 1, answers: 0, refusals: 0 },
  realms: [
    {
      ...{ namespace: 'metaverse', name: 'main', realmName: 'main', mode: 'City', state: 'healthy', players: 90, ...rates },
      ...{ answers: 0, refusals: 0, cells: [{ slot: 0, state: 'serving', players: 90, ...rates }] },
    },
  ],
}
const realm = aRealm({ cells: { capacity: 200 } })
const cell = aServingCell(realm, 0)
const labels = { [REALM_LABEL]: 'main', [CELL_LABEL]: cell.metadata.name }
const pod = (cpu: string, memory: string, its: Record<string, string> = labels) => ({
  metadata: { namespace: 'metaverse', labels: its },
  containers: [{ usage: { cpu, memory } }, { usage: {} }],
})

const none = { realms: [], cells: [], pods: undefined, joins: [], notes: [] }
const now = () => 0

test('a cell has the connectors of its objects, is as full as its players say, uses what its pods use, and has the joins of its connectors', () => {
  const pods = [
    pod('1500000000n', '100Mi'),
    pod('250m', '1Gi'),
    pod('1', '50Mi', { [REALM_LABEL]: 'main' }),
    pod('9', '9Gi', { [REALM_LABEL]: 'other' }),
    { ...pod('9', '9Gi'), metadata: { namespace: 'another', labels } },
  ]
  const bucket = (given: number, missed: number) => ({
    atMost: new Map([
      [1, given],
      [Number.POSITIVE_INFINITY, given],
    ]),
    given,
    missed,
  })
  const joins = [
    { ...{ namespace: 'metaverse', realm: 'main', cell: cell.metadata.name }, joins: bucket(9, 1) },
    { ...{ namespace: 'metaverse', realm: 'main', cell: 'main-9' }, joins: bucket(10, 0) },
    { ...{ namespace: 'another', realm: 'main', cell: cell.metadata.name }, joins: bucket(0, 99) },
  ]
  const { realms } = dataWithUse(data, { ...none, realms: [realm], cells: [cell], pods, joins })
  const connectors = { ready: cell.status?.readyReplicas ?? 0, wanted: cell.spec.connectors.replicas }
  expect(realms).toMatchObject([
    {
      ...{ connectors, saturation: 0.45, cpuCores: 2.75, memoryBytes: 1_174 * 2 ** 20, joinSuccess: 0.95 },
      cells: [
        { connectors, saturation: 0.45, cpuCores: 1.75, memoryBytes: 1_124 * 2 ** 20, joinSuccess: 0.9, joinP99Seconds: 0.99 },
      ],
    },
  ])
})

test('players a connector is meant for count before those of a cell, and connectors that are not ready take none', () => {
  const autoscale = { playersPerConnector: 50, connectors: { min: 1, max: 9 } }
  const scaled = aRealm({ cells: { capacity: 200 }, autoscale } as never)
  const of = (readyReplicas: number) => {
    const cells = [{ ...cell, status: { ...cell.status, readyReplicas } } as CommsCell]
    return dataWithUse(data, { ...none, realms: [scaled], cells }).realms[0]?.cells[0]
  }
  expect(of(3)).toMatchObject({ saturation: 0.6, cpuCores: null, memoryBytes: null })
  expect(of(0)?.saturation).toBeNull()
})

test('what may not be read is not known', () => {
  expect(dataWithUse(data, none).realms[0]).toMatchObject({
    ...{ connectors: null, saturation: null, cpuCores: null, memoryBytes: null },
  })
})

/** A cluster with a realm provider whose console answers with a status. */
function aCluster(status: number, programs = [aProgram('provider')]): ClusterNamespace {
  const asked: string[] = []
  const deployment = (program: (typeof programs)[number]) => ({
    metadata: { ...program, labels: { 'app.kubernetes.io/name': program.program } },
    spec: { template: { spec: { containers: [{ image: program.image }] } } },
  })
  const list = async (path: string) => {
    if (path.includes('metrics.k8s.io')) throw new KubeError(`list ${path}`, 404, { message: 'not found' })
    return { items: path.includes('deployments') ? programs.map(deployment) : [] }
  }
  const read = async (path: string) => {
    asked.push(path)
    if (status !== 200) throw new KubeError(`GET ${path}`, status, { message: 'no' })
    return { text: JSON.stringify({ path }), date: undefined }
  }
  return { client: { list } as never, raw: { read }, namespace: 'metaverse' }
}

test('the realm provider is asked through the API server, and a console behind a token is named', async () => {
  const { provider, ask, withUse } = await clusterTop(aCluster(200), now)
  expect(await ask(`${provider}/console/snapshot`)).toEqual({
    ok: true,
    status: 200,
    body: { path: expect.stringMatching(/^\/api\/v1\/namespaces\/[^/]+\/services\/[^/]+:http\/proxy\/console\/snapshot$/) },
  })
  const { realms, notes } = await withUse(data)
  expect([realms[0]?.cpuCores, notes]).toEqual([null, [expect.stringMatching(/no metrics API; metrics-server adds it/)]])
  const behindToken = await clusterTop(aCluster(401), now)
  expect(await behindToken.ask(`${provider}/console/snapshot`)).toMatchObject({
    reason: expect.stringContaining('realmctl forward'),
  })
  const forbidden = await clusterTop(aCluster(403), now)
  expect(await forbidden.ask(`${provider}/console/snapshot`)).toMatchObject({
    reason: expect.stringContaining('A right is missing'),
  })
  await expect(clusterTop(aCluster(200, []), now)).rejects.toMatchObject({ exitCode: 4 })
})

test('connectors are asked again after ten seconds, also where the table is shown each second', async () => {
  let asked = 0
  const pod = { metadata: { namespace: 'metaverse', name: 'main-0-connector-1', labels }, status: { phase: 'Running' } }
  const { client, ...rest } = aCluster(200)
  const list = async (path: string) => (path === '/api/v1/pods' ? { items: [pod] } : client.list(path, {}))
  const read = async (path: string) => {
    if (path.endsWith('/metrics')) asked++
    return { text: 'realm_connector_joins_given 3', date: undefined }
  }
  let at = 0
  const { withUse } = await clusterTop({ ...rest, client: { ...client, list } as never, raw: { read } }, () => at)
  for (at = 0; at < 12_000; at += 1_000) expect((await withUse(data)).realms[0]?.joinSuccess).toBe(1)
  expect(asked).toBe(2)
})

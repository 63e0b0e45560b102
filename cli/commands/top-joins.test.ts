import { expect, test } from 'vitest'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { connectorMetrics } from '../../cells/connector/metrics.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import { CELL_LABEL, REALM_LABEL } from '../../operator/desired/naming.ts'
import { type JoinReadings, joinP99Of, joinSuccessOf, readJoinMetrics, readJoins } from './top-joins.ts'

const readings = (given: Partial<JoinReadings>): JoinReadings => ({ atMost: new Map(), given: 0, missed: 0, ...given })
const waited = (...seconds: number[]): JoinReadings => {
  const bounds = [1, 2, 5, Number.POSITIVE_INFINITY]
  return readings({ atMost: new Map(bounds.map((bound) => [bound, seconds.filter((each) => each <= bound).length])) })
}

/** The page of metrics of a connector whose players waited for so many milliseconds. */
function aPage(...waitedMs: number[]): Promise<string> {
  const metrics = new Metrics('connector')
  const none = () => 0
  const { joined } = connectorMetrics(metrics, {
    ...{
      connections: none,
      maxConnections: none,
      players: none,
      silentPlayers: none,
      waitingUpgrades: none,
      deniedWallets: none,
    },
    ...{ busConnected: () => true, joins: () => ({ given: 8, missed: 2, waiting: 1 }) },
  })
  for (const ms of waitedMs) joined(ms)
  return metrics.registry.metrics()
}

test('the metrics of a connector are read as it writes them', async () => {
  const joins = readJoinMetrics(await aPage(40, 80, 80, 30_000))
  expect(joins).toMatchObject({ given: 8, missed: 2 })
  expect([
    joins.atMost.get(0.05),
    joins.atMost.get(0.1),
    joins.atMost.get(20),
    joins.atMost.get(Number.POSITIVE_INFINITY),
  ]).toEqual([1, 3, 3, 4])
  expect(joinSuccessOf([joins])).toBe(0.8)
  expect(joinP99Of([readJoinMetrics(await aPage(40))])).toBe(0.05)
})

test('what is no page of metrics, or a page of a stranger, has no joins', () => {
  expect(readJoinMetrics('<html>')).toEqual(readings({}))
  const odd =
    'realm_connector_join_seconds_bucket{le="x"} 5\nrealm_connector_join_seconds_bucket{le="1"} NaN\nrealm_connector_joins_given -4\n'
  const read = readJoinMetrics(`${odd}realm_connector_joins_missed{a="b"} 1e999\n`)
  expect([joinP99Of([read]), joinSuccessOf([read])]).toEqual([null, null])
})

test('99 of 100 players waited no longer than the bound, within whose bucket it is estimated; connectors count together', () => {
  expect(joinP99Of([])).toBeNull()
  expect(joinP99Of([waited(0.5, 0.5)])).toBeCloseTo(0.99)
  expect(joinP99Of([waited(...Array(99).fill(0.5)), waited(1.5)])).toBe(1)
  expect(joinP99Of([waited(...Array(90).fill(0.5)), waited(...Array(10).fill(1.5))])).toBe(1.9)
  // More than one in a hundred waited longer than the longest time that is measured.
  expect(joinP99Of([waited(0.5, 9)])).toBe(5)
  expect(joinSuccessOf([readings({ given: 2 }), readings({ missed: 1 })])).toBe(0.667)
})

const aPod = (name: string, phase = 'Running') => ({
  metadata: { namespace: 'metaverse', name, labels: { [REALM_LABEL]: 'main', [CELL_LABEL]: 'main-0' } },
  spec: { containers: [{ name: 'connector', ports: [{ name: 'http', containerPort: 8081 }] }] },
  status: { phase },
})
const answering = (answer: (path: string) => string) => ({
  raw: { read: async (path: string) => ({ text: answer(path), date: undefined }) },
})

test('connectors are asked through the API server, and what is missing is said in a sentence', async () => {
  const page = await aPage(40)
  const asked: string[] = []
  const cluster = answering((path) => {
    asked.push(path)
    if (path.includes('/lost:')) throw new KubeError(`GET ${path}`, 503, { message: 'no route to the pod' })
    return page
  })
  const of = (...pods: ReturnType<typeof aPod>[]) => readJoins(cluster, { value: pods })
  expect(await of(aPod('a'), aPod('b', 'Pending'))).toEqual({
    pods: [{ namespace: 'metaverse', realm: 'main', cell: 'main-0', joins: readJoinMetrics(page) }],
    note: undefined,
  })
  expect(asked).toEqual(['/api/v1/namespaces/metaverse/pods/a:8081/proxy/metrics'])
  expect((await of(aPod('a'), aPod('lost'))).note).toBe('Joins are of 1 of 2 connectors: no route to the pod')
  expect((await of(aPod('lost'))).note).toBe('How long joins take is not known: no route to the pod')
  expect((await readJoins(cluster, { unseen: 'pods is forbidden' })).note).toBe(
    'How long joins take is not known: pods is forbidden',
  )
  const many = await of(...Array.from({ length: 201 }, (_, at) => aPod(`p${at}`)))
  expect([many.pods.length, many.note]).toEqual([200, 'Joins are of 200 of 201 connectors, which is the most that are asked.'])
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readCrd } from '../crds/schema.ts'
import { chart, named, type Rendered, renderedObjects } from '../testing/chart.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { namesIn } from '../testing/promql.ts'
import { dashboards } from '../tools/generate-docs/dashboards/dashboards.ts'

interface Rule {
  alert?: string
  record?: string
  expr: string
  labels?: { severity: string }
  annotations?: { summary: string; description: string; runbook_url: string }
}

const textOf = (path: string) => readFileSync(join(chart, path), 'utf8')
const { groups } = parse(textOf('files/monitoring/rules.yaml')) as { groups: { name: string; rules: Rule[] }[] }
const rules = groups.flatMap(({ rules }) => rules)
const alerts = rules.filter(({ alert }) => alert !== undefined)
const stateMetrics = parse(textOf('files/monitoring/kube-state-metrics.yaml')) as {
  spec: { resources: StateResource[] }
}
interface StateResource {
  groupVersionKind: { kind: string }
  metricNamePrefix: string
  labelsFromPath: Record<string, string[]>
  metrics: { name: string; each: { gauge?: { path: string[] }; info?: { labelsFromPath: Record<string, string[]> } } }[]
}

/** What the metrics of the product are called, with their labels, from the reference that is generated from the code. */
const reference = [
  ...readFileSync(join(chart, '../docs/reference/metrics.md'), 'utf8').matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*)\|/gm),
]
const series = new Map(
  reference.flatMap(([, name = '', kind, labels = '']) => {
    const own = [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label)
    const names = kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name]
    return names.map((each) => [each, kind === 'histogram' ? [...own, 'le'] : own] as const)
  }),
)
const targetLabels = ['namespace', 'pod', 'job', 'realm', 'cell', 'component']
for (const { record } of rules) if (record) series.set(record, ['outcome', 'controller'])
for (const { metricNamePrefix, metrics } of stateMetrics.spec.resources)
  for (const { name } of metrics) series.set(`${metricNamePrefix}_${name}`, ['type', 'reason', 'name', 'exported_namespace'])
series.set('ALERTS', ['alertname', 'alertstate'])

const queries = [
  ...rules.map(({ alert, record, expr }) => [alert ?? record ?? '', expr] as const),
  ...dashboards.flatMap(({ title, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap((panel) => Object.values(panel.queries).map((expr) => [`${title}: ${panel.title}`, expr] as const)),
    ),
  ),
]

describe('every query of the alerts and dashboards', () => {
  test('is about metrics that exist, with labels that one of them has', () => {
    expect(queries.length).toBeGreaterThan(70)
    const wrong = queries.flatMap(([of, expr]) => {
      const { metrics: named, patterns, labels } = namesIn(expr)
      const matching = patterns.map((pattern) => [...series.keys()].find((name) => pattern.test(name)) ?? String(pattern))
      const metrics = [...named, ...matching]
      const unknown = metrics.filter((name) => !series.has(name))
      const known = [...targetLabels, ...metrics.flatMap((name) => series.get(name) ?? [])]
      const strange = labels.filter((label) => !known.includes(label))
      return metrics.length === 0 || unknown.length + strange.length > 0 ? [`${of}: ${[...unknown, ...strange]} in ${expr}`] : []
    })
    expect(wrong).toEqual([])
  })

  test('is refused by that test when it names a metric or a label that does not exist', () => {
    expect(namesIn('sum by (cel) (rate(realm_connector_player{realm=~"a|b"}[5m])) > 0.5 and on (pod) x == 1')).toEqual({
      metrics: ['realm_connector_player', 'x'],
      patterns: [],
      labels: ['cel', 'pod', 'realm'],
    })
  })
})

describe('every alert', () => {
  test('says how bad it is, what it means, and has a page about what to do; there is no page of another', () => {
    expect(alerts.length).toBeGreaterThanOrEqual(12)
    for (const { alert, labels, annotations } of alerts) {
      expect([alert, labels?.severity]).toEqual([alert, expect.stringMatching(/^(critical|warning)$/)])
      for (const text of [annotations?.summary, annotations?.description]) expect(text).toMatch(/\S.+\.$/)
      for (const [, label = ''] of `${annotations?.summary} ${annotations?.description}`.matchAll(/\$labels\.(\w+)/g))
        expect([alert, [...targetLabels, 'kind', 'controller', 'name', 'exported_namespace']]).toEqual([
          alert,
          expect.arrayContaining([label]),
        ])
    }
    const pages = readdirSync(join(chart, '../docs/runbooks')).filter((page) => page !== 'README.md')
    const named = alerts.map(({ annotations }) => annotations?.runbook_url.replace('RUNBOOKS/', ''))
    expect([...new Set(named)].toSorted()).toEqual(pages.toSorted())
    for (const page of pages)
      expect(readFileSync(join(chart, '../docs/runbooks', page), 'utf8')).toMatch(/^# \w+\n[\s\S]+\n## Look\n[\s\S]+\n## Do\n/)
  })
})

test('kube-state-metrics reads fields that the objects have', () => {
  for (const { groupVersionKind, labelsFromPath, metrics } of stateMetrics.spec.resources) {
    const crd = readCrd(groupVersionKind.kind === 'Realm' ? 'realm.crd.yaml' : 'commscell.crd.yaml')
    const root = crd.spec.versions[0]?.schema.openAPIV3Schema as { properties: object }
    const paths = [
      ...Object.values(labelsFromPath),
      ...metrics.flatMap(({ each }) => [
        ...(each.gauge ? [each.gauge.path] : []),
        ...Object.values(each.info?.labelsFromPath ?? {}),
      ]),
    ]
    for (const path of paths.filter(([first]) => first !== 'metadata')) {
      const field = path.reduce<{ properties?: object } | undefined>(
        (part, name) => (part?.properties as Record<string, object> | undefined)?.[name],
        root,
      )
      expect([path.join('.'), field]).toEqual([path.join('.'), expect.objectContaining({ type: expect.any(String) })])
    }
  }
})

withPart('kube', 'the monitoring of the chart', (kube) => {
  test('is in objects that Prometheus, Grafana and kube-state-metrics read, with a label of the realm on every series', async () => {
    const options = ['--namespace', 'operations', '--values', join(chart, 'ci/tenants-values.yaml')]
    const objects = renderedObjects(await runCommand(join(kube, 'helm'), ['template', 'realms', chart, ...options]))
    const name = 'realms-realm-operator'
    const rule = named(objects, 'PrometheusRule', name)
    const runbooks = textOf('files/monitoring/rules.yaml').replaceAll('RUNBOOKS', 'https://wiki.example.org/realms')
    expect(rule).toMatchObject({ spec: parse(runbooks), metadata: { labels: { release: 'prometheus' } } })
    for (const { uid } of dashboards) {
      const map = named(objects, 'ConfigMap', `${name}-${uid}`) as Rendered & { data: Record<string, string> }
      expect(map).toMatchObject({ metadata: { labels: { grafana_dashboard: '1' } } })
      expect(map.data).toEqual({ [`${uid}.json`]: textOf(`files/dashboards/${uid}.json`) })
    }
    const config = named(objects, 'ConfigMap', `${name}-kube-state-metrics`) as Rendered & { data: Record<string, string> }
    expect(parse(config.data['config.yaml'] ?? '')).toEqual(stateMetrics)
    expect(named(objects, 'PodMonitor', `${name}-realms`).spec).toMatchObject({
      podMetricsEndpoints: [
        {
          relabelings: [
            { sourceLabels: ['__meta_kubernetes_pod_label_comms_decentraland_org_realm'], targetLabel: 'realm' },
            { targetLabel: 'cell' },
            { targetLabel: 'component' },
            { targetLabel: 'cluster', replacement: 'east' },
          ],
          metricRelabelings: [{ action: 'drop' }],
        },
      ],
    })
  })
})

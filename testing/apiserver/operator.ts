import { createApp, json, ok, route } from '../../cells/chassis/http.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { listen } from '../../cells/chassis/listen.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import type { Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { main } from '../../operator/main.ts'
import type { ApiServer } from './apiserver.ts'

/** The whole operator in the process of the test, with its election, reachability probe and metrics. */
export interface OperatorProcess extends Running {
  /** The sum of all series of one of its metrics. */
  metric(name: string): Promise<number>
  /** Writes it has sent so far, without those of its lease; and reads, without those of its caches. */
  requests(): Promise<{ writes: number; statuses: number; reads: number }>
  /** Resolves once it has written nothing for a while and its queue is empty. */
  atRest(): Promise<void>
}

const QUIET_MS = 500
const STEP_MS = 50

/** Starts an operator for one namespace; `env` overrides the configuration that tests use. */
export async function startOperatorProcess(
  api: ApiServer,
  namespace: string,
  providerUrl: string,
  env: NodeJS.ProcessEnv = {},
): Promise<OperatorProcess> {
  const operator = await main({
    KUBECONFIG: api.kubeconfig,
    LOG_LEVEL: 'silent',
    HTTP_SERVER_HOST: '127.0.0.1',
    HTTP_SERVER_PORT: '0',
    IMAGE_REPOSITORY: 'ghcr.io/example/realm',
    PROVIDER_URL: providerUrl,
    WATCH_NAMESPACES: namespace,
    LEASE_NAMESPACE: namespace,
    CHECK_DEPENDENCIES: 'false', // the LiveKit of these realms does not exist
    ...env,
  })
  const samples = async () => (await (await fetch(`${operator.url}/metrics`)).text()).split('\n')
  const series = async (name: string) => sumOf(await samples(), name)
  const requests = async () => {
    const lines = await samples()
    const sent = (verb: string) => sumOf(lines, 'realm_operator_kube_requests_total', `verb="${verb}"`)
    const statuses = sent('applyStatus')
    // Whether the cluster has got the Gateway API is asked again and again, whatever a realm does.
    const absent = sumOf(lines, 'realm_operator_kube_requests_total', 'verb="list",status="404"')
    // The requests of the lease are at most one create, and gets and replaces.
    const writes = sent('apply') + statuses + sent('remove') + sent('create')
    return { writes, statuses, reads: sent('get') + sent('list') - absent }
  }
  return {
    stop: operator.stop,
    metric: (name) => series(`realm_operator_${name}`),
    requests,
    async atRest() {
      for (let quietMs = 0, seen = -1; quietMs < QUIET_MS; quietMs += STEP_MS) {
        await new Promise((resolve) => setTimeout(resolve, STEP_MS))
        const { writes } = await requests()
        if (writes !== seen || (await series('realm_operator_queue_depth')) > 0) quietMs = 0
        seen = writes
      }
    },
  }
}

/** The sum of the series of a metric that have these labels. */
const sumOf = (lines: readonly string[], name: string, labels = ''): number =>
  lines
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)

/** A realm provider that answers each request from the current Realms of one namespace. */
export async function startProvider(client: KubeClient, namespace: string): Promise<Running & { url: string }> {
  const about = route('GET', '/:realm/about', async ({ params }) => {
    const realm = await client.get<Realm>(realmResource, { namespace, name: params.realm })
    const serving = realm?.status?.endpoints?.find(({ state }) => state === 'Serving')
    return serving ? ok({ comms: { adapter: serving.adapter } }) : json(404, { error: 'Not Found' })
  })
  const app = createApp({ routes: [about], log: silentLog, metrics: new Metrics('provider') })
  return listen(app, { port: 0, host: '127.0.0.1' })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { type Resource, resources } from '../cells/kube/resources.ts'
import type { ApiServer } from '../testing/apiserver/apiserver.ts'
import { bundle } from '../tools/bundle.ts'

/** An operator in its own process, as in a pod. */
export interface OperatorProcess {
  pid: number
  url: string
  /** The sum of all series of a metric that contain `labels`. */
  metric(name: string, labels?: string): Promise<number>
  /** Writes, without those of the lease; and reads, without those of its caches. */
  requests(): Promise<{ writes: number; events: number; reads: number }>
  rssMb(): number
  /** Ends the process with this signal. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** As the chart starts it. */
export const CHART_FLAGS: readonly string[] = ['--optimize-for-size']
const root = fileURLToPath(new URL('../', import.meta.url))
const main = join(root, 'bundle/operator/main.js')

/** Builds what a pod runs: Node's type stripping would take half of the memory that is measured. */
export const buildOperator = (): Promise<unknown> => bundle(join(root, 'bundle'))

/** The files of a ServiceAccount with every right, as a pod finds them. */
export async function serviceAccountFiles(
  api: ApiServer,
  namespace: string,
): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
  const user = api.client()
  const metadata = { name: 'operator', namespace }
  await user.create(resources.ServiceAccount, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  const binding: Resource = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    plural: 'clusterrolebindings',
    kind: 'ClusterRoleBinding',
    clusterScoped: true,
  }
  const rights: KubeObject & Record<string, unknown> = {
    ...{ apiVersion: binding.apiVersion, kind: binding.kind, metadata: { name: `operator-${namespace}` } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', ...metadata }],
  }
  await user.create(binding, rights)
  const asked: KubeObject & { spec: object } = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata,
    spec: { expirationSeconds: 3600 },
  }
  const tokens = { apiVersion: 'v1', kind: 'TokenRequest', plural: 'serviceaccounts/operator/token' }
  const { status } = (await user.create(tokens, asked)) as unknown as { status: { token: string } }
  const folder = await mkdtemp(join(tmpdir(), 'serviceaccount-'))
  await Promise.all([
    writeFile(join(folder, 'token'), status.token, { mode: 0o600 }),
    writeFile(join(folder, 'namespace'), namespace),
    writeFile(join(folder, 'ca.crt'), String(api.access.tls.ca)),
  ])
  const { hostname, port } = new URL(api.access.server)
  return {
    // No kubeconfig must be found: it would take precedence.
    env: {
      HOME: folder,
      KUBECONFIG: '',
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      SERVICE_ACCOUNT_FOLDER: folder,
    },
    stop: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Starts an operator for one namespace; resolves once it answers. */
export async function startOperatorProcess(
  env: Record<string, string>,
  flags: readonly string[] = CHART_FLAGS,
): Promise<OperatorProcess> {
  const port = await freePort()
  const child = spawn(process.execPath, [...flags, main], {
    env: { ...process.env, LOG_LEVEL: 'silent', HTTP_SERVER_HOST: '127.0.0.1', HTTP_SERVER_PORT: String(port), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const page = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const metric = async (name: string, labels = '') => sumOf(await page(), `realm_operator_${name}`, labels)
  while ((await page().catch(() => '')) === '') await pause(20)
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    metric,
    async requests() {
      const text = await page()
      const sent = (verb: string) => sumOf(text, 'realm_operator_kube_requests_total', `verb="${verb}"`)
      const writes = ['apply', 'applyStatus', 'remove', 'create', 'merge'].reduce((sum, verb) => sum + sent(verb), 0)
      return { writes, events: sumOf(text, 'realm_operator_events_total', 'outcome="sent"'), reads: sent('get') + sent('list') }
    },
    rssMb: () => rssMb(child.pid ?? 0),
    stop: (signal = 'SIGTERM') => ended(child, signal),
  }
}

/** Resident memory of a runtime that does nothing, in megabytes. */
export async function bareRuntimeMb(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await pause(1000)
  const size = rssMb(child.pid ?? 0)
  await ended(child, 'SIGKILL')
  return size
}

function sumOf(text: string, name: string, labels: string): number {
  return text
    .split('\n')
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

/** Waits until the operator has written nothing for two seconds and its queue is empty. */
export async function atRest(operator: OperatorProcess): Promise<void> {
  for (let quiet = 0, seen = -1; quiet < 8; quiet++) {
    await pause(250)
    const { writes } = await operator.requests()
    if (writes !== seen || (await operator.metric('queue_depth')) > 0) quiet = 0
    seen = writes
  }
}

/** Polls a condition, without a time limit. */
export async function until(isSo: () => boolean | Promise<boolean>, stepMs = 50): Promise<void> {
  while (!(await isSo())) await pause(stepMs)
}

/** A port that is free at the moment. */
export const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

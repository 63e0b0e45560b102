import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Node, V1Service } from '@kubernetes/client-node'
import { UserError } from '../../cells/chassis/errors.ts'
import { runCommand } from '../parts/command.ts'
import type { Progress } from '../parts/part.ts'
import { addressesOf, MAX_NODES } from './addresses.ts'
import { apiOf, type ReadApi } from './api.ts'
import { type Claim, claim, type Purpose, release } from './claim.ts'
import { startApiServer, startControllers } from './control-plane.ts'
import { writeCredentials } from './credentials.ts'
import { type IngressProxy, type ServiceName, startIngressProxy } from './ingress-proxy.ts'
import { type ClusterNode, joinCluster, startNode } from './node.ts'
import { pauseImage } from './pause.ts'

/** A cluster starts in 5 seconds on 2 idle cores; the limit is many times that, for a busy machine. */
const START_TIMEOUT_MS = 120_000
const POLL_MS = 50

/** A Kubernetes cluster on this machine, with a node for every `ClusterNode`, in Linux namespaces of its own. */
export interface RunningCluster {
  /** Path of an administrator's kubeconfig. */
  kubeconfig: string
  nodes: readonly ClusterNode[]
  /** Reads one path of the API server; undefined when there is no answer, or one without success. */
  read: ReadApi
  /** Runs kubectl and returns its output. @throws with its error output when it fails */
  kubectl(...args: string[]): Promise<string>
  /** The same for helm. */
  helm(...args: string[]): Promise<string>
  /** Creates or changes objects; those without a namespace of their own get `namespace`. */
  apply(objects: readonly object[], namespace?: string): Promise<void>
  /** Imports an image, an OCI archive, into every node under the name that it contains. */
  importImage(archive: string): Promise<void>
  /** Starts a proxy through which explorers reach the realm provider, a Service, and the realms. */
  startIngress(provider: ServiceName): Promise<IngressProxy>
  /** Stops it and removes everything: processes, namespaces, mounts, links, routes, control groups and files. */
  stop(): Promise<void>
}

/** Options of a cluster. */
export interface ClusterOptions {
  /** The folder of the Kubernetes programs: the part `kube`. */
  kube: string
  /** Nodes besides the one that also runs the control plane. */
  workers?: number
  purpose?: Purpose
  progress?: Progress
}

/**
 * Starts a cluster and waits until it accepts pods.
 *
 * @throws UserError when this machine cannot run one, with the remedy
 */
export async function startCluster({
  kube,
  workers = 0,
  purpose = 'test',
  progress = () => undefined,
}: ClusterOptions): Promise<RunningCluster> {
  if (process.platform !== 'linux') throw new UserError('a cluster needs Linux: use a Linux machine, or any cluster you have')
  if (process.getuid?.() !== 0) throw new UserError('a cluster needs root, to make network and mount namespaces: use sudo')
  if (workers >= MAX_NODES) throw new UserError(`a cluster has at most ${MAX_NODES} nodes`)
  const claimed = await claim(purpose)
  const nodes: ClusterNode[] = []
  const stop = async () => {
    await Promise.all(nodes.map(({ machine }) => machine.kill()))
    await release(claimed)
  }
  try {
    const api = await boot(claimed, workers + 1, kube, nodes, progress)
    return {
      ...toolsOf(join(claimed.folder, 'admin.conf'), nodes, kube),
      nodes,
      read: api,
      startIngress: (provider) => {
        const [host = ''] = addressesOf(claimed.index).host.split('/')
        return startIngressProxy(host, provider, (...service) => addressOfService(api, ...service))
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function boot(
  { index, folder }: Claim,
  count: number,
  kube: string,
  nodes: ClusterNode[],
  progress: Progress,
): Promise<ReadApi> {
  const addresses = addressesOf(index)
  const api = apiOf(await writeCredentials(folder, addresses, count))
  const until = (what: string, ready: () => Promise<boolean>) => waitFor(what, nodes, ready)
  const answers = async (path: string) => (await api(path)) !== undefined

  progress(`starting ${count === 1 ? 'one node' : `${count} nodes`} of Kubernetes in namespaces of their own`)
  await runCommand('ip', ['link', 'add', addresses.bridge, 'type', 'bridge'])
  await runCommand('ip', ['address', 'add', addresses.host, 'dev', addresses.bridge])
  await runCommand('ip', ['link', 'set', addresses.bridge, 'up'])
  const first = await startNode(addresses, 0, count, folder, kube)
  nodes.push(first)
  startApiServer(first.machine, addresses)
  // The addresses of Services are routed through the first node, where kube-proxy translates them.
  await runCommand('ip', ['route', 'add', addresses.services, 'via', first.address])
  for (let node = 1; node < count; node++) nodes.push(await startNode(addresses, node, count, folder, kube))

  const pause = await pauseImage(folder)
  for (const node of nodes) {
    await until('the container runtime', () => succeeds(node.machine.run('ctr', 'version')))
    await importInto(node, pause)
  }
  await until('the API server', () => answers('/readyz'))
  startControllers(first.machine, addresses, folder)
  for (const node of nodes) joinCluster(node, addresses)
  for (const { name } of nodes) await until(name, async () => isReady(await api(`/api/v1/nodes/${name}`)))
  // Pods of a namespace are refused before it has its ServiceAccount.
  await until('the first ServiceAccount', () => answers('/api/v1/namespaces/default/serviceaccounts/default'))
  return api
}

async function addressOfService(api: ReadApi, namespace: string, name: string, port: string): Promise<string | undefined> {
  const service = (await api(`/api/v1/namespaces/${namespace}/services/${name}`)) as V1Service | undefined
  const number = service?.spec?.ports?.find((each) => each.name === port)?.port
  return service?.spec?.clusterIP && number !== undefined ? `${service.spec.clusterIP}:${number}` : undefined
}

/** Polls until `what` is ready. @throws when a program that should run has ended, or after the time limit */
async function waitFor(what: string, nodes: readonly ClusterNode[], ready: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await ready())) {
    const failure = nodes.map(({ machine }) => machine.failure).find((each) => each !== undefined)
    if (failure) throw new Error(`the cluster did not start: ${failure}`)
    if (Date.now() > deadline)
      throw new Error(`the cluster did not start: ${what} was not ready after ${START_TIMEOUT_MS / 1000} s`)
    await sleep(POLL_MS)
  }
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )

function isReady(node: unknown): boolean {
  const conditions = (node as V1Node | undefined)?.status?.conditions ?? []
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

const importInto = (node: ClusterNode, archive: string): Promise<void> =>
  node.machine.feed(archive, 'ctr', '--namespace', 'k8s.io', 'images', 'import', '-')

/** Time limit of a command; `kubectl wait` has a shorter one of its own. */
const COMMAND_TIMEOUT_MS = 600_000

const toolsOf = (kubeconfig: string, nodes: readonly ClusterNode[], kube: string) => {
  const env = { KUBECONFIG: kubeconfig }
  const tool =
    (name: string) =>
    (...args: string[]): Promise<string> =>
      runCommand(join(kube, name), args, { env, timeoutMs: COMMAND_TIMEOUT_MS })
  const kubectl = tool('kubectl')
  return {
    kubeconfig,
    kubectl,
    apply: async (objects: readonly object[], namespace = 'default') => {
      const file = join(dirname(kubeconfig), 'objects.json')
      await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
      await kubectl('apply', '--server-side', '--namespace', namespace, '--filename', file)
    },
    helm: tool('helm'),
    importImage: async (archive: string) => {
      await Promise.all(nodes.map((node) => importInto(node, archive)))
    },
  }
}

import { existsSync, readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { withoutTrailingSlash } from '../chassis/base-url.ts'
import { systemClock } from '../chassis/clock.ts'
import { messageOf, UserError } from '../chassis/errors.ts'

/** The address of an API server, and the credentials for it. */
export interface KubeAccess {
  /** `https://host:port`, without a slash at the end. */
  server: string
  /** Namespace used where the caller names none. */
  namespace: string
  /** Certificate authority of the server, and the client certificate. */
  tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>
  /** Headers that authenticate a request; `fresh` after a 401: remembered credentials are read again. */
  headers(fresh: boolean): Promise<Readonly<Record<string, string>>>
}

/** Which API server; by default the one kubectl uses. */
export interface KubeAccessOptions {
  /** Path of a kubeconfig; else `KUBECONFIG`, `~/.kube/config`, the ServiceAccount of the pod. */
  kubeconfig?: string | undefined
  /** Context of the kubeconfig; else its current one. */
  context?: string | undefined
}

/** Bound ServiceAccount tokens are replaced on disk well before they end; kubectl and client-go reread as often. */
const REREAD_MS = 60_000
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'

/** @throws UserError when no API server is configured, or its configuration cannot be read */
export async function findKubeAccess(env: NodeJS.ProcessEnv, options: KubeAccessOptions = {}): Promise<KubeAccess> {
  const usual = join(env.HOME ?? homedir(), '.kube', 'config')
  const path = options.kubeconfig ?? (env.KUBECONFIG || (existsSync(usual) ? usual : undefined))
  if (path) return kubeconfigAccess(path, options.context)
  if (env.KUBERNETES_SERVICE_HOST) return serviceAccountAccess(env)
  throw new UserError(`no Kubernetes cluster to talk to: there is no ${usual}; set KUBECONFIG or give --kubeconfig`)
}

/**
 * The access every pod has: three files and two variables; elsewhere than in a pod, `SERVICE_ACCOUNT_FOLDER` says where the files
 * are. By hand, because the client library costs 56 MB of memory.
 */
export function serviceAccountAccess(
  env: NodeJS.ProcessEnv,
  folder = env.SERVICE_ACCOUNT_FOLDER || SERVICE_ACCOUNT_FOLDER,
): KubeAccess {
  const host = env.KUBERNETES_SERVICE_HOST ?? ''
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim()
    } catch (cause) {
      throw new UserError(`cannot read the ServiceAccount of this pod: ${messageOf(cause)}`, 1, { cause })
    }
  }
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`,
    namespace: read('namespace'),
    tls: { ca: read('ca.crt') },
    headers: remembered(async () => ({ authorization: `Bearer ${read('token')}` })),
  }
}

async function kubeconfigAccess(path: string, context: string | undefined): Promise<KubeAccess> {
  // Imported here only: the operator in its pod never needs it. The deep path leaves out the generated API clients.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js')
  const load = () => {
    const config = new KubeConfig()
    try {
      const [first = path, ...others] = path.split(delimiter).filter(Boolean)
      config.loadFromFile(first)
      for (const other of others) {
        const more = new KubeConfig()
        more.loadFromFile(other)
        config.mergeConfig(more, true)
      }
    } catch (cause) {
      throw new UserError(`the kubeconfig ${path} is not usable: ${messageOf(cause)}`, 1, { cause })
    }
    if (context) config.setCurrentContext(context)
    return config
  }
  const config = load()
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    const known = config.getContexts().map(({ name }) => name)
    throw new UserError(
      `the kubeconfig ${path} has no context '${config.getCurrentContext()}'; it has: ${known.join(', ') || 'none'}`,
    )
  }
  if (cluster.proxyUrl) throw new UserError(`the kubeconfig ${path} asks for a proxy (proxy-url), which is not supported`)
  const server = withoutTrailingSlash(cluster.server)
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
  // Credentials are not sent over plain HTTP; `kubectl proxy` requires none.
  if (server.startsWith('http:')) return { server, namespace, tls: {}, headers: async () => ({}) }
  const { ca, cert, key, rejectUnauthorized, servername } = await credentialsOf(config)
  return {
    server,
    namespace,
    tls: {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(servername && { servername }),
      ...(rejectUnauthorized === false && { rejectUnauthorized }),
    },
    headers: remembered(async (fresh) => headersOf(await credentialsOf(fresh ? load() : config))),
  }
}

async function credentialsOf(config: { applyToHTTPSOptions(options: RequestOptions): Promise<void> }): Promise<RequestOptions> {
  const options: RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  return options
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  return { ...Object.fromEntries(given), ...(auth && { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }) }
}

function remembered(read: (fresh: boolean) => Promise<Record<string, string>>): KubeAccess['headers'] {
  let known: { headers: Record<string, string>; readAt: number } | undefined
  return async (fresh) => {
    if (!known || fresh || systemClock.monotonic() - known.readAt > REREAD_MS)
      known = { headers: await read(fresh), readAt: systemClock.monotonic() }
    return known.headers
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RelayAddress, relayText } from '../../cells/wire/relay-address.ts'
import { cacheFolder } from '../parts/cache.ts'
import type { Progress } from '../parts/part.ts'
import type { RunningCluster } from './cluster.ts'
import { buildProductImage, buildProgramImage } from './image.ts'
import type { ServiceName } from './ingress-proxy.ts'

const chart = fileURLToPath(new URL('../../helm/', import.meta.url))

/** The tag of the product's image: that of the example realm, and the chart's default. */
export const PRODUCT_VERSION = '0.1.0'
/** Its name without the tag. */
export const PRODUCT_IMAGE = 'localhost/realm-operator'

/** The namespace of the operator and the realm provider. */
export const OPERATOR_NAMESPACE = 'realm-operator'

/** The name of the chart's release. */
export const RELEASE = 'realm-operator'

/** Where it is installed, and how long its pods may take to become ready. */
const place = ['--namespace', OPERATOR_NAMESPACE, '--wait', '--timeout', '120s']

/** The folders of the real servers for a Managed NATS and LiveKit; without a LiveKit, realms must use an External one. */
export interface Servers {
  nats: string
  livekit?: string
}

/** The status and logs of the operator's pods. */
const whyNotReady = async (cluster: RunningCluster): Promise<string> => {
  const pods = await cluster.kubectl('get', 'pods', '--namespace', OPERATOR_NAMESPACE)
  const all = [
    '--selector',
    'app.kubernetes.io/part-of=realm-operator',
    '--namespace',
    OPERATOR_NAMESPACE,
    '--tail=5',
    '--prefix',
  ]
  return pods + (await cluster.kubectl('logs', ...all).catch((error: Error) => error.message))
}

/** The port of the nodes at which players reach the movement relay. */
const MOVEMENT_PORT = 30_777

/** Where players on this machine reach the movement relay of a cluster. */
export const movementOf = ({ nodes }: RunningCluster): RelayAddress => ({ host: nodes[0]?.address ?? '', port: MOVEMENT_PORT })

/** The values with which the chart runs a movement relay there. */
export const movementValues = (cluster: RunningCluster): string[] =>
  ['enabled=true', 'service.type=NodePort', `service.nodePort=${MOVEMENT_PORT}`, `host=${relayText(movementOf(cluster))}`].map(
    (setting) => `movement.${setting}`,
  )

/**
 * Installs the operator and the realm provider with the chart, as users do, and returns the Service of the provider.
 *
 * @param values further settings of the chart, `name=value`
 */
export async function installProduct(
  cluster: RunningCluster,
  servers: Servers,
  progress: Progress,
  values: readonly string[] = [],
): Promise<{ provider: ServiceName }> {
  const folder = await mkdtemp(join(cacheFolder(), 'images-'))
  try {
    const archive = join(folder, 'image.tar')
    const load = async (name: string, build: (to: string) => Promise<void>): Promise<string> => {
      progress(`building and loading ${name}`)
      await build(archive)
      await cluster.importImage(archive)
      return name
    }
    await load(`${PRODUCT_IMAGE}:${PRODUCT_VERSION}`, (to) =>
      buildProductImage(`${PRODUCT_IMAGE}:${PRODUCT_VERSION}`, to, progress),
    )
    const settings = [`image.repository=${PRODUCT_IMAGE}`, `image.tag=${PRODUCT_VERSION}`, ...values]
    for (const [name, program] of Object.entries(servers) as [string, string][]) {
      const image = await load(`localhost/${name}:1`, (to) => buildProgramImage(`localhost/${name}:1`, program, to, progress))
      settings.push(`managed.${name}=${image}`)
    }
    progress('installing the chart')
    const options = [...place, '--create-namespace', ...settings.flatMap((setting) => ['--set', setting])]
    await cluster.helm('install', RELEASE, chart, ...options).catch(async (cause: Error) => {
      throw new Error(`${cause.message}\n${await whyNotReady(cluster)}`, { cause })
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return { provider: { namespace: OPERATOR_NAMESPACE, name: `${RELEASE}-provider` } }
}

/** Gives the installation other values of the chart beside those it has, and waits until its pods run with them. */
export async function upgradeProduct(cluster: RunningCluster, values: readonly string[]): Promise<void> {
  const options = [...place, '--reuse-values', ...values.flatMap((setting) => ['--set', setting])]
  await cluster.helm('upgrade', RELEASE, chart, ...options).catch(async (cause: Error) => {
    throw new Error(`${cause.message}\n${await whyNotReady(cluster)}`, { cause })
  })
}

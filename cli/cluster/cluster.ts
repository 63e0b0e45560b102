import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { findKubeAccess, type KubeAccess } from '../../cells/kube/kube-access.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { isStatus, KubeError } from '../../cells/kube/kube-error.ts'
import { createKubeClient } from '../../cells/kube/pooled-kube-client.ts'
import { collectionPath } from '../../cells/kube/resources.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { createRawReader, type RawReader } from './raw-reader.ts'

/** Which cluster and namespace, with the options of kubectl. */
export interface ClusterOptions {
  /** Absent = the one of the context. */
  namespace?: string
  context?: string
  kubeconfig?: string
}

/** A cluster, and the namespace that a command is about. */
export interface ClusterNamespace {
  client: Pick<KubeClient, 'list' | 'get' | 'merge' | 'create' | 'apply' | 'remove' | 'server'>
  /** For what is no object. */
  raw: Pick<RawReader, 'read'>
  namespace: string
}

/** Name of the writer in managedFields. */
export const FIELD_MANAGER = 'realmctl'
const MOST_NAMES = 8
/** A person waits: a server that is silent for so long does not answer. */
const ANSWERS_WITHIN_MS = 10_000

/**
 * Runs a command with the cluster that kubectl would use.
 *
 * @throws UserError 1 where the cluster refuses, 4 where it does not answer
 */
export async function inCluster<T>(
  options: ClusterOptions,
  env: NodeJS.ProcessEnv,
  run: (cluster: ClusterNamespace) => Promise<T>,
): Promise<T> {
  const cluster = await openCluster(options, env)
  try {
    return await run(cluster)
  } catch (error) {
    throw explained(error, cluster.client.server)
  } finally {
    await cluster.stop()
  }
}

/** A cluster until it is stopped. */
export interface OpenCluster extends ClusterNamespace, Running {
  access: KubeAccess
}

/** The cluster that kubectl would use, for a command that does not end by itself. @throws UserError where none is configured */
export async function openCluster(options: ClusterOptions, env: NodeJS.ProcessEnv): Promise<OpenCluster> {
  const access = await findKubeAccess(env, options)
  const client = createKubeClient({ access, answersWithinMs: ANSWERS_WITHIN_MS })
  const raw = createRawReader(access)
  return {
    ...{ access, client, raw, namespace: options.namespace ?? client.namespace },
    async stop() {
      await Promise.all([client.stop(), raw.stop()])
    },
  }
}

/** What a person can do about an error of the cluster; other errors are bugs, and stay as they are. */
export function explained(error: unknown, server: string): unknown {
  if (error instanceof UserError) return error
  if (error instanceof KubeError) return new UserError(sentenceOf(error), error.status >= 500 ? 4 : 1, { cause: error })
  const code = (error as { code?: unknown }).code
  const isNetwork = typeof code === 'string' || (error instanceof Error && /^(Timeout|Abort)Error$/.test(error.name))
  return isNetwork ? new UserError(`The API server ${server} does not answer: ${messageOf(error)}`, 4, { cause: error }) : error
}

/** What a refusal of the API server means to a person. */
export function sentenceOf({ status, message }: KubeError): string {
  if (status === 401) return `The API server does not accept the credentials of the kubeconfig: ${message}`
  if (status === 403) return `A right is missing: ${message}. ${whoGrants(message)}`
  if (status === 404) return `The cluster has no such kind of object: install the CRDs of realm-operator first (${message})`
  return `The API server refuses: ${message}`
}

/** What grants a right that is missing, by what the API server said of it. */
function whoGrants(message: string): string {
  if (!/API group "comms\.decentraland\.org"/.test(message)) return 'Those who administer the cluster have it.'
  const role = /cannot (get|list|watch) /.test(message) ? 'view' : 'edit'
  const where = message.endsWith('at the cluster scope') ? 'for all namespaces; or name one with -n' : 'in the namespace'
  return `The ClusterRole ${role}, to which the chart adds Realms, grants it ${where}.`
}

/** @throws UserError 1 where there is no such Realm; the message has the names that there are */
export async function realmNamed(
  { client, namespace }: Pick<ClusterNamespace, 'client' | 'namespace'>,
  name: string,
): Promise<Realm> {
  const found = await client.get<Realm>(realmResource, { namespace, name })
  if (found) return found
  const names = (await realmsIn({ client, namespace })).map(({ metadata }) => metadata.name)
  throw new UserError(`There is no Realm ${name} in the namespace ${namespace}; ${namesText(names)}`)
}

/** @throws UserError 1 where there is no such CommsCell; the message has the names that there are */
export async function cellNamed({ client, namespace }: ClusterNamespace, name: string): Promise<CommsCell> {
  const found = await client.get<CommsCell>(cellResource, { namespace, name })
  if (found) return found
  const { items } = await client.list<CommsCell>(collectionPath(cellResource, namespace), {})
  throw new UserError(
    `There is no CommsCell ${name} in the namespace ${namespace}; ${namesText(items.map(({ metadata }) => metadata.name))}`,
  )
}

const namesText = (names: readonly string[]): string =>
  names.length === 0 ? 'there is none. Is it another one (-n)?' : `there are ${someOf(names)}.`

/** The first of many names, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const shown = [...names].sort().slice(0, MOST_NAMES).join(', ')
  return `${shown}${names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''}`
}

/** All Realms of a namespace, or of the cluster. */
export async function realmsIn({
  client,
  namespace,
}: Pick<ClusterNamespace, 'client'> & { namespace?: string }): Promise<Realm[]> {
  return (await client.list<Realm>(collectionPath(realmResource, namespace), {})).items
}

/** The cells of a realm, by slot. */
export async function cellsOf({ client }: Pick<ClusterNamespace, 'client'>, { metadata }: Realm): Promise<CommsCell[]> {
  const { items } = await client.list<CommsCell>(collectionPath(cellResource, metadata.namespace), {})
  return items
    .filter(({ spec }) => spec.realmRef.name === metadata.name)
    .sort((a, b) => a.spec.slot - b.spec.slot || (a.metadata.name < b.metadata.name ? -1 : 1))
}

/** Changes fields of a Realm, as `kubectl patch` does. @throws UserError 1 where it is gone */
export async function changeRealm({ client }: ClusterNamespace, { metadata }: Realm, spec: object): Promise<void> {
  await change(client.merge(realmResource, metadata, { spec }, { fieldManager: FIELD_MANAGER }), `Realm ${metadata.name}`)
}

/** Changes fields of a CommsCell. @throws UserError 1 where it is gone */
export async function changeCell({ client }: ClusterNamespace, { metadata }: CommsCell, spec: object): Promise<void> {
  await change(client.merge(cellResource, metadata, { spec }, { fieldManager: FIELD_MANAGER }), `CommsCell ${metadata.name}`)
}

async function change(write: Promise<unknown>, what: string): Promise<void> {
  try {
    await write
  } catch (error) {
    if (isStatus(error, 404)) throw new UserError(`The ${what} was deleted in the meantime.`, 1, { cause: error })
    throw error
  }
}

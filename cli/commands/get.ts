import { stringify } from 'yaml'
import { conditionOf, type Realm } from '../../crds/realm.ts'
import { type ClusterOptions, inCluster, realmNamed, realmsIn } from '../cluster/cluster.ts'
import { shortSpan, type TableCell, type TableStyle, tableOf } from '../output/table.ts'
import type { ClusterOutput, ClusterPorts } from './cluster-ports.ts'

export interface GetOptions extends ClusterOptions {
  allNamespaces?: boolean
  output?: ClusterOutput
}

/** Lists Realms: those that are named, or all of a namespace or of the cluster. @throws UserError as `inCluster` */
export async function get(names: readonly string[], options: GetOptions, ports: ClusterPorts): Promise<void> {
  let where = ''
  const realms = await inCluster(options, ports.env, async (cluster) => {
    where = `The namespace ${cluster.namespace}`
    if (names.length > 0) return Promise.all(names.map((name) => realmNamed(cluster, name)))
    return realmsIn(options.allNamespaces ? { client: cluster.client } : cluster)
  })
  const sorted = realms.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  if (options.output === 'json') return ports.print(`${JSON.stringify(sorted.map(withoutManagedFields), null, 2)}\n`)
  if (options.output === 'yaml') return ports.print(sorted.map((realm) => stringify(withoutManagedFields(realm))).join('---\n'))
  if (options.output === 'name') return ports.print(sorted.map(({ metadata }) => `realm/${metadata.name}\n`).join(''))
  if (sorted.length === 0)
    return ports.say(options.allNamespaces ? 'The cluster has no Realm.' : `${where} has no Realm; -A lists all namespaces.`)
  await ports.print(realmTable(sorted, options, ports.today(), ports.style))
}

/** The table of Realms for people. `now` is in milliseconds since the epoch. */
export const realmTable = (realms: readonly Realm[], options: GetOptions, now: number, style: TableStyle): string =>
  tableOf([titles(options), ...realms.map((realm) => rowOf(realm, options, now))], { ...style, leftOut: LEFT_OUT })

const LEFT_OUT = ['AGE', 'VERSION', 'MODE', 'CELLS', 'ABOUT', 'PLAYERS', 'NAMESPACE']

const nameOf = ({ metadata }: Realm): string => `${metadata.namespace}/${metadata.name}`

/** The API server's record of who wrote which field is longer than the object. */
function withoutManagedFields(realm: Realm): Realm {
  const { managedFields: _, ...metadata } = realm.metadata as Realm['metadata'] & { managedFields?: unknown }
  return { ...realm, metadata }
}

const titles = ({ allNamespaces, output }: GetOptions): string[] => [
  ...(allNamespaces ? ['NAMESPACE'] : []),
  ...['NAME', 'MODE', 'READY', 'PUBLISHED', 'PLAYERS', 'CELLS', 'VERSION', 'AGE'],
  ...(output === 'wide' ? ['ABOUT'] : []),
]

function rowOf(realm: Realm, { allNamespaces, output }: GetOptions, now: number): TableCell[] {
  const { metadata, spec, status = {} } = realm
  const cells = spec.mode === 'World' ? '-' : `${status.readyReplicas ?? 0}/${spec.cells.replicas}`
  return [
    ...(allNamespaces ? [metadata.namespace] : []),
    metadata.name,
    spec.mode,
    conditionCell(realm, 'Ready'),
    conditionCell(realm, 'Published'),
    status.players ?? '-',
    cells,
    spec.version,
    metadata.creationTimestamp ? shortSpan(now - Date.parse(metadata.creationTimestamp)) : '-',
    ...(output === 'wide' ? [status.urls?.about ?? '-'] : []),
  ]
}

/** `True`, or why it is not. */
function conditionCell(realm: Realm, type: string): TableCell {
  const condition = conditionOf(realm, type)
  if (!condition) return { text: 'Unknown', colour: 'yellow' }
  if (condition.status === 'True') return { text: 'True', colour: 'green' }
  return { text: condition.reason, colour: condition.reason === 'Hibernated' ? 'dim' : 'red' }
}

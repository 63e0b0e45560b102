import { stringify } from 'yaml'
import { version as clientVersion } from '../../cells/version.ts'
import { type ClusterOptions, inCluster } from '../cluster/cluster.ts'
import {
  type InstalledCrd,
  type InstalledProgram,
  installedCrds,
  installedPrograms,
  type Skew,
  skewsOf,
} from '../cluster/installation.ts'
import { readJson } from '../cluster/raw-reader.ts'
import { type Seen, seenValue } from '../cluster/seen.ts'
import { type TableCell, type TableStyle, tableOf, wrapped } from '../output/table.ts'
import type { ClusterPorts } from './cluster-ports.ts'

export interface VersionOptions extends ClusterOptions {
  /** Only that of this program, without a cluster. */
  client?: boolean
  output?: 'table' | 'json' | 'yaml'
}

/** With `-o json` this is the output; fields may be added, and none changes its meaning. */
export interface VersionReport {
  client: string
  /** Of the Kubernetes API server. */
  apiServer?: string
  programs?: Pick<InstalledProgram, 'program' | 'namespace' | 'name' | 'version' | 'image' | 'replicas'>[]
  crds?: InstalledCrd[]
  /** What could not be read, and why. */
  unseen?: string[]
  skews?: Skew[]
}

/**
 * Prints the versions of this program, and of what a cluster runs.
 *
 * @returns the exit code: 1 where two versions do not fit together
 * @throws UserError as `inCluster`
 */
export async function version({ client, output = 'table', ...options }: VersionOptions, ports: ClusterPorts): Promise<number> {
  const report = client ? { client: clientVersion } : await readVersions(options, ports)
  if (output === 'json') await ports.print(`${JSON.stringify(report, null, 2)}\n`)
  else await ports.print(output === 'yaml' ? stringify(report) : versionText(report, ports.style))
  return (report.skews ?? []).length > 0 ? 1 : 0
}

const readVersions = (options: ClusterOptions, ports: ClusterPorts): Promise<VersionReport> =>
  inCluster(options, ports.env, async (cluster) => {
    const { gitVersion: apiServer = 'unknown' } = (await readJson(cluster.raw, '/version')) as { gitVersion?: string }
    const [programs, crds] = await Promise.all([installedPrograms(cluster), installedCrds(cluster)])
    const unseen = [programs, crds].flatMap((each: Seen<unknown>) => ('unseen' in each ? [each.unseen] : []))
    return {
      client: clientVersion,
      apiServer,
      programs: (seenValue(programs) ?? []).map(({ program, namespace, name, version: itsVersion, image, replicas }) => ({
        ...{ program, namespace, name, version: itsVersion, image, replicas },
      })),
      crds: seenValue(crds) ?? [],
      unseen,
      skews: skewsOf(seenValue(programs) ?? [], seenValue(crds) ?? []),
    }
  })

/** The versions for people. */
export function versionText(
  { client, apiServer, programs = [], crds = [], unseen = [], skews = [] }: VersionReport,
  style: TableStyle,
): string {
  const rows: TableCell[][] = [
    ['PART', 'VERSION', 'WHAT'],
    ['client', client, 'this program'],
    ...(apiServer ? [['Kubernetes', apiServer, '']] : []),
    ...programs.map(({ program, version: its, namespace, name, image, replicas }) => [
      program,
      its,
      `${namespace}/${name}, ${replicas.ready} of ${replicas.wanted} ready, ${image}`,
    ]),
    ...crds.map((crd) => [
      'CRD',
      crd.version ?? 'unknown',
      `${crd.name}${crd.missingFields.length > 0 ? `, which lacks fields that this client knows: ${crd.missingFields.length}` : ''}`,
    ]),
  ]
  const isNothing = apiServer !== undefined && unseen.length === 0 && programs.length + crds.length === 0
  return [
    tableOf(rows, style),
    ...(isNothing ? ['The cluster has no operator and no CRDs: realmctl doctor says whether it could have them.\n'] : []),
    ...[...unseen.map((why) => `Not seen: ${why}`), ...skews.map(({ message, fix }) => `${message}: ${fix}`)].flatMap(
      (sentence) => wrapped(sentence, style.width).map((line) => `${line}\n`),
    ),
  ].join('')
}

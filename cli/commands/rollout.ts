import { UserError } from '../../cells/chassis/errors.ts'
import { conditionOf } from '../../crds/realm.ts'
import { type ClusterNamespace, type ClusterOptions, cellsOf, changeRealm, inCluster, realmNamed } from '../cluster/cluster.ts'
import { type RealmReport, reportOf } from '../cluster/realm-report.ts'
import { tableOf } from '../output/table.ts'
import { type ClusterPorts, GOES_ON } from './cluster-ports.ts'
import { readReport, settled } from './status.ts'

export interface RolloutOptions extends ClusterOptions {
  /** Waits for so many milliseconds until the rollout is over. */
  wait?: number
}

/**
 * Says how far a rollout is.
 *
 * @returns the exit code: 0 where every cell and service is of the present spec, 1 where it is not
 * @throws UserError 124 when it is not over within the time that `wait` gives, and as `inCluster`
 */
export function rolloutStatus(name: string, { wait, ...options }: RolloutOptions, ports: ClusterPorts): Promise<number> {
  return inCluster(options, ports.env, async (cluster) => {
    const read = () => readReport(cluster, name)
    const report = wait === undefined ? await read() : await settled(read, wait, ports)
    await ports.print(`${rolloutText(report)}\n`)
    return report.settled ? 0 : 1
  })
}

function rolloutText(report: RealmReport): string {
  const { name, version, cells, conditions, settled: isOver } = report
  if (isOver) return `${name} runs version ${version}: every cell and service is of its present spec.`
  const about = conditions.find(({ type, status }) => status === 'True' && (type === 'Stalled' || type === 'Reconciling'))
  return `${name}: ${cells.updated} of ${cells.wanted} cells are of the present spec. ${about ? `${about.reason}: ${about.message}` : ''}`.trim()
}

/** Holds everything of a realm that runs as it is; only the numbers of cells and connectors still change. */
export function pause(name: string, options: ClusterOptions, ports: ClusterPorts): Promise<void> {
  return inCluster(options, ports.env, async (cluster) => {
    const realm = await realmNamed(cluster, name)
    if (realm.spec.rollout.paused) return ports.print(`${name} is paused already.\n`)
    await changeRealm(cluster, realm, { rollout: { paused: true } })
    await ports.print(`${name} is paused: no pod of it is replaced or restarted until 'rollout resume ${name}'.\n${OWNERS}`)
  })
}

/** Lets a rollout go on that is paused, or that waits after its canary cells. @returns and throws as `rolloutStatus` where it waits; else 0 */
export function resume(name: string, { wait, ...options }: RolloutOptions, ports: ClusterPorts): Promise<number> {
  return inCluster(options, ports.env, async (cluster) => {
    const realm = await realmNamed(cluster, name)
    const { paused, canaryCells } = realm.spec.rollout
    const awaits = conditionOf(realm, 'Reconciling')?.reason === 'AwaitingPromotion'
    if (!paused && !awaits) {
      await ports.print(`${name} neither is paused nor waits after canary cells.\n`)
      return untilOver(cluster, name, wait, ports)
    }
    await changeRealm(cluster, realm, { rollout: { ...(paused && { paused: false }), ...(awaits && { canaryCells: null }) } })
    const promoted = awaits ? ` It does not wait after ${canaryCells ?? 0} canary cells any more.` : ''
    await ports.print(`${name} goes on.${promoted}\n${OWNERS}`)
    return untilOver(cluster, name, wait, ports)
  })
}

/** Waits, where that is asked for, until the rollout that a command let begin is over. @returns the exit code */
async function untilOver(
  cluster: ClusterNamespace,
  name: string,
  wait: number | undefined,
  ports: ClusterPorts,
): Promise<number> {
  if (wait === undefined) return 0
  return ports.interruptible(
    () => GOES_ON,
    async () => {
      const report = await settled(() => readReport(cluster, name), wait, ports)
      await ports.print(`${rolloutText(report)}\n`)
      return report.settled ? 0 : 1
    },
  )
}

/** What keeps a manifest in version control from setting the change back is its owner's to do. */
const OWNERS = 'A manifest in version control has to say the same, or its next apply sets this back.\n'

/**
 * Sets the version of a realm back to the one that its other cells have, or to one that is given.
 *
 * @returns the exit code, as `rolloutStatus` where it waits; else 0
 * @throws UserError 1 where no cell has another version and none is given; and as `rolloutStatus`
 */
export function undo(
  name: string,
  { toVersion, wait, ...options }: RolloutOptions & { toVersion?: string },
  ports: ClusterPorts,
): Promise<number> {
  return inCluster(options, ports.env, async (cluster) => {
    const realm = await realmNamed(cluster, name)
    const others = new Set(
      (await cellsOf(cluster, realm)).map(({ spec }) => spec.version).filter((each) => each !== realm.spec.version),
    )
    const [other, ...more] = others
    const version = toVersion ?? other
    if (version === undefined)
      throw new UserError(
        `Every cell of ${name} has version ${realm.spec.version}. Give the version to go back to: --to-version.`,
      )
    if (toVersion === undefined && more.length > 0)
      throw new UserError(`The cells of ${name} have the versions ${[...others].sort().join(', ')} besides: give --to-version.`)
    if (version === realm.spec.version) await ports.print(`${name} has version ${version} already.\n`)
    else {
      await changeRealm(cluster, realm, { version })
      await ports.print(`${name} goes back from version ${realm.spec.version} to ${version}.\n${OWNERS}`)
    }
    return untilOver(cluster, name, wait, ports)
  })
}

/** Lists what the cells of a realm were created from: two revisions at most, as long as a rollout goes on. */
export function history(
  name: string,
  { output, ...options }: ClusterOptions & { output?: 'table' | 'json' },
  ports: ClusterPorts,
): Promise<void> {
  return inCluster(options, ports.env, async (cluster) => {
    const realm = await realmNamed(cluster, name)
    const cells = await cellsOf(cluster, realm)
    const { slots } = reportOf(realm, cells)
    const revisions = [...new Set(slots.map(({ revision }) => revision))].map((revision) => {
      const of = slots.filter((slot) => slot.revision === revision)
      const born = cells.flatMap(({ spec, metadata }) =>
        (spec.revision ?? '') === revision ? (metadata.creationTimestamp ?? []) : [],
      )
      return {
        revision,
        versions: [...new Set(of.map(({ version }) => version))],
        cells: of.map((cell) => cell.name),
        serving: of.filter(({ state }) => state === 'Serving').length,
        createdAt: born.sort()[0] ?? null,
      }
    })
    const sorted = revisions.sort((a, b) => ((a.createdAt ?? '') < (b.createdAt ?? '') ? -1 : 1))
    if (output === 'json') return ports.print(`${JSON.stringify(sorted, null, 2)}\n`)
    if (sorted.length === 0) return ports.print(`${name} has no cells.\n`)
    const rows = sorted.map((each) => [
      each.revision || '-',
      each.versions.join(', '),
      `${each.serving}/${each.cells.length}`,
      each.createdAt ?? '-',
      each.cells.join(', '),
    ])
    await ports.print(tableOf([['REVISION', 'VERSION', 'SERVING', 'CREATED', 'CELLS'], ...rows], ports.style))
  })
}

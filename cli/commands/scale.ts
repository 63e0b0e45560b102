import { UserError } from '../../cells/chassis/errors.ts'
import { type ClusterOptions, cellNamed, changeCell, changeRealm, inCluster, realmNamed } from '../cluster/cluster.ts'
import { countOf } from '../island-map/style.ts'
import { type ClusterPorts, GOES_ON } from './cluster-ports.ts'
import { readReport, settled } from './status.ts'

export interface ScaleOptions extends ClusterOptions {
  cells?: number
  connectors?: number
  /** The cell whose connectors are meant. */
  cell?: string
  /** Waits for so many milliseconds until the realm has the number. */
  wait?: number
}

/**
 * Sets the number of cells of a realm, or of connectors of one of its cells.
 *
 * @returns the exit code: 1 where the realm cannot get there
 * @throws UserError 1 where autoscaling chooses the number, 2 for options that do not fit, 124 when `wait` is over, and as `inCluster`
 */
export async function scale(name: string, { wait, ...options }: ScaleOptions, ports: ClusterPorts): Promise<number> {
  const { cells, connectors, cell } = options
  if ((cells === undefined) === (connectors === undefined))
    throw new UserError('Give either --cells, or --connectors with --cell.', 2)
  if ((connectors === undefined) !== (cell === undefined)) throw new UserError('--connectors needs the --cell that is meant.', 2)
  return inCluster(options, ports.env, async (cluster) => {
    const realm = await realmNamed(cluster, name)
    if (cells !== undefined) {
      if (realm.spec.autoscale?.cells && cells !== 0)
        throw new UserError(`The operator chooses the number of cells of ${name}, by spec.autoscale.cells; only 0 has an effect.`)
      await changeRealm(cluster, realm, { cells: { replicas: cells } })
      await ports.print(
        cells === 0 ? `${name} hibernates once its cells are drained.\n` : `${name} gets ${countOf(cells, 'cell')}.\n`,
      )
    } else {
      const chosen = await cellNamed(cluster, cell ?? '')
      if (chosen.spec.realmRef.name !== name)
        throw new UserError(`${cell} is a cell of ${chosen.spec.realmRef.name}, and not of ${name}.`, 2)
      await changeCell(cluster, chosen, { connectors: { replicas: connectors } })
      await ports.print(`${cell} gets ${countOf(connectors ?? 0, 'connector')}.\n`)
    }
    if (wait === undefined) return 0
    const reached = () => settled(() => readReport(cluster, name), wait, ports)
    return (await ports.interruptible(() => GOES_ON, reached)).settled ? 0 : 1
  })
}

import type { CommsCell } from '../../crds/realm.ts'
import { type ClusterNamespace, type ClusterOptions, cellNamed, changeCell, inCluster } from '../cluster/cluster.ts'
import { waitFor } from '../cluster/wait.ts'
import { type ClusterPorts, GOES_ON } from './cluster-ports.ts'

export interface CellStateOptions extends ClusterOptions {
  /** Waits for so many milliseconds until the cell is in the state. */
  wait?: number
}

interface Verb {
  desired: NonNullable<CommsCell['spec']['desiredState']>
  /** What happens from now on. */
  begins: (cell: string) => string
  isDone: (cell: CommsCell) => boolean
}

const isCordoned = (cell: CommsCell) =>
  cell.status?.conditions?.some(({ type, status }) => type === 'Cordoned' && status === 'True') === true

const verbs = {
  cordon: {
    desired: 'Draining',
    begins: (cell) => `${cell} takes no new players; those in it stay.`,
    isDone: isCordoned,
  },
  drain: {
    desired: 'Drained',
    begins: (cell) => `${cell} takes no new players, and its players are moved to other cells.`,
    isDone: ({ status }) => status?.state === 'Drained',
  },
  uncordon: {
    desired: 'Serving',
    begins: (cell) => `${cell} takes players again.`,
    isDone: (cell) => cell.status?.state === 'Serving' && !isCordoned(cell),
  },
} satisfies Record<string, Verb>

/** Cordons, drains or takes back a cell. @throws UserError 1 where there is no such cell, 124 when `wait` is over, and as `inCluster` */
export function setCellState(
  verb: keyof typeof verbs,
  name: string,
  { wait, ...options }: CellStateOptions,
  ports: ClusterPorts,
): Promise<void> {
  const { desired, begins, isDone }: Verb = verbs[verb]
  return inCluster(options, ports.env, async (cluster) => {
    const cell = await cellNamed(cluster, name)
    await changeCell(cluster, cell, { desiredState: desired })
    const begun = () => ports.print(`${begins(name)}\n`)
    if (wait === undefined) return begun()
    await ports.interruptible(
      () => GOES_ON,
      async () => {
        await begun()
        await waitFor(() => changed(cluster, cell), isDone, {
          timeoutMs: wait,
          what: `${name} is in that state`,
          onRead: sayPlayers(name, ports),
          ports,
        })
      },
    )
    await ports.print(`${name} is ${desired === 'Draining' ? 'cordoned' : desired.toLowerCase()}.\n`)
  })
}

/** The cell; nothing of its status counts before the operator has seen the change. */
async function changed(cluster: ClusterNamespace, before: CommsCell): Promise<CommsCell> {
  const cell = await cellNamed(cluster, before.metadata.name)
  return cell.status?.observedGeneration === cell.metadata.generation ? cell : { ...cell, status: {} }
}

function sayPlayers(name: string, { say }: ClusterPorts): (cell: CommsCell) => Promise<void> {
  let said: string | undefined
  return async ({ status }) => {
    if (status?.players !== undefined && status.players !== said) say(`${name}: ${status.players} players`)
    said = status?.players ?? said
  }
}

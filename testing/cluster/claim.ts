import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../cells/chassis/errors.ts'
import { cacheFolder } from '../parts/cache.ts'
import { runCommand } from '../parts/command.ts'
import { addressesOf, MAX_CLUSTERS, MAX_NODES } from './addresses.ts'
import { removeCgroup } from './cgroups.ts'

/** What a cluster is for: a person at a terminal, or a test. */
export type Purpose = 'person' | 'test'

/** One cluster's right to its names, addresses and folder. */
export interface Claim {
  index: number
  folder: string
  owner: Owner
}

/** The process a cluster belongs to; its start time tells it from a later process with the same id. */
interface Owner {
  pid: number
  startedAt: string
  purpose: Purpose
}

const clustersFolder = (): string => join(cacheFolder(), 'clusters')

/** Takes the first free index. @throws UserError when there is none */
export async function claim(purpose: Purpose): Promise<Claim> {
  await sweep()
  const owner: Owner = { pid: process.pid, startedAt: startOf(process.pid), purpose }
  mkdirSync(clustersFolder(), { recursive: true })
  // The folder appears with its owner already in it, so that no other process takes a new cluster for an abandoned one.
  const draft = mkdtempSync(join(clustersFolder(), 'new-'))
  writeFileSync(join(draft, 'owner.json'), JSON.stringify(owner))
  for (let index = 0; index < MAX_CLUSTERS; index++) {
    const folder = join(clustersFolder(), String(index))
    if (!(await isTaken(index)) && renamed(draft, folder)) return { index, folder, owner }
  }
  rmSync(draft, { recursive: true })
  throw new UserError(
    `all ${MAX_CLUSTERS} cluster addresses of this machine are taken: 'npm run cluster -- down' ends those started by hand`,
  )
}

/** Whether this machine already has a way to the addresses, for whatever reason. */
const isTaken = async (index: number): Promise<boolean> =>
  (await runCommand('ip', ['route', 'show', 'table', 'all', 'root', `10.${200 + index}.0.0/16`])).trim() !== ''

/** A folder can only be renamed onto one that does not exist or is empty. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch {
    return false
  }
}

/** Every cluster of this machine that has left a trace. */
export function claims(): Claim[] {
  return indexes().flatMap((index) => {
    const folder = join(clustersFolder(), String(index))
    try {
      return [{ index, folder, owner: JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) }]
    } catch {
      return []
    }
  })
}

function indexes(): number[] {
  try {
    return readdirSync(clustersFolder()).map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

/** Whether the process that started a cluster is still there to end it. */
export const isOwned = ({ owner }: Claim): boolean => startOf(owner.pid) === owner.startedAt

/** Removes what crashed runs left: their processes are gone already, because the kernel ended them with their owner. */
export async function sweep(): Promise<void> {
  for (const abandoned of claims().filter((each) => !isOwned(each))) await release(abandoned)
}

/** Takes a cluster whose machines are dead off this machine: links, routes (they go with the bridge), groups, folder. */
export async function release({ index, folder }: Claim): Promise<void> {
  const addresses = addressesOf(index)
  const nodes = Array.from({ length: MAX_NODES }, (_, node) => addresses.node(node))
  // A cable goes with its machine, but not at once, and the next cluster may come before.
  for (const link of [addresses.bridge, ...nodes.map((node) => node.link)])
    if (existsSync(`/sys/class/net/${link}`)) await runCommand('ip', ['link', 'delete', link]).catch(() => undefined)
  for (const { cgroup } of nodes) await removeCgroup(cgroup)
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}

/** When a process started, in clock ticks since the machine did (`man 5 proc_pid_stat`, field 22); empty when there is none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program comes second, in brackets, and may hold anything; after it fields are counted from the third.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../cells/chassis/errors.ts'
import { cacheFolder } from '../parts/cache.ts'
import { runCommand } from '../parts/command.ts'
import { addressesOf, MAX_CLUSTERS, MAX_NODES } from './addresses.ts'
import { removeCgroup } from './cgroups.ts'

/** What a cluster is for: a person at a terminal, or a test. */
export type Purpose = 'person' | 'test'

/** The reservation of a cluster's names, addresses and folder. */
export interface Claim {
  index: number
  folder: string
  owner: Owner
}

/** The process a cluster belongs to; its start time distinguishes it from a later process with the same id. */
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

/** Whether this machine already has a route to the addresses, such as that of a VPN. */
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

/** Every cluster of this machine that has a folder, whether or not its owner still runs. */
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

/** Whether the process that started a cluster still runs; it stops the cluster when it ends. */
export const isOwned = ({ owner }: Claim): boolean => startOf(owner.pid) === owner.startedAt

/** Removes what crashed runs left behind, except processes: the kernel ended those together with their owner. */
export async function sweep(): Promise<void> {
  for (const abandoned of claims().filter((each) => !isOwned(each))) await release(abandoned)
}

/** Removes a cluster whose machines have ended: links, routes (deleted with the bridge), control groups and folder. */
export async function release({ index, folder }: Claim): Promise<void> {
  const addresses = addressesOf(index)
  const nodes = Array.from({ length: MAX_NODES }, (_, node) => addresses.node(node))
  // The kernel removes a veth pair some time after its machine has ended; the next cluster may start before that.
  for (const link of [addresses.bridge, ...nodes.map((node) => node.link)])
    if (existsSync(`/sys/class/net/${link}`)) await runCommand('ip', ['link', 'delete', link]).catch(() => undefined)
  for (const { cgroup } of nodes) await removeCgroup(cgroup)
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}

/** When a process started, in clock ticks since boot (`man 5 proc_pid_stat`, field 22); empty when there is no such process. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Field 2 is the program's name in brackets, which may contain spaces and brackets; so fields are counted from 3 behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

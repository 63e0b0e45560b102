import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = '/sys/fs/cgroup'

/** Processes take a moment to leave their groups after SIGKILL. */
const REMOVE_DEADLINE_MS = 5_000

/** What a node weighs where processors are scarce, in either version: ten times what anything weighs unless told. */
const WEIGHTS = [
  ['cpu.shares', '10240'],
  ['cpu.weight', '1000'],
] as const

/** Where groups can be made: the one tree of version 2, or each controller's tree of version 1. */
const trees = (): string[] =>
  existsSync(join(ROOT, 'cgroup.controllers'))
    ? [ROOT]
    : readdirSync(ROOT, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => join(ROOT, name))

/** Makes a control group of this name for a node's pods, wherever the kubelet will look for it. */
export function makeCgroup(name: string): void {
  for (const tree of trees()) {
    const group = join(tree, name)
    mkdirSync(group, { recursive: true })
    // Version 1: a group without processors and memory takes no process.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = join(tree, file)
      if (existsSync(inherited) && existsSync(join(group, 'cpuset.clone_children')))
        writeFileSync(join(group, file), readFileSync(inherited))
    }
    // Unless told, all pods of a node together would get no more of the processors than one process of this machine.
    for (const [file, shares] of WEIGHTS) if (existsSync(join(group, file))) writeFileSync(join(group, file), shares)
    // Version 2: a group hands on only the controllers it is told to.
    if (existsSync(join(group, 'cgroup.subtree_control'))) delegate(tree, group)
  }
}

function delegate(tree: string, group: string): void {
  const controllers = readFileSync(join(tree, 'cgroup.controllers'), 'utf8').trim()
  if (controllers === '') return
  const all = controllers.split(' ').map((controller) => `+${controller}`)
  for (const file of [tree, group]) writeFileSync(join(file, 'cgroup.subtree_control'), all.join(' '))
}

/** Removes a control group with everything below it, once its last process is gone. */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = Date.now() + REMOVE_DEADLINE_MS
  for (const group of trees().map((tree) => join(tree, name))) {
    while (existsSync(group) && !removed(group) && Date.now() < deadline) await sleep(50)
  }
}

/** Depth first, because only an empty group can be removed. */
function removed(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) removed(join(group, entry.name))
    rmdirSync(group)
    return true
  } catch {
    return false
  }
}
